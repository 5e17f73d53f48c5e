// The gradient of a convolution with respect to its weight: for each tap, the sum over output pixels of the output's
// gradient times the source pixel. Both are packed for some pixels at a time.
#pragma once

#include "kernels/convolution_padding.h"
#include "kernels/gemm.h"

namespace nnabla {
namespace NNABLA_TARGET {

// What the columns of the product are: stretches of source pixels' channels, `depth` for each tap.
template <class T>
struct Columns {
  const T* source;
  long size[3], pixel, image;  // of the source
  const ConvolutionShape* shape;
  long origin[3];
  long kernel[3], dilation[3], depth;

  long count() const { return kernel[0] * kernel[1] * kernel[2] * depth; }
};

// Pack columns e0 to e0 + width for output pixels p0 to p0 + count as [count][tile_columns].
template <class T>
inline void pack_columns_of(const Columns<T>& a, long p0, long count, long e0, long width, T* to) {
  const ConvolutionShape& s = *a.shape;
  if (width < tile_columns<T>) std::memset(to, 0, count * tile_columns<T> * sizeof(T));
  for (long e = e0; e < e0 + width;) {
    const long tap = e / a.depth, c = e % a.depth, length = smaller(a.depth - c, e0 + width - e);
    const long tk = tap % a.kernel[2] * a.dilation[2] + a.origin[2];
    const long tj = tap / a.kernel[2] % a.kernel[1] * a.dilation[1] + a.origin[1];
    const long ti = tap / (a.kernel[2] * a.kernel[1]) * a.dilation[0] + a.origin[0];
    long ok = p0 % s.out[2], rest = p0 / s.out[2];
    long oj = rest % s.out[1], oi = rest / s.out[1] % s.out[0], n = rest / (s.out[1] * s.out[0]);
    T* at = to + (e - e0);
    for (long q = 0; q < count;) {
      const long run = smaller(count - q, s.out[2] - ok);
      const long i = oi * s.stride[0] + ti, j = oj * s.stride[1] + tj;
      const bool row_inside = i >= 0 && i < a.size[0] && j >= 0 && j < a.size[1];
      const T* row = a.source + n * a.image + ((i * a.size[1] + j) * a.size[2]) * a.pixel + c;
      for (long r = 0; r < run; r++, at += tile_columns<T>) {
        const long k = (ok + r) * s.stride[2] + tk;
        const bool inside = row_inside && k >= 0 && k < a.size[2];
        const T* from = row + k * a.pixel;
        if (length == tile_columns<T>) {
#pragma GCC unroll 4
          for (int v = 0; v < tile_vectors; v++)
            store(at + v * lanes<T>, inside ? load(from + v * lanes<T>) : Vec<T>{});
        } else if (inside) {
          for (long l = 0; l < length; l++) at[l] = from[l];
        } else {
          std::memset(at, 0, length * sizeof(T));
        }
      }
      q += run;
      ok = 0;
      if (++oj == s.out[1]) {
        oj = 0;
        if (++oi == s.out[0]) oi = 0, n++;
      }
    }
    e += length;
  }
}

// Up to so many elements a weight's gradient is summed up by each thread for pixels of its own.
constexpr long private_gradient = 400000;

template <class T>
inline void multiply_columns(const Columns<T>& a, const T* dy, long rows, long p0, long p1, long u0, long u1, T* D,
                             long ldd) {
  constexpr long most = 16384 / (tile_columns<T> * sizeof(T));
  if (p0 >= p1 || u0 >= u1) return;
  const long step = divide_up(p1 - p0, divide_up(p1 - p0, most));
  // Tiles of equal height, so that none has few rows.
  const long tiles = divide_up(rows, tile_rows), height = divide_up(rows, tiles);
  const Scratch<T> seeds(step * tiles * tile_rows), columns(step * tile_columns<T>);
  for (long p = p0; p < p1; p += step) {
    const long count = smaller(step, p1 - p);
    const Matrix<T> A = {dy + p * a.shape->out_channels, 1, a.shape->out_channels};
    for (long k = 0, at = 0; k < rows; k += height, at++)
      pack_rows(A, k, smaller(height, rows - k), 0, count, seeds + at * tile_rows * count);
    for (long u = u0; u < u1; u++) {
      const long e = u * tile_columns<T>;
      pack_columns_of(a, p, count, e, smaller(tile_columns<T>, a.count() - e), columns.data());
      for (long k = 0, at = 0; k < rows; k += height, at++)
        with_rows(static_cast<int>(smaller(height, rows - k)), [&](auto n) {
          multiply_tile<T, decltype(n)::value>(count, seeds + at * tile_rows * count, tile_rows, columns.data(),
                                               D + k * ldd + e, ldd, p > p0, nullptr);
        });
    }
  }
}

// Bring [rows][tap][channels] into a weight's own steps.
template <class T>
inline void place_weight(const ConvolutionShape& s, const T* D, long ldd, T* dw, WeightSteps steps) {
  const long rows = s.out_channels / s.group, channels = s.in_channels / s.group, taps = s.taps();
  const bool c_order =
      steps.in == taps && steps.tap[2] == 1 && steps.tap[1] == s.kernel[2] && steps.tap[0] == s.kernel[1] * s.kernel[2];
  parallel_for(rows, larger(1, 16384 / (taps * channels)), [&](long o0, long o1) {
    for (long o = o0; o < o1; o++) {
      const T* from = D + o * ldd;
      T* to = dw + o * steps.out;
      if (c_order) {
        transpose(taps, channels, from, channels, to, taps);
        continue;
      }
      for (long i = 0; i < s.kernel[0]; i++)
        for (long j = 0; j < s.kernel[1]; j++)
          for (long k = 0; k < s.kernel[2]; k++)
            for (long c = 0; c < channels; c++)
              to[i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2] + c * steps.in] = *from++;
    }
  });
}

template <class T>
inline void sum_and_place(const ConvolutionShape& s, const Columns<T>& a, const T* dy, T* dw, WeightSteps steps) {
  const long rows = s.out_channels / s.group, pixels = s.out_pixels();
  const long panels = divide_up(a.count(), tile_columns<T>), ldd = panels * tile_columns<T>;
  const int threads = pixels * rows * a.count() < 100000 ? 1 : thread_count();
  const bool own = rows * ldd <= private_gradient && pixels >= 64 * threads;
  const Scratch<T> sums(rows * ldd * (own ? threads : 1));
  if (pixels == 0) std::memset(sums, 0, rows * ldd * sizeof(T));
  if (own) {
    parallel(threads, [&](int part, int parts) {
      multiply_columns(a, dy, rows, pixels * part / parts, pixels * (part + 1) / parts, 0, panels,
                       sums + part * rows * ldd, ldd);
    });
    parallel_for(rows * ldd, 16384, [&](long begin, long end) {
      for (int part = 1; part < threads; part++)
        for (long i = begin; i < end; i++) sums[i] += sums[part * rows * ldd + i];
    });
  } else {
    parallel(static_cast<int>(smaller(threads, panels)), [&](int part, int parts) {
      multiply_columns(a, dy, rows, 0, pixels, panels * part / parts, panels * (part + 1) / parts, sums.data(), ldd);
    });
  }
  place_weight(s, sums.data(), ldd, dw, steps);
}

// C[Rows][Vectors * lanes] += A B, where row i of A is rows[i][k * a_step], and rows of B lie b_step apart.
template <class T, int Rows, int Vectors>
__attribute__((noinline)) void multiply_spaced_rows(long depth, const T* const* rows, long a_step, const T* B,
                                                    long b_step, T* C, long ldc) {
  Vec<T> c[Rows][Vectors];
  const T* a[Rows];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    a[i] = rows[i];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) c[i][j] = Vec<T>{};
  }
  for (long k = 0; k < depth; k++) {
    Vec<T> b[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) b[j] = load(B + j * lanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vec<T> x = broadcast(a[i][k * a_step]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) c[i][j] += x * b[j];
    }
    B += b_step;
  }
  store_tile<T, Rows, Vectors>(c, C, ldc, true, nullptr);
}

