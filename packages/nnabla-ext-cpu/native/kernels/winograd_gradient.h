// Winograd's F(4x4, 3x3): the gradient of the weights, the exact adjoint of the forward pass in them:
// dW = G^T (sum over tiles of (A dy A^T) (B^T x B)) G.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/winograd_forward.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace winograd {

// Outputs whose sums are kept in registers at a time, beside up to three vectors of inputs.
template <class T>
constexpr int outer_rows = lanes<T> < (vector_registers >= 32 ? 8 : 4) ? lanes<T> : (vector_registers >= 32 ? 8 : 4);
constexpr long outer_vectors = 3;

// u[Rows][row_step] = sum over tiles of A[tile][row] B[vector][tile], both with a vector of channels a tile.
template <class T, int Vectors>
__attribute__((noinline)) void multiply_outer(long tiles, const T* A, const T* B, long b_block, T* u, long row_step,
                                              bool add) {
  constexpr long n = lanes<T>;
  constexpr int Rows = outer_rows<T>;
  Vec<T> c[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) c[i][j] = add ? load(u + i * row_step + j * n) : Vec<T>{};
#pragma GCC unroll 4
  for (long t = 0; t < tiles; t++, A += n, B += n) {
    Vec<T> b[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) b[j] = load(B + j * b_block);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vec<T> a = broadcast(A[i]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) c[i][j] += a * b[j];
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) store(u + i * row_step + j * n, c[i][j]);
}

// The gradient is cut into units of some inputs (in_group vectors) by some outputs (out_group vectors).
template <class T>
struct Units {
  long in_blocks, out_blocks, in_count, out_count, out_group, count, xi, size;

  Units(long Ci, long Co, int threads) : in_blocks(divide_up(Ci, lanes<T>)), out_blocks(divide_up(Co, lanes<T>)) {
    in_count = divide_up(in_blocks, outer_vectors);
    // Sums of a unit stay in the second cache, and every thread has some units.
    const long most = larger(1, 64 / lanes<T>), wanted = divide_up(4L * threads, in_count);
    out_count = smaller(out_blocks, larger(divide_up(out_blocks, most), wanted));
    out_group = divide_up(out_blocks, out_count);
    out_count = divide_up(out_blocks, out_group);
    count = in_count * out_count;
    xi = (out_group * lanes<T>)*outer_vectors * lanes<T> + lanes<T>;
    size = 36 * xi;
  }
  long first_in(long unit) const { return in_blocks * (unit / out_count) / in_count; }
  long last_in(long unit) const { return in_blocks * (unit / out_count + 1) / in_count; }
  long first_out(long unit) const { return unit % out_count * out_group; }
  long last_out(long unit) const { return smaller(out_blocks, first_out(unit) + out_group); }
};

// Sums of one unit over a chunk of tiles, v and d being transformed inputs and gradients of outputs.
template <class T>
inline void sum_unit(const Units<T>& units, long unit, long tiles, const T* v, Layout v_at, const T* d, Layout d_at,
                     long Co, T* u, bool add) {
  constexpr long n = lanes<T>, together = 128;
  const long i0 = units.first_in(unit), vectors = units.last_in(unit) - i0, row_step = vectors * n;
  const long o0 = units.first_out(unit) * n, o1 = smaller(Co, units.last_out(unit) * n);
  for (long xi = 0; xi < 36; xi++)
    for (long t = 0; t < tiles; t += together) {
      const long some = smaller(together, tiles - t);
      const T* B = v + xi * v_at.xi + i0 * v_at.block + t * n;
      for (long o = o0; o < o1; o += outer_rows<T>) {
        const T* A = d + xi * d_at.xi + o / n * d_at.block + t * n + o % n;
        T* to = u + xi * units.xi + (o - o0) * row_step;
        if (vectors == 3)
          multiply_outer<T, 3>(some, A, B, v_at.block, to, row_step, add || t > 0);
        else if (vectors == 2)
          multiply_outer<T, 2>(some, A, B, v_at.block, to, row_step, add || t > 0);
        else
          multiply_outer<T, 1>(some, A, B, v_at.block, to, row_step, add || t > 0);
      }
    }
}

template <class T>
inline void finish_unit(const Units<T>& units, long unit, const T* u, long Ci, long Co, T* dw, const WeightSteps& at) {
  constexpr long n = lanes<T>;
  const long i0 = units.first_in(unit), vectors = units.last_in(unit) - i0, row_step = vectors * n;
  const long o0 = units.first_out(unit) * n, o1 = smaller(Co, units.last_out(unit) * n);
  for (long o = o0; o < o1; o += n)
    for (long j = 0; j < vectors; j++) {
      const long i = (i0 + j) * n;
      transform_weight_gradient(u + (o - o0) * row_step + j * n, units.xi, row_step, smaller(n, o1 - o),
                                smaller(n, Ci - i), dw + o * at.out + i * at.in, at);
    }
}

// The gradient dw of the weights of a convolution from x[N][H][W][Ci] to dy[N][OH][OW][Co].
template <class T>
inline void weight_gradient(const Tiling& g, long Ci, long Co, const T* x, const T* dy, T* dw, const WeightSteps& at) {
  if (Ci == 0 || Co == 0) return;
  if (g.count == 0) {
    for (long o = 0; o < Co; o++)
      for (long t = 0; t < 9; t++)
        for (long i = 0; i < Ci; i++) dw[o * at.out + t / 3 * at.row + t % 3 * at.column + i * at.in] = 0;
    return;
  }
  const int threads = 36 * g.count * Ci * Co < small_work ? 1 : thread_count();
  // Transformed tiles of a chunk stay in the threads' second caches, unless the sums would then move too often.
  const long chunk_bytes = threads * (1L << 20);
  const long tile_bytes = 36 * (round_up(Ci, lanes<T>) + round_up(Co, lanes<T>)) * static_cast<long>(sizeof(T));
  const long chunks = divide_up(g.count, larger(128, chunk_bytes / tile_bytes));
  const long together = divide_up(g.count, chunks);
  const Units<T> units(Ci, Co, threads);
  const Layout v_at = Layout::of<T>(Ci, together), d_at = Layout::of<T>(Co, together);
  const int parts = static_cast<int>(smaller(threads, units.count));
  const Scratch<T> v(v_at.size()), d(d_at.size()), sums((chunks > 1 ? units.count : parts) * units.size);
  const Scratch<T> zeros(larger(Ci, Co));
  std::memset(zeros, 0, larger(Ci, Co) * sizeof(T));
  for (long t = 0; t < g.count; t += together) {
    const long tiles = smaller(together, g.count - t);
    parallel(static_cast<int>(smaller(threads, tiles)), [&](int part, int count) {
      for (long i = tiles * part / count; i < tiles * (part + 1) / count; i++) {
        transform_input<T>(g, t + i, x, Ci, zeros, v + i * lanes<T>, v_at);
        transform_gradient<T>(g, t + i, dy, Co, zeros, d + i * lanes<T>, d_at);
      }
    });
    parallel(parts, [&](int part, int count) {
      for (long unit = units.count * part / count; unit < units.count * (part + 1) / count; unit++) {
        T* u = sums + (chunks > 1 ? unit : part) * units.size;
        sum_unit<T>(units, unit, tiles, v, v_at, d, d_at, Co, u, t > 0);
        if (t + tiles >= g.count) finish_unit<T>(units, unit, u, Ci, Co, dw, at);
      }
    });
  }
}

}  // namespace winograd
}  // namespace NNABLA_TARGET
}  // namespace nnabla
