// Images sampled at real positions: linearly between the elements around, or at the nearest.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/span.h"
#include "kernels/tables/sampling.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {

constexpr int most_corners = 1 << most_sampled;
// Positions whose samples are found before they are read.
constexpr long warp_block = 64;

// Along one axis: the elements around a position (-1 is outside, where there are zeros), the share of the second, and
// by how much the share grows with the number that the position came from.
template <class T>
struct Between {
  long low, high;
  T share, slope;
};

// An axis of n elements at the position that `g` says; `place` is the element's own place where positions are flows.
template <class T>
NNABLA_INLINE Between<T> locate(const WarpShape& s, long n, T g, long place) {
  T at, slope = 1;
  if (s.positions != WarpShape::grid) {
    at = g + static_cast<T>(place);
  } else if (s.align_corners) {
    slope = static_cast<T>((n - 1) / 2.0);
    at = (g + 1) * slope;
  } else {
    slope = static_cast<T>(n / 2.0);
    at = (g + 1) * slope - static_cast<T>(0.5);
  }
  const T last = static_cast<T>(n - 1);
  if (s.border == WarpShape::zero) {
    // Everything from one element outside on lies among zeros; NaN counts as there and has a share of NaN.
    at += 1;
    const T most = static_cast<T>(n + 1);
    if (!s.linear) {
      at = at > static_cast<T>(0.5) ? at + static_cast<T>(0.5) : 0;
      const long i = static_cast<long>(at < most ? at : most) - 1;
      return {i < n ? i : -1, -1, 0, 0};
    }
    if (at < 0 || !(at < most)) slope = 0;
    const T limited = at < 0 ? 0 : at > most ? most : at;
    const long i = limited > 0 ? static_cast<long>(limited) : 0;
    return {i <= n ? i - 1 : -1, i < n ? i : -1, limited - static_cast<T>(i), slope};
  }
  if (s.border == WarpShape::reflect) {
    // At the outermost elements or at the borders, forwards and backwards in turn.
    const T half = s.align_corners ? last : static_cast<T>(n), shift = s.align_corners ? 0 : static_cast<T>(0.5);
    if (half == 0) {
      at *= 0;
      slope = 0;
    } else {
      if (at + shift < 0) slope = -slope;
      const T turn = std::fmod(std::fabs(at + shift), 2 * half) - half;
      if (turn >= 0) slope = -slope;
      at = half - std::fabs(turn) - shift;
    }
  }
  if (at < 0 || !(at < last)) slope = 0;
  at = at < 0 ? 0 : at > last ? last : at;
  if (!s.linear) {
    const T near = at + static_cast<T>(0.5);
    return {near > 0 ? static_cast<long>(near < last ? near : last) : 0, -1, 0, 0};
  }
  if (n == 1) return {0, -1, 0, 0};
  long i = at > 0 ? static_cast<long>(at) : 0;
  if (i > n - 2) i = n - 2;
  return {i, i + 1, at - static_cast<T>(i), slope};
}

// The elements that positions of a block are sampled from, and their weights: corner by corner. A place of -1 is
// outside. `slope` is by how much a weight grows with the number given for each axis.
template <class T>
struct Corners {
  int count = 0;
  long place[most_corners][warp_block];
  T weight[most_corners][warp_block];
  T slope[most_sampled][most_corners][warp_block];
};