// The gradient for images of few channels. For a row of output pixels each element of the kernel meets equally spaced
// elements of a padded image, which are read where they are: rows of the product are the kernel's elements.
template <class T, int Vectors>
inline void weight_gradient_in_place(const ConvolutionShape& s, const PaddedImages<T>& images, const T* dy, T* dw,
                                     WeightSteps steps) {
  constexpr long columns = Vectors * lanes<T>;
  const long K = s.out_channels, C = s.in_channels, length = s.kernel[2] * C;
  const long elements = s.taps() * C, panels = divide_up(K, columns), ldd = panels * columns;
  const long lines = s.batch * s.out[0] * s.out[1], width = s.out[2];
  const long tiles = divide_up(elements, tile_rows), height = divide_up(elements, tiles);
  const int threads =
      static_cast<int>(smaller(lines * width * K * elements < 100000 ? 1 : thread_count(), larger(1, lines)));
  const Scratch<T> sums(threads * elements * ldd);
  std::memset(sums, 0, threads * elements * ldd * sizeof(T));
  parallel(threads, [&](int part, int parts) {
    T* sum = sums + part * elements * ldd;
    const bool whole = K % columns == 0;
    const Scratch<T> padded(whole ? 1 : width * columns);
    for (long l = lines * part / parts; l < lines * (part + 1) / parts; l++) {
      const long oj = l % s.out[1], oi = l / s.out[1] % s.out[0], n = l / (s.out[1] * s.out[0]);
      const T* origin = images.source + n * images.image +
                        (oi * s.stride[0] * images.size[1] + oj * s.stride[1]) * images.size[2] * C;
      for (long p = 0; p < panels; p++) {
        const T* seeds = dy + l * width * K + p * columns;
        long step = K;
        if (K - p * columns < columns) {
          const long rest = K - p * columns;
          for (long q = 0; q < width; q++) {
            for (long j = 0; j < rest; j++) padded[q * columns + j] = seeds[q * K + j];
            for (long j = rest; j < columns; j++) padded[q * columns + j] = 0;
          }
          seeds = padded;
          step = columns;
        }
        for (long e = 0; e < elements; e += height) {
          const long count = smaller(height, elements - e);
          const T* rows[tile_rows];
          for (long r = 0; r < count; r++) {
            const long row = (e + r) / length, i = row / s.kernel[1], j = row % s.kernel[1];
            rows[r] = origin + (i * s.dilation[0] * images.size[1] + j * s.dilation[1]) * images.size[2] * C +
                      (e + r) % length;
          }
          with_rows(static_cast<int>(count), [&](auto m) {
            multiply_spaced_rows<T, decltype(m)::value, Vectors>(width, rows, s.stride[2] * C, seeds, step,
                                                                 sum + e * ldd + p * columns, ldd);
          });
        }
      }
    }
  });
  for (int part = 1; part < threads; part++)
    for (long i = 0; i < elements * ldd; i++) sums[i] += sums[part * elements * ldd + i];
  for (long e = 0; e < elements; e++) {
    const long row = e / length, i = row / s.kernel[1], j = row % s.kernel[1], k = e % length / C, c = e % C;
    T* to = dw + i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2] + c * steps.in;
    for (long o = 0; o < K; o++) to[o * steps.out] = sums[e * ldd + o];
  }
}

template <class T>
inline void group_weight_gradient(const ConvolutionShape& s, long g, const T* x, const T* dy, T* dw,
                                  WeightSteps steps) {
  const long in = s.in_channels / s.group, out = s.out_channels / s.group;
  if (rows_as_taps(s)) {
    const PaddedImages<T> images(s, x);
    if (out <= lanes<T>)
      weight_gradient_in_place<T, 1>(s, images, dy, dw, steps);
    else
      weight_gradient_in_place<T, tile_vectors>(s, images, dy, dw, steps);
    return;
  }
  const Columns<T> columns = {x + g * in,
                              {s.in[0], s.in[1], s.in[2]},
                              s.in_channels,
                              s.in[0] * s.in[1] * s.in[2] * s.in_channels,
                              &s,
                              {-s.pad[0], -s.pad[1], -s.pad[2]},
                              {s.kernel[0], s.kernel[1], s.kernel[2]},
                              {s.dilation[0], s.dilation[1], s.dilation[2]},
                              in};
  sum_and_place(s, columns, dy + g * out, dw + g * out * steps.out, steps);
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
