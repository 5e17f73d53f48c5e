// General products of matrices, C = A B or C += A B, of any sizes and strides.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/microkernel.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {

// A matrix in memory: element (i, k) lies at data[i * row_step + k * column_step].
template <class T>
struct Matrix {
  const T* data;
  long row_step, column_step;

  const T* at(long i, long k) const { return data + i * row_step + k * column_step; }
};

// The depth that is walked at a time: a panel of B of that depth stays in the first cache.
template <class T>
constexpr long depth_block =
    (vector_registers >= 32 && vector_bytes > 16 ? 32768 : 24576) / (tile_columns<T> * sizeof(T));

// Rows of A that are packed at a time: they stay in the second cache.
template <class T>
constexpr long row_block = tile_rows * (vector_registers >= 32 ? 8 : 12);

// Up to so many multiplications a product is computed on one thread without packing A.
constexpr long small_product = 64L * 64 * 64;

// C[Rows][tile_columns] = A B, A in place, B with rows of tile_columns that lie b_step apart.
template <class T, int Rows>
__attribute__((noinline)) void multiply_in_place(long depth, const T* A, long row_step, long column_step, const T* B,
                                                 long b_step, T* C, long ldc, bool add, const Epilogue<T>* finish) {
  Vec<T> c[Rows][tile_vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < tile_vectors; j++) c[i][j] = Vec<T>{};
  for (long k = 0; k < depth; k++) {
    Vec<T> b[tile_vectors];
#pragma GCC unroll 4
    for (int j = 0; j < tile_vectors; j++) b[j] = load(B + j * lanes<T>);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vec<T> a = broadcast(A[i * row_step]);
#pragma GCC unroll 4
      for (int j = 0; j < tile_vectors; j++) c[i][j] += a * b[j];
    }
    A += column_step;
    B += b_step;
  }
  store_tile<T, Rows, tile_vectors>(c, C, ldc, add, finish);
}

// Pack columns j to j + width of B (rows k to k + depth) as [depth][tile_columns], with zeros after the width.
template <class T>
inline void pack_columns(Matrix<T> B, long k, long depth, long j, long width, T* to) {
  const T* from = B.at(k, j);
  if (B.column_step == 1) {
    if (width == tile_columns<T>) {
      for (long d = 0; d < depth; d++, from += B.row_step, to += tile_columns<T>) {
        __builtin_prefetch(from + 8 * B.row_step);
#pragma GCC unroll 4
        for (int v = 0; v < tile_vectors; v++) store(to + v * lanes<T>, load(from + v * lanes<T>));
      }
      return;
    }
    for (long d = 0; d < depth; d++, from += B.row_step, to += tile_columns<T>) {
      for (long i = 0; i < width; i++) to[i] = from[i];
      for (long i = width; i < tile_columns<T>; i++) to[i] = 0;
    }
    return;
  }
  if (B.row_step == 1) {
    transpose(width, depth, from, B.column_step, to, static_cast<long>(tile_columns<T>));
    if (width < tile_columns<T>)
      for (long d = 0; d < depth; d++)
        for (long i = width; i < tile_columns<T>; i++) to[d * tile_columns<T> + i] = 0;
    return;
  }
  for (long d = 0; d < depth; d++, to += tile_columns<T>) {
    for (long i = 0; i < width; i++) to[i] = from[d * B.row_step + i * B.column_step];
    for (long i = width; i < tile_columns<T>; i++) to[i] = 0;
  }
}

// Pack rows i to i + height of A (columns k to k + depth) as [depth][tile_rows]; rows after the height stay as they
// are.
template <class T>
inline void pack_rows(Matrix<T> A, long i, long height, long k, long depth, T* to) {
  const T* from = A.at(i, k);
  if (A.column_step == 1) {
    transpose(height, depth, from, A.row_step, to, static_cast<long>(tile_rows));
    return;
  }
  if (A.row_step == 1 && height == tile_rows) {
    for (long d = 0; d < depth; d++, from += A.column_step, to += tile_rows)
      std::memcpy(to, from, tile_rows * sizeof(T));
    return;
  }
  for (long d = 0; d < depth; d++)
    for (long r = 0; r < height; r++) to[d * tile_rows + r] = from[r * A.row_step + d * A.column_step];
}

// A tile at the right edge: computed in full width beside, then copied as far as C goes.
template <class T, class Multiply>
NNABLA_INLINE void edge_tile(long rows, long width, T* C, long ldc, bool add, const Epilogue<T>* finish,
                             Multiply&& multiply) {
  T tile[tile_rows * tile_columns<T>];
  multiply(tile, static_cast<long>(tile_columns<T>));
  for (long i = 0; i < rows; i++)
    for (long j = 0; j < width; j++) {
      T value = tile[i * tile_columns<T> + j];
      if (add) value += C[i * ldc + j];
      if (finish != nullptr && finish->bias != nullptr) value += finish->bias[j];
      if (finish != nullptr && finish->rectify && value < 0) value = 0;
      C[i * ldc + j] = value;
    }
}

