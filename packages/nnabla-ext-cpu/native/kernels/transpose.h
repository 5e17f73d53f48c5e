// Transposed copies of matrices, in square blocks that fit in registers or the first cache.
#pragma once

#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

// The butterfly of a square of vectors: row r, lane l and row l, lane r change places.
template <class T, int Step>
NNABLA_INLINE void exchange(Vec<T> (&v)[lanes<T>]) {
  if constexpr (Step < lanes<T>) {
#pragma GCC unroll 16
    for (int i = 0; i < lanes<T>; i++) {
      if (i & Step) continue;
      const Vec<T> a = v[i], b = v[i + Step];
      v[i] = shuffle(a, b, [](int k) { return (k & Step) ? lanes<T> + k - Step : k; });
      v[i + Step] = shuffle(a, b, [](int k) { return (k & Step) ? lanes<T> + k : k + Step; });
    }
    exchange<T, Step * 2>(v);
  }
}

// to[j * to_step + i] = from[i * from_step + j] for i and j below the number of lanes.
template <class T>
NNABLA_INLINE void transpose_square(const T* from, long from_step, T* to, long to_step) {
  Vec<T> v[lanes<T>];
#pragma GCC unroll 16
  for (int i = 0; i < lanes<T>; i++) v[i] = load(from + i * from_step);
  exchange<T, 1>(v);
#pragma GCC unroll 16
  for (int i = 0; i < lanes<T>; i++) store(to + i * to_step, v[i]);
}

// to[j * to_step + i] = from[i * from_step + j] for i < rows, j < columns.
template <class T>
inline void transpose(long rows, long columns, const T* from, long from_step, T* to, long to_step) {
  constexpr long n = lanes<T>;
  for (long j = 0; j < columns; j += n) {
    const long width = smaller(n, columns - j);
    for (long i = 0; i < rows; i += n) {
      const long height = smaller(n, rows - i);
      if (width == n && height == n) {
        transpose_square(from + i * from_step + j, from_step, to + j * to_step + i, to_step);
      } else {
        for (long b = 0; b < width; b++)
          for (long a = 0; a < height; a++) to[(j + b) * to_step + i + a] = from[(i + a) * from_step + j + b];
      }
    }
  }
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