template <class T, bool Slopes>
void find_corners(const WarpShape& s, long image, long first, long n, const T* grid, Corners<T>& c) {
  const int nd = s.nd;
  const bool both = s.linear;
  c.count = both ? 1 << nd : 1;
  const T* from = grid + image * s.out * nd;
  for (long p = 0; p < n; p++) {
    const long position = first + p;
    Between<T> axis[most_sampled];
    for (int a = 0; a < nd; a++) {
      // Columns of a grid, and of flows, come in the reverse order of the dimensions.
      const int column = nd - 1 - a;
      const T g = s.positions == WarpShape::grid ? from[position * nd + column] : from[column * s.out + position];
      const long place = s.positions != WarpShape::flow ? 0 : a == nd - 1 ? position % s.out_row : position / s.out_row;
      axis[a] = locate<T>(s, s.size[a], g, place);
    }
    for (int k = 0; k < c.count; k++) {
      long place = 0;
      T weight = 1;
      bool inside = true;
      for (int a = 0; a < nd; a++) {
        const bool second = both && (k >> (nd - 1 - a) & 1);
        const long i = second ? axis[a].high : axis[a].low;
        inside &= i >= 0;
        place = place * s.size[a] + i;
        if (both) weight *= second ? axis[a].share : 1 - axis[a].share;
      }
      c.place[k][p] = inside ? place : -1;
      c.weight[k][p] = weight;
      if constexpr (Slopes) {
        for (int d = 0; d < nd; d++) {
          T slope = (k >> (nd - 1 - d) & 1) ? axis[d].slope : -axis[d].slope;
          for (int a = 0; a < nd; a++) {
            if (a == d) continue;
            slope *= (k >> (nd - 1 - a) & 1) ? axis[a].share : 1 - axis[a].share;
          }
          c.slope[d][k][p] = slope;
        }
      }
    }
  }
}

// y[n][channels] from an image [pixels][channels]; `zeros` is a pixel of them.
template <class T, int Count>
NNABLA_INLINE void sample_pixels(const Corners<T>& c, long n, long channels, const T* x, const T* zeros, T* y) {
  for (long p = 0; p < n; p++) {
    const T* from[Count];
    T weight[Count];
    for (int k = 0; k < Count; k++) {
      from[k] = c.place[k][p] < 0 ? zeros : x + c.place[k][p] * channels;
      weight[k] = c.weight[k][p];
    }
    T* to = y + p * channels;
    each<T>(channels, [&](long i, auto v) {
      using V = decltype(v);
      V sum = get<V>(from[0] + i) * weight[0];
      for (int k = 1; k < Count; k++) sum += get<V>(from[k] + i) * weight[k];
      put(to + i, sum);
    });
  }
}

// y[channels][out] at n positions from an image [channels][pixels].
template <class T>
void sample_planes(const Corners<T>& c, long n, const WarpShape& s, const T* x, T* y) {
  for (long channel = 0; channel < s.channels; channel++) {
    const T* from = x + channel * s.pixels();
    T* to = y + channel * s.out;
    for (long p = 0; p < n; p++) to[p] = (c.place[0][p] < 0 ? 0 : from[c.place[0][p]]) * c.weight[0][p];
    for (int k = 1; k < c.count; k++)
      for (long p = 0; p < n; p++) to[p] += (c.place[k][p] < 0 ? 0 : from[c.place[k][p]]) * c.weight[k][p];
  }
}

template <class T>
void warp(const WarpShape& s, const T* x, const T* grid, T* y) {
  const long blocks = divide_up(s.out, warp_block);
  const long image_size = s.channels * s.pixels(), out_size = s.channels * s.out;
  parallel_for(s.batch * blocks, larger(1, 8192 / (warp_block * larger(s.channels, 1))), [&](long begin, long end) {
    Corners<T> corners;
    Scratch<T> memory(s.channels * (warp_block + 1));
    T *zeros = memory, *turned = zeros + s.channels;
    for (long i = 0; i < s.channels; i++) zeros[i] = 0;
    for (long b = begin; b < end; b++) {
      const long image = b / blocks, first = b % blocks * warp_block, n = smaller(warp_block, s.out - first);
      find_corners<T, false>(s, image, first, n, grid, corners);
      const T* from = x + image * image_size;
      T* to = y + image * out_size;
      if (s.planes) {
        sample_planes(corners, n, s, from, to + first);
        continue;
      }
      T* pixels = s.out_planes ? turned : to + first * s.channels;
      switch (corners.count) {
        case 1:
          sample_pixels<T, 1>(corners, n, s.channels, from, zeros, pixels);
          break;
        case 4:
          sample_pixels<T, 4>(corners, n, s.channels, from, zeros, pixels);
          break;
        default:
          sample_pixels<T, 8>(corners, n, s.channels, from, zeros, pixels);
      }
      if (s.out_planes) transpose(n, s.channels, turned, s.channels, to + first, s.out);
    }
  });
}