// A finished tile's epilogue at column j, if this is the last block of the depth.
template <class T>
struct EpilogueAt {
  Epilogue<T> at;
  const Epilogue<T>* use;

  EpilogueAt(const Epilogue<T>& all, long j, bool last) : at(all), use(nullptr) {
    if (at.bias != nullptr) at.bias += j;
    if (last && (at.bias != nullptr || at.rectify)) use = &at;
  }
};

// Columns j0 to j1 of a product, on this thread, A not packed.
template <class T>
inline void gemm_small(long M, long K, Matrix<T> A, Matrix<T> B, long j0, long j1, T* C, long ldc, bool add,
                       const Epilogue<T>& epilogue, T* panel) {
  for (long j = j0; j < j1; j += tile_columns<T>) {
    const long width = smaller(tile_columns<T>, j1 - j);
    const T* b = B.at(0, j);
    long b_step = B.row_step;
    if (B.column_step != 1 || width < tile_columns<T>) {
      pack_columns(B, 0, K, j, width, panel);
      b = panel;
      b_step = tile_columns<T>;
    }
    const EpilogueAt<T> finish(epilogue, j, true);
    for (long i = 0; i < M; i += tile_rows) {
      const long rows = smaller(tile_rows, M - i);
      with_rows(static_cast<int>(rows), [&](auto count) {
        constexpr int n = decltype(count)::value;
        const T* a = A.at(i, 0);
        T* c = C + i * ldc + j;
        if (width == tile_columns<T>)
          multiply_in_place<T, n>(K, a, A.row_step, A.column_step, b, b_step, c, ldc, add, finish.use);
        else
          edge_tile(rows, width, c, ldc, add, finish.use, [&](T* tile, long step) {
            multiply_in_place<T, n>(K, a, A.row_step, A.column_step, b, b_step, tile, step, false, nullptr);
          });
      });
    }
  }
}

// One block: packed rows of A times one packed panel of B.
template <class T>
inline void multiply_block(long M, long depth, const T* A, const T* B, long width, T* C, long ldc, bool add,
                           const Epilogue<T>* finish) {
  for (long i = 0; i < M; i += tile_rows) {
    const long rows = smaller(tile_rows, M - i);
    const T* a = A + i * depth;
    T* c = C + i * ldc;
    with_rows(static_cast<int>(rows), [&](auto count) {
      constexpr int n = decltype(count)::value;
      if (width == tile_columns<T>)
        multiply_tile<T, n>(depth, a, tile_rows, B, c, ldc, add, finish);
      else
        edge_tile(rows, width, c, ldc, add, finish,
                  [&](T* tile, long step) { multiply_tile<T, n>(depth, a, tile_rows, B, tile, step, false, nullptr); });
    });
  }
}

// Few rows: every thread has some columns, packs a few panels of B and uses them at once.
template <class T>
inline void gemm_by_columns(long M, long N, long K, Matrix<T> A, Matrix<T> B, T* C, long ldc, bool add,
                            const Epilogue<T>& epilogue, int threads) {
  constexpr long group = 4;
  const long panels = divide_up(N, tile_columns<T>);
  const long blocks = divide_up(K, depth_block<T>), depth = round_up(divide_up(K, blocks), 8);
  parallel(static_cast<int>(smaller(threads, divide_up(panels, 2))), [&](int part, int parts) {
    const long p0 = panels * part / parts, p1 = panels * (part + 1) / parts;
    Scratch<T> a(depth * round_up(M, tile_rows)), b(depth * tile_columns<T> * group);
    for (long k = 0; k < K; k += depth) {
      const long deep = smaller(depth, K - k);
      const bool last = k + deep >= K;
      for (long i = 0; i < M; i += tile_rows) pack_rows(A, i, smaller(tile_rows, M - i), k, deep, a + i * deep);
      for (long p = p0; p < p1; p += group) {
        const long count = smaller(group, p1 - p);
        for (long q = 0; q < count; q++) {
          const long j = (p + q) * tile_columns<T>;
          pack_columns(B, k, deep, j, smaller(tile_columns<T>, N - j), b + q * deep * tile_columns<T>);
        }
        for (long q = 0; q < count; q++) {
          const long j = (p + q) * tile_columns<T>;
          const EpilogueAt<T> finish(epilogue, j, last);
          multiply_block<T>(M, deep, a, b + q * deep * tile_columns<T>, smaller(tile_columns<T>, N - j), C + j, ldc,
                            add || k > 0, finish.use);
        }
      }
    }
  });
}

