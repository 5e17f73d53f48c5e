// Convolutions of each channel by itself: vectors of channels, a few output columns at a time.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/tables/convolution.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

// Weights as [tap][channel].
template <class T>
inline void depthwise_weights(const ConvolutionShape& s, const T* w, WeightSteps steps, T* to) {
  for (long i = 0; i < s.kernel[0]; i++)
    for (long j = 0; j < s.kernel[1]; j++)
      for (long k = 0; k < s.kernel[2]; k++)
        for (long c = 0; c < s.group; c++)
          *to++ = w[c * steps.out + i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2]];
}

// What a tap of a kernel's row reads: the address of its pixel for output column 0, and its weights.
template <class T>
struct RowTap {
  const T* pixel;
  const T* weight;
  long column;  // of the input, for output column 0
};

// `Width` output columns whose taps all lie inside.
template <class T, int Width>
NNABLA_INLINE void depthwise_columns(const RowTap<T>* taps, long count, long step, long C, const T* bias, bool rectify,
                                     T* y) {
  long c = 0;
  for (; c + lanes<T> <= C; c += lanes<T>) {
    Vec<T> sum[Width];
#pragma GCC unroll 8
    for (int q = 0; q < Width; q++) sum[q] = bias == nullptr ? Vec<T>{} : load(bias + c);
    for (long t = 0; t < count; t++) {
      const Vec<T> w = load(taps[t].weight + c);
#pragma GCC unroll 8
      for (int q = 0; q < Width; q++) sum[q] += w * load(taps[t].pixel + q * step + c);
    }
#pragma GCC unroll 8
    for (int q = 0; q < Width; q++) {
      if (rectify) sum[q] = sum[q] < 0 ? Vec<T>{} : sum[q];
      store(y + q * C + c, sum[q]);
    }
  }
  for (; c < C; c++)
    for (int q = 0; q < Width; q++) {
      T sum = bias == nullptr ? 0 : bias[c];
      for (long t = 0; t < count; t++) sum += taps[t].weight[c] * taps[t].pixel[q * step + c];
      y[q * C + c] = rectify && sum < 0 ? 0 : sum;
    }
}

// With weights as depthwise_weights() gives them.
template <class T>
inline void depthwise_with(const ConvolutionShape& s, const T* x, const T* weights, const T* bias, bool rectify, T* y) {
  constexpr int width = 4;
  const long C = s.group, taps = s.taps(), columns = s.out[2];
  const long lines = s.batch * s.out[0] * s.out[1];
  parallel_for(lines, larger(1, 16384 / larger(1, columns * C * taps)), [&](long l0, long l1) {
    const Scratch<RowTap<T>> row(taps), shifted(taps);
    for (long l = l0; l < l1; l++) {
      const long oj = l % s.out[1], oi = l / s.out[1] % s.out[0], n = l / (s.out[1] * s.out[0]);
      long count = 0;
      for (long i = 0; i < s.kernel[0]; i++)
        for (long j = 0; j < s.kernel[1]; j++) {
          const long ii = oi * s.stride[0] - s.pad[0] + i * s.dilation[0];
          const long ij = oj * s.stride[1] - s.pad[1] + j * s.dilation[1];
          if (ii < 0 || ii >= s.in[0] || ij < 0 || ij >= s.in[1]) continue;
          for (long k = 0; k < s.kernel[2]; k++) {
            const long column = k * s.dilation[2] - s.pad[2];
            row.data()[count++] = {x + (((n * s.in[0] + ii) * s.in[1] + ij) * s.in[2] + column) * C,
                                   weights + ((i * s.kernel[1] + j) * s.kernel[2] + k) * C, column};
          }
        }
      // Columns in between need no look at the edges.
      const long reach = (s.kernel[2] - 1) * s.dilation[2] - s.pad[2];
      const long first = smaller(columns, divide_up(s.pad[2], s.stride[2]));
      long last = first;
      if (s.in[2] - 1 - reach >= 0) last = larger(first, smaller(columns, (s.in[2] - 1 - reach) / s.stride[2] + 1));
      for (long o = 0; o < columns;) {
        const long step = s.stride[2] * C;
        T* to = y + (l * columns + o) * C;
        if (o >= first && o < last) {
          for (long t = 0; t < count; t++)
            shifted.data()[t] = {row.data()[t].pixel + o * step, row.data()[t].weight, 0};
          for (; o + width <= last; o += width) {
            depthwise_columns<T, width>(shifted.data(), count, step, C, bias, rectify, to);
            for (long t = 0; t < count; t++) shifted.data()[t].pixel += width * step;
            to += width * C;
          }
          for (; o < last; o++) {
            depthwise_columns<T, 1>(shifted.data(), count, step, C, bias, rectify, to);
            for (long t = 0; t < count; t++) shifted.data()[t].pixel += step;
            to += C;
          }
          continue;
        }
        long inside = 0;
        for (long t = 0; t < count; t++) {
          const long column = row.data()[t].column + o * s.stride[2];
          if (column >= 0 && column < s.in[2])
            shifted.data()[inside++] = {row.data()[t].pixel + o * step, row.data()[t].weight, 0};
        }
        depthwise_columns<T, 1>(shifted.data(), inside, step, C, bias, rectify, to);
        o++;
      }
    }
  });
}