// What position p of the result leaves at a corner: dx there grows; returns the product of dy with the element.
template <class T>
NNABLA_INLINE T leave_pixel(long channels, T weight, const T* dy, const T* x, T* dx) {
  T product = 0;
  if (x != nullptr) {
    TwoSums<T> sums;
    sums.add(channels, [&](long i, auto v, auto& a, auto&) { a += get<decltype(v)>(x + i) * get<decltype(v)>(dy + i); });
    product = sums.first();
  }
  if (dx != nullptr)
    each_once<T>(channels, [&](long i, auto v) {
      using V = decltype(v);
      put(dx + i, get<V>(dx + i) + get<V>(dy + i) * weight);
    });
  return product;
}

template <class T>
void warp_gradient(const WarpShape& s, const T* x, const T* grid, const T* dy, T* dx, T* dgrid) {
  const long blocks = divide_up(s.out, warp_block), pixels = s.pixels();
  const long image_size = s.channels * pixels, out_size = s.channels * s.out;
  const bool by_position = dgrid != nullptr && s.linear;
  // Positions of one image may meet at an element: images go to threads as wholes.
  parallel_for(s.batch, divide_up(8192, larger(out_size, 1)), [&](long begin, long end) {
    Corners<T> corners;
    Scratch<T> turned(s.channels * warp_block);
    for (long image = begin; image < end; image++) {
      const T* from = x + image * image_size;
      T* to = dx == nullptr ? nullptr : dx + image * image_size;
      if (to != nullptr) std::memset(to, 0, image_size * sizeof(T));
      for (long b = 0; b < blocks; b++) {
        const long first = b * warp_block, n = smaller(warp_block, s.out - first);
        find_corners<T, true>(s, image, first, n, grid, corners);
        T products[most_corners][warp_block] = {};
        if (s.planes) {
          for (long channel = 0; channel < s.channels; channel++) {
            const T* g = dy + image * out_size + channel * s.out + first;
            const long plane = channel * pixels;
            for (int k = 0; k < corners.count; k++) {
              for (long p = 0; p < n; p++) {
                const long place = corners.place[k][p];
                if (place < 0) continue;
                if (by_position) products[k][p] += g[p] * from[plane + place];
                if (to != nullptr) to[plane + place] += g[p] * corners.weight[k][p];
              }
            }
          }
        } else {
          const T* g = dy + image * out_size + first * s.channels;
          if (s.out_planes) {
            transpose(s.channels, n, dy + image * out_size + first, s.out, turned.data(), s.channels);
            g = turned;
          }
          for (long p = 0; p < n; p++) {
            for (int k = 0; k < corners.count; k++) {
              const long place = corners.place[k][p];
              if (place < 0) continue;
              products[k][p] =
                  leave_pixel(s.channels, corners.weight[k][p], g + p * s.channels,
                              by_position ? from + place * s.channels : nullptr,
                              to == nullptr ? nullptr : to + place * s.channels);
            }
          }
        }
        if (dgrid == nullptr) continue;
        for (int d = 0; d < s.nd; d++) {
          const int column = s.nd - 1 - d;
          for (long p = 0; p < n; p++) {
            T sum = 0;
            if (by_position)
              for (int k = 0; k < corners.count; k++) {
                // What lies outside has no part in it.
                if (corners.place[k][p] >= 0) sum += corners.slope[d][k][p] * products[k][p];
              }
            const long position = first + p, base = image * s.out * s.nd;
            const bool last = s.positions == WarpShape::grid;
            dgrid[base + (last ? position * s.nd + column : column * s.out + position)] = sum;
          }
        }
      }
    }
  });
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