// Many rows: B is packed once, then every thread has some rows.
template <class T>
inline void gemm_by_rows(long M, long N, long K, Matrix<T> A, Matrix<T> B, T* C, long ldc, bool add,
                         const Epilogue<T>& epilogue, int threads) {
  constexpr long column_block = 2048;
  const long blocks = divide_up(K, depth_block<T>), depth = round_up(divide_up(K, blocks), 8);
  const long most = smaller(column_block, round_up(N, tile_columns<T>));
  Scratch<T> packed(most * round_up(K, 8));
  const long tiles = divide_up(M, tile_rows);
  threads = static_cast<int>(smaller(threads, tiles));
  for (long j0 = 0; j0 < N; j0 += column_block) {
    const long columns = smaller(column_block, N - j0), panels = divide_up(columns, tile_columns<T>);
    // Panels of one depth block lie side by side: [block][panel][depth][tile_columns].
    parallel(threads, [&](int part, int parts) {
      for (long u = panels * blocks * part / parts; u < panels * blocks * (part + 1) / parts; u++) {
        const long block = u / panels, p = u % panels, k = block * depth, j = j0 + p * tile_columns<T>;
        const long deep = smaller(depth, K - k);
        if (deep > 0)
          pack_columns(B, k, deep, j, smaller(tile_columns<T>, N - j),
                       packed + (block * panels * depth + p * deep) * tile_columns<T>);
      }
    });
    parallel(threads, [&](int part, int parts) {
      const long i0 = tiles * part / parts * tile_rows, i1 = smaller(M, tiles * (part + 1) / parts * tile_rows);
      if (i0 >= i1) return;
      const long count = divide_up(i1 - i0, row_block<T>);
      const long height = round_up(divide_up(i1 - i0, count), tile_rows);
      Scratch<T> a(depth * height);
      for (long k = 0, block = 0; k < K; k += depth, block++) {
        const long deep = smaller(depth, K - k);
        for (long i = i0; i < i1; i += height) {
          const long rows = smaller(height, i1 - i);
          for (long r = 0; r < rows; r += tile_rows)
            pack_rows(A, i + r, smaller(tile_rows, rows - r), k, deep, a + r * deep);
          for (long p = 0; p < panels; p++) {
            const long j = j0 + p * tile_columns<T>;
            const EpilogueAt<T> finish(epilogue, j, k + deep >= K);
            multiply_block<T>(rows, deep, a, packed + (block * panels * depth + p * deep) * tile_columns<T>,
                              smaller(tile_columns<T>, N - j), C + i * ldc + j, ldc, add || k > 0, finish.use);
          }
        }
      }
    });
  }
}

// C[M][N] = A[M][K] B[K][N], or added to C; rows of C lie ldc apart.
template <class T>
inline void gemm(long M, long N, long K, Matrix<T> A, Matrix<T> B, T* C, long ldc, bool add,
                 const Epilogue<T>& epilogue, int threads) {
  if (M <= 0 || N <= 0) return;
  const bool few_rows = M <= 2 * tile_rows && B.column_step == 1;
  if (M * N * K <= small_product || few_rows) {
    const bool pack = B.column_step != 1 || N % tile_columns<T> != 0;
    const int parts = M * N * K <= small_product ? 1 : threads;
    const long panels = divide_up(N, tile_columns<T>);
    parallel(static_cast<int>(smaller(parts, panels)), [&](int part, int count) {
      const long j0 = panels * part / count * tile_columns<T>;
      const long j1 = smaller(N, panels * (part + 1) / count * tile_columns<T>);
      T local[4096 / sizeof(T)];
      if (!pack) {
        gemm_small(M, K, A, B, j0, j1, C, ldc, add, epilogue, static_cast<T*>(nullptr));
      } else if (K * tile_columns<T> <= static_cast<long>(4096 / sizeof(T))) {
        gemm_small(M, K, A, B, j0, j1, C, ldc, add, epilogue, local);
      } else {
        Scratch<T> panel(K * tile_columns<T>);
        gemm_small(M, K, A, B, j0, j1, C, ldc, add, epilogue, panel.data());
      }
    });
    return;
  }
  if (M <= 192 && N >= 4 * tile_columns<T> * threads)
    gemm_by_columns(M, N, K, A, B, C, ldc, add, epilogue, threads);
  else
    gemm_by_rows(M, N, K, A, B, C, ldc, add, epilogue, threads);
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
