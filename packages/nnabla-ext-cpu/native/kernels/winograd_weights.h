// Winograd's F(4x4, 3x3): the transform of 3x3 weights to 6x6, and its adjoint for their gradient.
#pragma once

#include "kernels/transpose.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace winograd {

// G g: three taps to six.
template <class T>
NNABLA_INLINE void weight_line(const Vec<T>* g, int step, Vec<T>* to, int to_step) {
  const Vec<T> g0 = g[0], g1 = g[step], g2 = g[2 * step];
  const Vec<T> a = (g0 + g2) * T(-1.0 / 6), b = g1 * T(1.0 / 6);
  const Vec<T> c = g0 * T(1.0 / 24) + g2 * T(1.0 / 6), d = g1 * T(1.0 / 12);
  to[0] = g0 * T(0.25);
  to[to_step] = a - b;
  to[2 * to_step] = a + b;
  to[3 * to_step] = c + d;
  to[4 * to_step] = c - d;
  to[5 * to_step] = g2;
}

// G^T u, the adjoint.
template <class T>
NNABLA_INLINE void weight_line_adjoint(const Vec<T>* u, int step, Vec<T>* to, int to_step) {
  const Vec<T> u1 = u[step], u2 = u[2 * step], u3 = u[3 * step], u4 = u[4 * step];
  const Vec<T> p = (u1 + u2) * T(1.0 / 6), q = u3 + u4;
  to[0] = T(0.25) * u[0] - p + q * T(1.0 / 24);
  to[to_step] = (u2 - u1) * T(1.0 / 6) + (u3 - u4) * T(1.0 / 12);
  to[2 * to_step] = q * T(1.0 / 6) - p + u[5 * step];
}

// Weights as a product sees them: lanes (the results' channels), depth (channels that are summed), rows and columns.
template <class T>
struct Weights {
  const T* at;
  long lane, depth, row, column;

  // For the gradient of the data: taps turned by half a turn, inputs and outputs in each other's place.
  Weights adjoint() const { return {at + 2 * row + 2 * column, depth, lane, -row, -column}; }
  bool taps_together() const { return (row == 3 && column == 1) || (row == -3 && column == -1); }
};

// A block of weights, a vector of lanes (or less) and up to `most` of depth, with lanes side by side.
template <class T>
class LaneBlock {
 public:
  static constexpr long most = 4 * lanes<T>;
  const T* at;
  long depth, row, column;

  LaneBlock(const Weights<T>& w, long lane0, long lanes_used, long depth0, long depth_used) {
    const T* from = w.at + lane0 * w.lane + depth0 * w.depth;
    if (w.lane == 1 && lanes_used == n) {  // as they are
      at = from;
      depth = w.depth, row = w.row, column = w.column;
      return;
    }
    if (lanes_used < n) std::memset(taps_, 0, sizeof taps_);
    const bool turned = w.row < 0;
    const T* first = from + (turned ? 2 * w.row + 2 * w.column : 0);  // the lowest address of a tap
    if (w.taps_together() && w.depth == 9) {
      transpose(lanes_used, 9 * depth_used, first, w.lane, taps_, n);  // [depth][tap][lane]
      depth = 9 * n, row = w.row * n, column = w.column * n;
      at = taps_ + (turned ? 8 * n : 0);
      return;
    }
    at = taps_;  // [tap][depth][lane]
    depth = n, column = tap, row = 3 * tap;
    if (w.taps_together() && w.lane == 9) {
      alignas(vector_bytes) T other[9 * n * n];  // [lane][tap][depth], of some depth at a time
      for (long d = 0; d < depth_used; d += n) {
        const long deep = smaller(n, depth_used - d);
        transpose(deep, 9 * lanes_used, first + d * w.depth, w.depth, other, n);
        for (long t = 0; t < 9; t++)
          transpose(lanes_used, deep, other + (turned ? 8 - t : t) * n, 9 * n, taps_ + t * tap + d * n, n);
      }
      return;
    }
    for (long t = 0; t < 9; t++) {
      const T* p = from + t / 3 * w.row + t % 3 * w.column;
      T* to = taps_ + t * tap;
      if (w.depth == 1)
        transpose(lanes_used, depth_used, p, w.lane, to, n);
      else
        for (long d = 0; d < depth_used; d++)
          for (long i = 0; i < lanes_used; i++) to[d * n + i] = p[d * w.depth + i * w.lane];
    }
  }
  LaneBlock(const LaneBlock&) = delete;

