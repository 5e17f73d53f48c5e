// Winograd's F(4x4, 3x3): the transforms of tiles of 6x6 inputs and 4x4 outputs, at the points 0, 1, -1, 2, -2 and
// infinity (Lavin and Gray 2016).
//
// Transformed tiles are kept as [36][channel block][tile][lanes]: a block of channels is one vector, so that tiles lie
// a vector apart, which products below have in their instructions. Channels after the last are 0.
#pragma once

#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace winograd {

// The convolution's outputs are cut into tiles of 4x4; those of the lower and right edge may stick out.
struct Tiling {
  long N, H, W, pad;  // inputs
  long OH, OW;        // outputs
  long rows, columns, count;

  Tiling(long n, long h, long w, long padding)
      : N(n), H(h), W(w), pad(padding), OH(larger(0, h + 2 * padding - 2)), OW(larger(0, w + 2 * padding - 2)) {
    rows = divide_up(OH, 4);
    columns = divide_up(OW, 4);
    count = n * rows * columns;
  }
};

// The image and the first output of a tile.
struct Tile {
  long n, y, x;

  Tile(const Tiling& g, long index)
      : n(index / (g.rows * g.columns)), y(index / g.columns % g.rows * 4), x(index % g.columns * 4) {}
};

// Where transformed tiles lie: elements from one of the 36 to the next, and from one block of channels to the next.
struct Layout {
  long xi, block;

  // A vector is added, so that the 36 do not meet in a few sets of the caches.
  template <class T>
  static Layout of(long channels, long tiles) {
    const long block = tiles * lanes<T>;
    return {divide_up(channels, lanes<T>) * block + lanes<T>, block};
  }
  long size() const { return 36 * xi; }
};

// B^T d: six inputs to six.
template <class T>
NNABLA_INLINE void input_line(const Vec<T>* d, int step, Vec<T>* to, int to_step) {
  const Vec<T> d1 = d[step], d2 = d[2 * step], d3 = d[3 * step], d4 = d[4 * step];
  const Vec<T> a = d4 - T(4) * d2, b = d3 - T(4) * d1, c = d4 - d2, e = T(2) * (d3 - d1);
  to[0] = T(4) * d[0] - T(5) * d2 + d4;
  to[to_step] = a + b;
  to[2 * to_step] = a - b;
  to[3 * to_step] = c + e;
  to[4 * to_step] = c - e;
  to[5 * to_step] = T(4) * d1 - T(5) * d3 + d[5 * step];
}

// A^T m: six products to four outputs.
template <class T>
NNABLA_INLINE void output_line(const Vec<T>* m, int step, Vec<T>* to, int to_step) {
  const Vec<T> p = m[step] + m[2 * step], q = m[step] - m[2 * step];
  const Vec<T> r = m[3 * step] + m[4 * step], s = m[3 * step] - m[4 * step];
  to[0] = m[0] + p + r;
  to[to_step] = q + T(2) * s;
  to[2 * to_step] = p + T(4) * r;
  to[3 * to_step] = q + T(8) * s + m[5 * step];
}

// A y, the adjoint: gradients of four outputs to those of six products.
template <class T>
NNABLA_INLINE void output_line_adjoint(const Vec<T>* y, int step, Vec<T>* to, int to_step) {
  const Vec<T> y0 = y[0], y1 = y[step], y2 = y[2 * step], y3 = y[3 * step];
  const Vec<T> a = y0 + y2, b = y1 + y3, c = y0 + T(4) * y2, d = T(2) * y1 + T(8) * y3;
  to[0] = y0;
  to[to_step] = a + b;
  to[2 * to_step] = a - b;
  to[3 * to_step] = c + d;
  to[4 * to_step] = c - d;
  to[5 * to_step] = y3;
}

template <class T, bool Part>
NNABLA_INLINE Vec<T> load_some(const T* p, long n) {
  if constexpr (Part)
    return load_part(p, n);
  else
    return load(p);
}

// One block of channels of a 6x6 tile whose points lie at from[] + c.
template <class T, bool Part>
NNABLA_INLINE void input_block(const T* const* from, long c, long left, T* to, long xi) {
  Vec<T> d[6], a[36], o[6];
#pragma GCC unroll 6
  for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
    for (int y = 0; y < 6; y++) d[y] = load_some<T, Part>(from[y * 6 + x] + c, left);
    input_line<T>(d, 1, a + x, 6);
  }
#pragma GCC unroll 6
  for (int y = 0; y < 6; y++) {
    input_line<T>(a + y * 6, 1, o, 1);
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) store(to + (y * 6 + x) * xi, o[x]);
  }
}

