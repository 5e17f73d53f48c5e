// Winograd's F(4x4, 3x3): the convolution from input tiles and weights to outputs.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/microkernel.h"
#include "kernels/winograd_tiles.h"
#include "kernels/winograd_weights.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace winograd {

// Products of fewer multiplications than this stay on one thread.
constexpr long small_work = 1L << 18;

// M[block][Rows][lanes] = V U for `Rows` tiles that lie a vector apart, V being [channel block][tile][lanes] and U
// [depth][tile_columns]; added to what is there or not.
template <class T, int Rows, int Vectors>
__attribute__((noinline)) void multiply_tiles(long depth, const T* V, long v_block, const T* U, T* M, long m_block,
                                              bool add) {
  constexpr long n = lanes<T>;
  Vec<T> c[Rows][Vectors];
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) c[i][j] = add ? load(M + j * m_block + i * n) : Vec<T>{};
  const auto step = [&](long k) __attribute__((always_inline)) {
    Vec<T> b[Vectors];
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) b[j] = load(U + j * n);
#pragma GCC unroll 16
    for (int i = 0; i < Rows; i++) {
      const Vec<T> a = broadcast(V[i * n + k]);
#pragma GCC unroll 4
      for (int j = 0; j < Vectors; j++) c[i][j] += a * b[j];
    }
    U += tile_columns<T>;
  };
  for (; depth >= n; depth -= n, V += v_block) {
#pragma GCC unroll 4
    for (long k = 0; k < n; k++) step(k);
  }
  for (long k = 0; k < depth; k++) step(k);
#pragma GCC unroll 16
  for (int i = 0; i < Rows; i++)
#pragma GCC unroll 4
    for (int j = 0; j < Vectors; j++) store(M + j * m_block + i * n, c[i][j]);
}

// The same for any number of tiles, in evenly cut groups; `two` if the panel is wider than one vector.
template <class T>
inline void multiply_panel(long tiles, long depth, const T* V, long v_block, const T* U, T* M, long m_block, bool two,
                           bool add) {
  const long groups = divide_up(tiles, tile_rows);
  for (long g = 0; g < groups; g++) {
    const long i = tiles * g / groups, rows = tiles * (g + 1) / groups - i;
    with_rows(static_cast<int>(rows), [&](auto count) {
      constexpr int r = decltype(count)::value;
      if (two)
        multiply_tiles<T, r, 2>(depth, V + i * lanes<T>, v_block, U, M + i * lanes<T>, m_block, add);
      else
        multiply_tiles<T, r, 1>(depth, V + i * lanes<T>, v_block, U, M + i * lanes<T>, m_block, add);
    });
  }
}

// Transformed weights: panels of tile_columns outputs, each in blocks of depth: [panel][block][36][depth][columns].
template <class T>
struct Panels {
  static constexpr long width = tile_columns<T>;
  static_assert(tile_vectors == 2, "a panel is one vector or two");
  long C, K, count, blocks, depth, xi, size;

  Panels(long inputs, long outputs) : C(inputs), K(outputs) {
    constexpr long most = 128;  // 36 x 128 x tile_columns stay in the second cache
    count = divide_up(K, width);
    blocks = larger(1, divide_up(C, most));
    depth = round_up(divide_up(C, blocks), lanes<T>);
    xi = depth * width + lanes<T>;  // a vector more for the caches' sets, as in Layout
    size = 36 * xi;
  }
  long total() const { return count * blocks * size; }
  bool two(long panel) const { return K - panel * width > lanes<T>; }
  long deep(long block) const { return larger(0, smaller(depth, C - block * depth)); }

  void transform(const Weights<T>& w, long panel, long block, T* u) const {
    const long d0 = block * depth, k = panel * width;
    transform_weights(w, k, smaller(K, k + width), d0, d0 + deep(block), u, xi, width);
  }

  void transform_all(const Weights<T>& w, T* u, int threads) const {
    parallel(static_cast<int>(smaller(threads, count * blocks)), [&](int part, int parts) {
      for (long i = count * blocks * part / parts; i < count * blocks * (part + 1) / parts; i++)
        transform(w, i / blocks, i % blocks, u + i * size);
    });
  }
};