 private:
  static constexpr long n = lanes<T>;
  static constexpr long tap = most * n + n;  // a vector more for the caches' sets
  alignas(vector_bytes) T taps_[9 * tap];
};

// Transform one vector of 3x3 weights to a vector for each of the 36.
template <class T>
NNABLA_INLINE void transform_taps(const T* from, long row, long column, T* u, long xi_step) {
  Vec<T> g[3], a[18], o[6];
#pragma GCC unroll 3
  for (int x = 0; x < 3; x++) {
#pragma GCC unroll 3
    for (int y = 0; y < 3; y++) g[y] = load(from + y * row + x * column);
    weight_line<T>(g, 1, a + x, 3);
  }
#pragma GCC unroll 6
  for (int y = 0; y < 6; y++) {
    weight_line<T>(a + y * 3, 1, o, 1);
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) store(u + (y * 6 + x) * xi_step, o[x]);
  }
}

// Transform weights for lanes lane0 to lane1 and depth d0 to d1: element (xi, d) of the result is a row of lanes at
// u + xi * xi_step + (d - d0) * depth_step, with zeros up to a full vector.
template <class T>
inline void transform_weights(const Weights<T>& w, long lane0, long lane1, long d0, long d1, T* u, long xi_step,
                              long depth_step) {
  constexpr long n = lanes<T>;
  if (w.lane == 1 && (lane1 - lane0) % n == 0) {
    const T* from = w.at + lane0 + d0 * w.depth;
    for (long d = d0; d < d1; d++, from += w.depth, u += depth_step)
      for (long j = 0; j < lane1 - lane0; j += n) transform_taps(from + j, w.row, w.column, u + j, xi_step);
    return;
  }
  for (long k = lane0; k < lane1; k += n)
    for (long d = d0; d < d1; d += LaneBlock<T>::most) {
      const long deep = smaller(LaneBlock<T>::most, d1 - d);
      const LaneBlock<T> block(w, k, smaller(n, lane1 - k), d, deep);
      T* to = u + (d - d0) * depth_step + k - lane0;
      for (long i = 0; i < deep; i++, to += depth_step)
        transform_taps(block.at + i * block.depth, block.row, block.column, to, xi_step);
    }
}

// Steps of the gradient of weights, in memory that the caller wants.
struct WeightSteps {
  long out, row, column, in;
};

// Write the gradient for up to a vector of outputs and a vector of inputs: sums for output o lie at u + o * out_step,
// as a vector of inputs for each of the 36, xi_step apart.
template <class T>
inline void transform_weight_gradient(const T* u, long xi_step, long out_step, long outs, long ins, T* dw,
                                      const WeightSteps& at) {
  constexpr long n = lanes<T>;
  alignas(vector_bytes) T taps[9 * n * n];  // [tap][output][input]
  const bool in_place = at.in == 1 && ins == n;
  for (long o = 0; o < outs; o++) {
    Vec<T> d[6], a[18], g[3];
    const T* from = u + o * out_step;
    T* to = in_place ? dw + o * at.out : taps + o * n;
    const long row = in_place ? at.row : 3 * n * n, column = in_place ? at.column : n * n;
#pragma GCC unroll 6
    for (int x = 0; x < 6; x++) {
#pragma GCC unroll 6
      for (int y = 0; y < 6; y++) d[y] = load(from + (y * 6 + x) * xi_step);
      weight_line_adjoint<T>(d, 1, a + x, 6);
    }
#pragma GCC unroll 3
    for (int y = 0; y < 3; y++) {
      weight_line_adjoint<T>(a + y * 6, 1, g, 1);
#pragma GCC unroll 3
      for (int x = 0; x < 3; x++) store(to + y * row + x * column, g[x]);
    }
  }
  if (in_place) return;
  if (at.in == 9 && at.row == 3 && at.column == 1) {
    alignas(vector_bytes) T other[9 * n * n];  // [input][tap][output]
    for (long t = 0; t < 9; t++) transpose(outs, ins, taps + t * n * n, n, other + t * n, 9 * n);
    transpose(9 * ins, outs, other, n, dw, at.out);
    return;
  }
  for (long t = 0; t < 9; t++)
    for (long o = 0; o < outs; o++)
      for (long i = 0; i < ins; i++)
        dw[o * at.out + t / 3 * at.row + t % 3 * at.column + i * at.in] = taps[(t * n + o) * n + i];
}

}  // namespace winograd
}  // namespace NNABLA_TARGET
}  // namespace nnabla