// Transform one tile of x[N][H][W][C] into `to`, the place of the tile; `zeros` are C zeros.
template <class T>
inline void transform_input(const Tiling& g, long index, const T* x, long C, const T* zeros, T* to, Layout at) {
  const Tile tile(g, index);
  const T* from[36];
  for (long i = 0; i < 6; i++) {
    const long y = tile.y - g.pad + i;
    for (long j = 0; j < 6; j++) {
      const long z = tile.x - g.pad + j;
      const bool inside = y >= 0 && y < g.H && z >= 0 && z < g.W;
      from[i * 6 + j] = inside ? x + ((tile.n * g.H + y) * g.W + z) * C : zeros;
    }
  }
  long c = 0;
  for (; c + lanes<T> <= C; c += lanes<T>, to += at.block) input_block<T, false>(from, c, 0, to, at.xi);
  if (c < C) input_block<T, true>(from, c, C - c, to, at.xi);
}

template <class T, bool Part>
NNABLA_INLINE void gradient_block(const T* const* from, long c, long left, T* to, long xi) {
  Vec<T> d[4], a[24], o[6];
#pragma GCC unroll 4
  for (int x = 0; x < 4; x++) {
#pragma GCC unroll 4
    for (int y = 0; y < 4; y++) d[y] = load_some<T, Part>(from[y * 4 + x] + c, left);
    output_line_adjoint<T>(d, 1, a + x, 4);
  }
#pragma GCC unroll 6
  for (int y = 0; y < 6; y++) {
    output_line_adjoint<T>(a + y * 4, 1, o, 1);
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) store(to + (y * 6 + x) * xi, o[x]);
  }
}

// Transform one tile of dy[N][OH][OW][C], by the adjoint of transform_output.
template <class T>
inline void transform_gradient(const Tiling& g, long index, const T* dy, long C, const T* zeros, T* to, Layout at) {
  const Tile tile(g, index);
  const T* from[16];
  for (long i = 0; i < 4; i++)
    for (long j = 0; j < 4; j++) {
      const bool inside = tile.y + i < g.OH && tile.x + j < g.OW;
      from[i * 4 + j] = inside ? dy + ((tile.n * g.OH + tile.y + i) * g.OW + tile.x + j) * C : zeros;
    }
  long c = 0;
  for (; c + lanes<T> <= C; c += lanes<T>, to += at.block) gradient_block<T, false>(from, c, 0, to, at.xi);
  if (c < C) gradient_block<T, true>(from, c, C - c, to, at.xi);
}

// Where outputs go: y[N][OH][OW][C], and what happens to them before.
template <class T>
struct Output {
  T* y;
  long C;
  const T* bias;
  bool rectify;
};

template <class T, bool Part>
NNABLA_INLINE void output_block(const T* m, long xi, T* to, long row_step, long column_step, long height, long width,
                                Vec<T> bias, bool rectify, long left) {
  Vec<T> d[6], a[24], o[4];
#pragma GCC unroll 6
  for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
    for (int y = 0; y < 6; y++) d[y] = load(m + (y * 6 + x) * xi);
    output_line<T>(d, 1, a + x, 6);
  }
#pragma GCC unroll 4
  for (int y = 0; y < 4; y++) {
    if (y >= height) break;
    output_line<T>(a + y * 6, 1, o, 1);
#pragma GCC unroll 4
    for (int x = 0; x < 4; x++) {
      if (x >= width) break;
      Vec<T> value = o[x] + bias;
      if (rectify) value = value < 0 ? Vec<T>{} : value;
      T* p = to + y * row_step + x * column_step;
      if constexpr (Part)
        store_part(p, value, left);
      else
        store(p, value);
    }
  }
}

// Transform one tile of products, channels c to c1, into outputs; m is the place of the tile in c's block.
template <class T>
inline void transform_output(const Tiling& g, long index, const T* m, Layout at, long c, long c1,
                             const Output<T>& out) {
  const Tile tile(g, index);
  T* to = out.y + ((tile.n * g.OH + tile.y) * g.OW + tile.x) * out.C;
  const long row_step = g.OW * out.C, height = g.OH - tile.y, width = g.OW - tile.x;
  Vec<T> bias = {};
  for (; c + lanes<T> <= c1; c += lanes<T>, m += at.block) {
    if (out.bias != nullptr) bias = load(out.bias + c);
    output_block<T, false>(m, at.xi, to + c, row_step, out.C, height, width, bias, out.rectify, 0);
  }
  if (c < c1) {
    if (out.bias != nullptr) bias = load_part(out.bias + c, c1 - c);
    output_block<T, true>(m, at.xi, to + c, row_step, out.C, height, width, bias, out.rectify, c1 - c);
  }
}

}  // namespace winograd
}  // namespace NNABLA_TARGET
}  // namespace nnabla
