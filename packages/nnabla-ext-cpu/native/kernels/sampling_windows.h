// Windows weighted by kernels of their own, and patches compared with shifted ones.
#pragma once

#include "common/threads.h"
#include "kernels/span.h"
#include "kernels/tables/sampling.h"

namespace nnabla {
namespace NNABLA_TARGET {

// -- separable kernels -------------------------------------------------------------------------------------------
// Row i of sample n in an array (N, count, rows, columns) of kernels or results, at its first plane.
template <class T>
NNABLA_INLINE T* row_of(const SeparableShape& s, T* array, long count, long n, long i) {
  return array + (n * count * s.out[0] + i) * s.out[1];
}

template <class T>
void separable(const SeparableShape& s, const T* x, const T* vertical, const T* horizontal, T* y) {
  const long plane = s.out[0] * s.out[1], width = s.out[1] + s.kernel[1] - 1, height = s.out[0] + s.kernel[0] - 1;
  const long work = larger(s.channels * s.out[1] * s.kernel[0] * s.kernel[1], 1);
  parallel_for(s.batch * s.out[0], larger(1, 65536 / work), [&](long begin, long end) {
    for (long at = begin; at < end; at++) {
      const long n = at / s.out[0], i = at % s.out[0];
      const T *down = row_of(s, vertical, s.kernel[0], n, i), *across = row_of(s, horizontal, s.kernel[1], n, i);
      T* to = row_of(s, y, s.channels, n, i);
      for (long c = 0; c < s.channels; c++) {
        const T* from = x + ((n * s.channels + c) * height + i) * width;
        each<T>(s.out[1], [&](long j, auto tag) {
          using V = decltype(tag);
          V total = {};
          for (long v = 0; v < s.kernel[0]; v++) {
            V line = {};
            for (long h = 0; h < s.kernel[1]; h++)
              line += get<V>(across + h * plane + j) * get<V>(from + v * width + j + h);
            total += line * get<V>(down + v * plane + j);
          }
          put(to + c * plane + j, total);
        });
      }
    }
  });
}

template <class T>
void separable_gradient(const SeparableShape& s, const T* x, const T* vertical, const T* horizontal, const T* dy, T* dx,
                        T* d_vertical, T* d_horizontal) {
  const long plane = s.out[0] * s.out[1], width = s.out[1] + s.kernel[1] - 1, height = s.out[0] + s.kernel[0] - 1;
  if (dx != nullptr) {
    parallel_for(s.batch * s.channels, 1, [&](long begin, long end) {
      for (long at = begin; at < end; at++) {
        const long n = at / s.channels;
        T* image = dx + at * height * width;
        std::memset(image, 0, height * width * sizeof(T));
        for (long i = 0; i < s.out[0]; i++) {
          const T* given = dy + at * plane + i * s.out[1];
          const T *down = row_of(s, vertical, s.kernel[0], n, i), *across = row_of(s, horizontal, s.kernel[1], n, i);
          for (long v = 0; v < s.kernel[0]; v++) {
            for (long h = 0; h < s.kernel[1]; h++) {
              T* to = image + (i + v) * width + h;
              each_once<T>(s.out[1], [&](long j, auto tag) {
                using V = decltype(tag);
                put(to + j,
                    get<V>(to + j) + get<V>(given + j) * get<V>(down + v * plane + j) * get<V>(across + h * plane + j));
              });
            }
          }
        }
      }
    });
  }
  if (d_vertical == nullptr && d_horizontal == nullptr) return;
  parallel_for(s.batch * s.out[0], 1, [&](long begin, long end) {
    for (long at = begin; at < end; at++) {
      const long n = at / s.out[0], i = at % s.out[0];
      const T *down = row_of(s, vertical, s.kernel[0], n, i), *across = row_of(s, horizontal, s.kernel[1], n, i);
      const T* given = row_of(s, dy, s.channels, n, i);
      const T* from = x + (n * s.channels * height + i) * width;
      if (d_vertical != nullptr) {
        T* to = row_of(s, d_vertical, s.kernel[0], n, i);
        for (long v = 0; v < s.kernel[0]; v++)
          each<T>(s.out[1], [&](long j, auto tag) {
            using V = decltype(tag);
            V total = {};
            for (long c = 0; c < s.channels; c++) {
              V line = {};
              for (long h = 0; h < s.kernel[1]; h++)
                line += get<V>(across + h * plane + j) * get<V>(from + (c * height + v) * width + j + h);
              total += line * get<V>(given + c * plane + j);
            }
            put(to + v * plane + j, total);
          });
      }
      if (d_horizontal != nullptr) {
        T* to = row_of(s, d_horizontal, s.kernel[1], n, i);
        for (long h = 0; h < s.kernel[1]; h++)
          each<T>(s.out[1], [&](long j, auto tag) {
            using V = decltype(tag);
            V total = {};
            for (long c = 0; c < s.channels; c++) {
              V line = {};
              for (long v = 0; v < s.kernel[0]; v++)
                line += get<V>(down + v * plane + j) * get<V>(from + (c * height + v) * width + j + h);
              total += line * get<V>(given + c * plane + j);
            }
            put(to + h * plane + j, total);
          });
      }
    }
  });
}

// -- patches -----------------------------------------------------------------------------------------------------
// Call f(number of the result, pixel of the first image, pixel of the second) for all pairs that lie in the images.
template <class F>
NNABLA_INLINE void each_pair(const CorrelationShape& s, long row, F&& f) {
  const long n = row / s.out[0], r = row % s.out[0], image = n * s.size[0] * s.size[1];
  const auto inside = [&](long at, int axis) { return at >= 0 && at < s.size[axis]; };
  long result = row * s.out[1] * s.shifts[0] * s.shifts[1];
  for (long c = 0; c < s.out[1]; c++)
    for (long u = 0; u < s.shifts[0]; u++)
      for (long v = 0; v < s.shifts[1]; v++, result++) {
        const long down = u * s.shift_step[0] - s.shift[0], across = v * s.shift_step[1] - s.shift[1];
        for (long p = 0; p < s.patch[0]; p++) {
          const long y = r * s.patch_step[0] + p - s.pad[0];
          if (!inside(y, 0) || !inside(y + down, 0)) continue;
          for (long q = 0; q < s.patch[1]; q++) {
            const long x = c * s.patch_step[1] + q - s.pad[1];
            if (!inside(x, 1) || !inside(x + across, 1)) continue;
            f(result, image + y * s.size[1] + x, image + (y + down) * s.size[1] + x + across);
          }
        }
      }
}

template <class T>
void correlate(const CorrelationShape& s, const T* x1, const T* x2, T* y) {
  const long row = s.out[1] * s.shifts[0] * s.shifts[1];
  const long work = larger(row * s.patch[0] * s.patch[1] * s.channels, 1);
  parallel_for(s.batch * s.out[0], larger(1, 65536 / work), [&](long begin, long end) {
    for (long r = begin; r < end; r++) {
      std::memset(y + r * row, 0, row * sizeof(T));
      each_pair(s, r, [&](long result, long first, long second) {
        const T *a = x1 + first * s.channels, *b = x2 + second * s.channels;
        if (s.channels < lanes<T>) {
          T sum = 0;
          for (long i = 0; i < s.channels; i++) sum += a[i] * b[i];
          y[result] += sum;
          return;
        }
        TwoSums<T> sums;
        sums.add(s.channels, [&](long i, auto tag, auto& sum, auto&) {
          using V = decltype(tag);
          sum += get<V>(a + i) * get<V>(b + i);
        });
        y[result] += sums.first();
      });
    }
  });
}

template <class T>
void correlate_gradient(const CorrelationShape& s, const T* x1, const T* x2, const T* dy, T* dx1, T* dx2) {
  const long image = s.size[0] * s.size[1] * s.channels;
  const auto add = [&](T* to, const T* from, T scale) {
    each_once<T>(s.channels, [&](long i, auto tag) {
      using V = decltype(tag);
      put(to + i, get<V>(to + i) + get<V>(from + i) * scale);
    });
  };
  parallel_for(s.batch, 1, [&](long begin, long end) {
    T* const both[2] = {dx1, dx2};
    for (T* to : both)
      if (to != nullptr) std::memset(to + begin * image, 0, (end - begin) * image * sizeof(T));
    for (long r = begin * s.out[0]; r < end * s.out[0]; r++)
      each_pair(s, r, [&](long result, long first, long second) {
        const long a = first * s.channels, b = second * s.channels;
        if (dx1 != nullptr) add(dx1 + a, x2 + b, dy[result]);
        if (dx2 != nullptr) add(dx2 + b, x1 + a, dy[result]);
      });
  });
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