template <class T>
inline void depthwise_forward(const ConvolutionShape& s, const T* x, const T* w, WeightSteps steps, const T* bias,
                              bool rectify, T* y) {
  const Scratch<T> weights(s.taps() * s.group);
  depthwise_weights(s, w, steps, weights.data());
  depthwise_with(s, x, weights.data(), bias, rectify, y);
}

// The adjoint with strides: each input pixel sums up the outputs whose windows it lies in.
template <class T>
inline void depthwise_data_gradient(const ConvolutionShape& s, const T* dy, const T* w, WeightSteps steps,
                                    const T* bias, T* dx) {
  const long C = s.group, taps = s.taps();
  const Scratch<T> weights(taps * C);
  depthwise_weights(s, w, steps, weights.data());
  const long pixels = s.in_pixels();
  parallel_for(pixels, larger(1, 16384 / (C * taps)), [&](long p0, long p1) {
    const Scratch<RowTap<T>> found(taps);
    for (long p = p0; p < p1; p++) {
      const long at[3] = {p / (s.in[2] * s.in[1]) % s.in[0], p / s.in[2] % s.in[1], p % s.in[2]};
      const long n = p / (s.in[2] * s.in[1] * s.in[0]);
      long count = 0, tap = 0;
      for (long i = 0; i < s.kernel[0]; i++)
        for (long j = 0; j < s.kernel[1]; j++)
          for (long k = 0; k < s.kernel[2]; k++, tap++) {
            const long offset[3] = {i, j, k};
            long o[3];
            bool reached = true;
            for (int a = 0; a < 3 && reached; a++) {
              const long d = at[a] + s.pad[a] - offset[a] * s.dilation[a];
              o[a] = d / s.stride[a];
              reached = d >= 0 && d % s.stride[a] == 0 && o[a] < s.out[a];
            }
            if (reached)
              found.data()[count++] = {dy + (((n * s.out[0] + o[0]) * s.out[1] + o[1]) * s.out[2] + o[2]) * C,
                                       weights + tap * C, 0};
          }
      depthwise_columns<T, 1>(found.data(), count, 0, C, bias, false, dx + p * C);
    }
  });
}

template <class T>
inline void depthwise_weight_gradient(const ConvolutionShape& s, const T* x, const T* dy, T* dw, WeightSteps steps) {
  const long C = s.group, taps = s.taps(), lines = s.batch * s.out[0] * s.out[1];
  const long work = lines * s.out[2] * C * taps;
  const int threads = work < 100000 ? 1 : static_cast<int>(smaller(thread_count(), larger(1, lines)));
  const Scratch<T> sums(threads * taps * C);
  std::memset(sums, 0, threads * taps * C * sizeof(T));
  parallel(threads, [&](int part, int parts) {
    T* sum = sums + part * taps * C;
    for (long l = lines * part / parts; l < lines * (part + 1) / parts; l++) {
      const long oj = l % s.out[1], oi = l / s.out[1] % s.out[0], n = l / (s.out[1] * s.out[0]);
      for (long i = 0; i < s.kernel[0]; i++)
        for (long j = 0; j < s.kernel[1]; j++) {
          const long ii = oi * s.stride[0] - s.pad[0] + i * s.dilation[0];
          const long ij = oj * s.stride[1] - s.pad[1] + j * s.dilation[1];
          if (ii < 0 || ii >= s.in[0] || ij < 0 || ij >= s.in[1]) continue;
          for (long k = 0; k < s.kernel[2]; k++) {
            const long column = k * s.dilation[2] - s.pad[2], step = s.stride[2];
            const long o0 = column >= 0 ? 0 : divide_up(-column, step);
            const long o1 = s.in[2] - column <= 0 ? 0 : smaller(s.out[2], (s.in[2] - column - 1) / step + 1);
            if (o0 >= o1) continue;
            const T* from = x + (((n * s.in[0] + ii) * s.in[1] + ij) * s.in[2] + column) * C;
            const T* seed = dy + l * s.out[2] * C;
            T* to = sum + ((i * s.kernel[1] + j) * s.kernel[2] + k) * C;
            long c = 0;
            for (; c + lanes<T> <= C; c += lanes<T>) {
              Vec<T> total = load(to + c);
              for (long o = o0; o < o1; o++) total += load(from + o * step * C + c) * load(seed + o * C + c);
              store(to + c, total);
            }
            for (; c < C; c++)
              for (long o = o0; o < o1; o++) to[c] += from[o * step * C + c] * seed[o * C + c];
          }
        }
    }
  });
  for (int part = 1; part < threads; part++)
    for (long e = 0; e < taps * C; e++) sums[e] += sums[part * taps * C + e];
  for (long i = 0; i < s.kernel[0]; i++)
    for (long j = 0; j < s.kernel[1]; j++)
      for (long k = 0; k < s.kernel[2]; k++)
        for (long c = 0; c < C; c++)
          dw[c * steps.out + i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2]] =
              sums[((i * s.kernel[1] + j) * s.kernel[2] + k) * C + c];
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
