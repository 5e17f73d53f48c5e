// The innermost loops of matrix products: a tile of the result stays in registers while the depth is walked.
#pragma once

#include <type_traits>

#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

// A tile is `tile_rows` x `tile_columns<T>`: as many accumulators as leave registers for one row of B and one of A.
constexpr int tile_rows = vector_registers >= 32 ? 12 : 6;
constexpr int tile_vectors = 2;
template <class T>
constexpr int tile_columns = tile_vectors * lanes<T>;

// What happens to a finished tile.
template <class T>
struct Epilogue {
  const T* bias = nullptr;  // added to every row, one element a column
  bool rectify = false;     // then negative values become 0
};

// Store a tile of full width, added to what is there or not, and finished if `finish` is given.
template <class T, int Rows, int Vectors>
NNABLA_INLINE void store_tile(Vec<T> (&c)[Rows][Vectors], T* C, long ldc, bool add, const Epilogue<T>* finish) {
  if (add) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) c[i][j] += load(C + i * ldc + j * lanes<T>);
  }
  if (finish != nullptr) {
    if (finish->bias != nullptr) {
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) {
        const Vec<T> bias = load(finish->bias + j * lanes<T>);
#pragma GCC unroll 16
        for (int i = 0; i < Rows; i++) c[i][j] += bias;
      }
    }
    if (finish->rectify) {
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; j++) c[i][j] = c[i][j] < 0 ? Vec<T>{} : c[i][j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) store(C + i * ldc + j * lanes<T>, c[i][j]);
}

// C[Rows][tile_columns] = A B for packed panels: A is [depth][a_step] of which Rows are used, B [depth][tile_columns].
template <class T, int Rows>
__attribute__((noinline)) void multiply_tile(long depth, const T* __restrict A, long a_step, const T* __restrict B,
                                             T* C, long ldc, bool add, const Epilogue<T>* finish) {
  Vec<T> c[Rows][tile_vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    __builtin_prefetch(C + i * ldc, 1);
#pragma GCC unroll 4
    for (int j = 0; j < tile_vectors; j++) c[i][j] = Vec<T>{};
  }
#pragma GCC unroll 4
  for (long k = 0; k < depth; k++) {
    Vec<T> b[tile_vectors];
#pragma GCC unroll 4
    for (int j = 0; j < tile_vectors; j++) b[j] = load(B + j * lanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vec<T> a = broadcast(A[i]);
#pragma GCC unroll 4
      for (int j = 0; j < tile_vectors; j++) c[i][j] += a * b[j];
    }
    A += a_step;
    B += tile_columns<T>;
  }
  store_tile<T, Rows, tile_vectors>(c, C, ldc, add, finish);
}

// The same where rows of A lie at addresses of their own, in several stretches ("taps") of `depth` elements each.
// Tap t of row i starts at rows[t * rows_step + i] + offset; taps whose byte in `used` is 0 are skipped.
// B is [taps][b_step], of which [depth][Vectors * lanes] are used; row i of the result starts at C[i] + c_offset, or,
// if `width` is less than a row of the tile, only so many elements of it are written.
template <class T, int Rows, int Vectors>
__attribute__((noinline)) void multiply_rows(int taps, long rows_step, long depth, const T* const* rows,
                                             const unsigned char* used, long offset, const T* __restrict B, long b_step,
                                             T* const* C, long c_offset, long width, bool add,
                                             const Epilogue<T>* finish) {
  Vec<T> c[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) c[i][j] = Vec<T>{};
  for (int t = 0; t < taps; t++, rows += rows_step, B += b_step) {
    if (!used[t]) continue;
    const T* a[Rows];
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) a[i] = rows[i] + offset;
    const T* b_at = B;
#pragma GCC unroll 4
    for (long k = 0; k < depth; k++) {
      Vec<T> b[Vectors];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) b[j] = load(b_at + j * lanes<T>);
#pragma GCC unroll 16
      for (int i = 0; i < Rows; i++) {
        const Vec<T> x = broadcast(a[i][k]);
#pragma GCC unroll 4
        for (int j = 0; j < Vectors; j++) c[i][j] += x * b[j];
      }
      b_at += Vectors * lanes<T>;
    }
  }
  if (width >= Vectors * lanes<T>) {
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      Vec<T> row[1][Vectors];
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) row[0][j] = c[i][j];
      store_tile<T, 1, Vectors>(row, C[i] + c_offset, 0, add, finish);
    }
    return;
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++) {
    T row[Vectors * lanes<T>];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) store(row + j * lanes<T>, c[i][j]);
    T* to = C[i] + c_offset;
    for (long j = 0; j < width; j++) {
      T value = row[j];
      if (add) value += to[j];
      if (finish != nullptr && finish->bias != nullptr) value += finish->bias[j];
      if (finish != nullptr && finish->rectify && value < 0) value = 0;
      to[j] = value;
    }
  }
}

// Call f.template operator()<rows>() for a number of rows that is known only now, 1 to tile_rows.
template <int Most = tile_rows, class F>
NNABLA_INLINE void with_rows(int rows, F&& f) {
  if constexpr (Most > 1) {
    if (rows < Most) {
      with_rows<Most - 1>(rows, f);
      return;
    }
  }
  f(std::integral_constant<int, Most>{});
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