// All weights are transformed first; then every thread takes some tiles at a time from input to output.
template <class T>
inline void forward_by_tiles(const Tiling& g, const Panels<T>& panels, const T* x, const T* zeros, const T* u,
                             const Output<T>& out, int threads) {
  constexpr long most = 24;
  const int parts = static_cast<int>(smaller(threads, divide_up(g.count, tile_rows)));
  const long together = smaller(most, divide_up(g.count, parts));
  const Layout v_at = Layout::of<T>(panels.C, together), m_at = Layout::of<T>(panels.K, together);
  const long scratch = v_at.size() + m_at.size();
  const Scratch<T> memory(scratch * parts);
  parallel(parts, [&](int part, int count) {
    T *v = memory + scratch * part, *m = v + v_at.size();
    const long t1 = g.count * (part + 1) / count;
    for (long t = g.count * part / count; t < t1; t += together) {
      const long tiles = smaller(together, t1 - t);
      for (long i = 0; i < tiles; i++) transform_input(g, t + i, x, panels.C, zeros, v + i * lanes<T>, v_at);
      for (long xi = 0; xi < 36; xi++)
        for (long p = 0; p < panels.count; p++)
          for (long b = 0; b < panels.blocks; b++)
            multiply_panel(tiles, panels.deep(b), v + xi * v_at.xi + b * panels.depth / lanes<T> * v_at.block,
                           v_at.block, u + (p * panels.blocks + b) * panels.size + xi * panels.xi,
                           m + xi * m_at.xi + p * tile_vectors * m_at.block, m_at.block, panels.two(p), b > 0);
      for (long i = 0; i < tiles; i++) transform_output(g, t + i, m + i * lanes<T>, m_at, 0, panels.K, out);
    }
  });
}

// All inputs are transformed first; then every thread takes a panel of outputs at a time, so that its transformed
// weights (made here from `w`, or found in `u`) stay in the cache: for few tiles of many channels.
template <class T>
inline void forward_by_panels(const Tiling& g, const Panels<T>& panels, const T* x, const T* zeros, const Weights<T>& w,
                              const T* u, const Output<T>& out, int threads) {
  const Layout v_at = Layout::of<T>(panels.C, g.count), m_at = Layout::of<T>(panels.width, g.count);
  const Scratch<T> v(v_at.size());
  parallel(static_cast<int>(smaller(threads, g.count)), [&](int part, int parts) {
    for (long i = g.count * part / parts; i < g.count * (part + 1) / parts; i++)
      transform_input(g, i, x, panels.C, zeros, v + i * lanes<T>, v_at);
  });
  const int parts = static_cast<int>(smaller(threads, panels.count));
  const long scratch = m_at.size() + panels.size;
  const Scratch<T> memory(scratch * parts);
  parallel(parts, [&](int part, int count) {
    T *m = memory + scratch * part, *own = m + m_at.size();
    for (long p = panels.count * part / count; p < panels.count * (part + 1) / count; p++) {
      for (long b = 0; b < panels.blocks; b++) {
        const T* weights = u != nullptr ? u + (p * panels.blocks + b) * panels.size : own;
        if (u == nullptr) panels.transform(w, p, b, own);
        for (long xi = 0; xi < 36; xi++)
          multiply_panel(g.count, panels.deep(b), v + xi * v_at.xi + b * panels.depth / lanes<T> * v_at.block,
                         v_at.block, weights + xi * panels.xi, m + xi * m_at.xi, m_at.block, panels.two(p), b > 0);
      }
      const long k = p * panels.width, k1 = smaller(panels.K, k + panels.width);
      for (long i = 0; i < g.count; i++) transform_output(g, i, m + i * lanes<T>, m_at, k, k1, out);
    }
  });
}

// Outputs from x[N][H][W][C] and weights w, or transformed weights u if given.
template <class T>
inline void convolve(const Tiling& g, long C, const T* x, const Weights<T>& w, const T* u, const Output<T>& out) {
  if (g.count == 0 || out.C == 0) return;
  const Panels<T> panels(C, out.C);
  const int threads = 36 * g.count * C * out.C < small_work ? 1 : thread_count();
  const Scratch<T> zeros(larger(1, C));
  std::memset(zeros, 0, C * sizeof(T));
  if (g.count <= out.C && panels.count >= smaller(threads, divide_up(g.count, tile_rows))) {
    forward_by_panels<T>(g, panels, x, zeros, w, u, out, threads);
  } else if (u != nullptr) {
    forward_by_tiles<T>(g, panels, x, zeros, u, out, threads);
  } else {
    const Scratch<T> made(panels.total());
    panels.transform_all(w, made, threads);
    forward_by_tiles<T>(g, panels, x, zeros, made, out, threads);
  }
}

}  // namespace winograd
}  // namespace NNABLA_TARGET
}  // namespace nnabla
