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

typedef std::int32_t Place;

// Along one axis, for each position of a block: the elements around it (-1 is outside, where there are zeros), the
// share of the second, and by how much the share grows with the number that the position came from.
template <class T>
struct Line {
  Place low[warp_block], high[warp_block];
  T share[warp_block], slope[warp_block];
};

// Positions along an axis of `size` elements, in elements, and how they grow with the numbers that they come from.
template <class T>
void find_positions(const WarpShape& s, int axis, long first, long n, const T* grid, T* at, T* slope) {
  // Columns of a grid, and of flows, come in the reverse order of the dimensions.
  const int column = s.nd - 1 - axis;
  if (s.positions != WarpShape::grid) {
    const T* from = grid + column * s.out + first;
    for (long p = 0; p < n; p++) {
      at[p] = from[p];
      slope[p] = 1;
    }
    if (s.positions == WarpShape::flow) {
      for (long p = 0; p < n; p++)
        at[p] += static_cast<T>(axis == s.nd - 1 ? (first + p) % s.out_row : (first + p) / s.out_row);
    }
    return;
  }
  const T scale = static_cast<T>((s.align_corners ? s.size[axis] - 1 : s.size[axis]) / 2.0);
  const T shift = s.align_corners ? 0 : static_cast<T>(0.5);
  const T* from = grid + first * s.nd + column;
  for (long p = 0; p < n; p++) {
    at[p] = (from[p * s.nd] + 1) * scale - shift;
    slope[p] = scale;
  }
}

// Positions reflected into an axis at its outermost elements or at its borders, forwards and backwards in turn.
template <class T>
void reflect(const WarpShape& s, long size, long n, T* at, T* slope) {
  const T half = static_cast<T>(s.align_corners ? size - 1 : size), shift = s.align_corners ? 0 : static_cast<T>(0.5);
  for (long p = 0; p < n; p++) {
    if (half == 0) {
      at[p] *= 0;
      slope[p] = 0;
      continue;
    }
    if (at[p] + shift < 0) slope[p] = -slope[p];
    const T turn = std::fmod(std::fabs(at[p] + shift), 2 * half) - half;
    if (turn >= 0) slope[p] = -slope[p];
    at[p] = half - std::fabs(turn) - shift;
  }
}

// The elements around positions. A share of NaN comes of a position of NaN, and no element beyond the axis.
template <class T>
void find_elements(const WarpShape& s, int axis, long first, long n, const T* grid, Line<T>& line) {
  const long size = s.size[axis];
  const T last = static_cast<T>(size - 1), half = static_cast<T>(0.5);
  const Place count = static_cast<Place>(size);
  T at[warp_block], slope[warp_block];
  find_positions(s, axis, first, n, grid, at, slope);
  if (s.border == WarpShape::reflect) reflect(s, size, n, at, slope);
  Place *low = line.low, *high = line.high;
  T *share = line.share, *grows = line.slope;
  if (s.border == WarpShape::zero) {
    // Everything from one element outside on lies among zeros.
    const T most = static_cast<T>(size + 1);
    if (!s.linear) {
      for (long p = 0; p < n; p++) {
        const T from_border = at[p] + 1, near = from_border > half ? from_border + half : 0;
        const Place i = static_cast<Place>(near < most ? near : most) - 1;
        low[p] = i < count ? i : -1;
      }
      return;
    }
    for (long p = 0; p < n; p++) {
      const T from_border = at[p] + 1, above = from_border < 0 ? 0 : from_border;
      const T limited = above > most ? most : above;
      const Place i = static_cast<Place>(limited > 0 ? limited : 0);
      low[p] = i <= count ? i - 1 : -1;
      high[p] = i < count ? i : -1;
      share[p] = limited - static_cast<T>(i);
      grows[p] = ((from_border >= 0) & (from_border < most)) ? slope[p] : 0;
    }
    return;
  }
  if (!s.linear) {
    for (long p = 0; p < n; p++) {
      const T near = at[p] + half;
      low[p] = static_cast<Place>(near > 0 ? (near < last ? near : last) : 0);
    }
    return;
  }
  if (count == 1) {
    for (long p = 0; p < n; p++) {
      low[p] = 0;
      high[p] = -1;
      share[p] = grows[p] = 0;
    }
    return;
  }
  const Place before = count - 2;
  for (long p = 0; p < n; p++) {
    const T above = at[p] < 0 ? 0 : at[p], limited = above > last ? last : above;
    const Place whole = static_cast<Place>(limited > 0 ? limited : 0), i = whole < before ? whole : before;
    low[p] = i;
    high[p] = i + 1;
    share[p] = limited - static_cast<T>(i);
    grows[p] = ((at[p] >= 0) & (at[p] < last)) ? slope[p] : 0;
  }
}

// The elements that positions of a block are sampled from, and their weights: corner by corner. A place of -1 is
// outside. `slope` is by how much a weight grows with the number given for each axis.
template <class T>
struct Corners {
  int count = 0;
  Line<T> lines[most_sampled];
  Place place[most_corners][warp_block];
  T weight[most_corners][warp_block];
  T slope[most_sampled][most_corners][warp_block];
};

// The four pixels around positions that are moved to the nearest place within the image: all are there.
template <class T>
void find_four(const WarpShape& s, long first, long n, const T* grid, Corners<T>& c) {
  T row[warp_block], column[warp_block], slope[warp_block];
  find_positions(s, 0, first, n, grid, row, slope);
  find_positions(s, 1, first, n, grid, column, slope);
  const Place width = static_cast<Place>(s.size[1]), low = static_cast<Place>(s.size[0] - 2), left = width - 2;
  const T bottom = static_cast<T>(s.size[0] - 1), right = static_cast<T>(s.size[1] - 1);
  for (long p = 0; p < n; p++) {
    const T below = row[p] < 0 ? 0 : row[p], y = below > bottom ? bottom : below;
    const T behind = column[p] < 0 ? 0 : column[p], x = behind > right ? right : behind;
    // NaN is at 0, with a share of NaN.
    const Place whole_y = static_cast<Place>(y > 0 ? y : 0), whole_x = static_cast<Place>(x > 0 ? x : 0);
    const Place i = whole_y < low ? whole_y : low, j = whole_x < left ? whole_x : left;
    const T down = y - static_cast<T>(i), along = x - static_cast<T>(j);
    const Place at = i * width + j;
    c.place[0][p] = at;
    c.place[1][p] = at + 1;
    c.place[2][p] = at + width;
    c.place[3][p] = at + width + 1;
    c.weight[0][p] = (1 - down) * (1 - along);
    c.weight[1][p] = (1 - down) * along;
    c.weight[2][p] = down * (1 - along);
    c.weight[3][p] = down * along;
  }
}

template <class T, bool Slopes>
void find_corners(const WarpShape& s, long image, long first, long n, const T* grid, Corners<T>& c) {
  const int nd = s.nd;
  if (!Slopes && nd == 2 && s.linear && s.border == WarpShape::repeat && s.size[0] > 1 && s.size[1] > 1) {
    c.count = 4;
    return find_four(s, first, n, grid + image * s.out * nd, c);
  }
  c.count = s.linear ? 1 << nd : 1;
  for (int a = 0; a < nd; a++) find_elements(s, a, first, n, grid + image * s.out * nd, c.lines[a]);
  for (int k = 0; k < c.count; k++) {
    const auto second = [&](int a) { return (k >> (nd - 1 - a) & 1) != 0; };
    Place* place = c.place[k];
    T* weight = c.weight[k];
    for (int a = 0; a < nd; a++) {
      const Line<T>& line = c.lines[a];
      const Place size = static_cast<Place>(s.size[a]), *at = second(a) ? line.high : line.low;
      if (a == 0) {
        for (long p = 0; p < n; p++) place[p] = at[p];
      } else {
        for (long p = 0; p < n; p++) place[p] = place[p] < 0 || at[p] < 0 ? -1 : place[p] * size + at[p];
      }
      if (!s.linear) continue;
      const T base = second(a) ? 0 : 1, sign = second(a) ? 1 : -1;
      for (long p = 0; p < n; p++) weight[p] = (a == 0 ? 1 : weight[p]) * (base + sign * line.share[p]);
    }
    if (!s.linear)
      for (long p = 0; p < n; p++) weight[p] = 1;
    if constexpr (Slopes) {
      for (int d = 0; d < nd && s.linear; d++) {
        T* slope = c.slope[d][k];
        const T own = second(d) ? 1 : -1;
        for (long p = 0; p < n; p++) slope[p] = own * c.lines[d].slope[p];
        for (int a = 0; a < nd; a++) {
          if (a == d) continue;
          const T base = second(a) ? 0 : 1, sign = second(a) ? 1 : -1;
          for (long p = 0; p < n; p++) slope[p] *= base + sign * c.lines[a].share[p];
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
      const long place = c.place[k][p];
      from[k] = place < 0 ? zeros : x + place * channels;
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

// Some planes of y[channels][out] at n positions between four elements that all are in the image: what the positions
// have in common is read once for all planes.
template <class T, int Planes>
NNABLA_INLINE void sample_some_planes(const Corners<T>& c, long n, long pixels, long out, const T* x, T* __restrict y) {
  for (long p = 0; p < n; p++) {
    const T *a = x + c.place[0][p], *b = x + c.place[1][p], *d = x + c.place[2][p], *e = x + c.place[3][p];
    const T wa = c.weight[0][p], wb = c.weight[1][p], wd = c.weight[2][p], we = c.weight[3][p];
#pragma GCC unroll 4
    for (int plane = 0; plane < Planes; plane++) {
      const long at = plane * pixels;
      y[plane * out + p] = (a[at] * wa + b[at] * wb) + (d[at] * wd + e[at] * we);
    }
  }
}

// y[channels][out] at n positions from an image [channels][pixels].
template <class T>
void sample_planes(const Corners<T>& c, long n, const WarpShape& s, const T* x, T* y) {
  bool inside = true;
  for (int k = 0; k < c.count; k++)
    for (long p = 0; p < n; p++) inside &= c.place[k][p] >= 0;
  const long pixels = s.pixels();
  long channel = 0;
  if (inside && c.count == 4) {
    for (; channel + 4 <= s.channels; channel += 4)
      sample_some_planes<T, 4>(c, n, pixels, s.out, x + channel * pixels, y + channel * s.out);
    const T* from = x + channel * pixels;
    T* to = y + channel * s.out;
    switch (s.channels - channel) {
      case 3: return sample_some_planes<T, 3>(c, n, pixels, s.out, from, to);
      case 2: return sample_some_planes<T, 2>(c, n, pixels, s.out, from, to);
      case 1: return sample_some_planes<T, 1>(c, n, pixels, s.out, from, to);
      default: return;
    }
  }
  for (; channel < s.channels; channel++) {
    const T* from = x + channel * pixels;
    T* to = y + channel * s.out;
    for (int k = 0; k < c.count; k++) {
      for (long p = 0; p < n; p++) {
        const T value = (c.place[k][p] < 0 ? 0 : from[c.place[k][p]]) * c.weight[k][p];
        to[p] = k == 0 ? value : to[p] + value;
      }
    }
  }
}

// The positions of a result in blocks. Those of wide rows follow each other down the rows, since what a turned or bent
// row reads is read by the next ones again, soon enough to be in the nearest cache.
struct WarpBlocks {
  explicit WarpBlocks(const WarpShape& s) : out(s.out) {
    if (s.out_row < warp_block / 2) {
      width = warp_block;
      row = out;
    } else {
      row = s.out_row;
      width = divide_up(row, divide_up(row, warp_block));
    }
    rows = row > 0 ? out / row : 0;
    count = rows * divide_up(row, width);
  }
  long first(long block) const { return block % rows * row + block / rows * width; }
  long size(long block) const { return smaller(width, row - block / rows * width); }

  long out, row, width, rows, count;
};

template <class T>
void warp(const WarpShape& s, const T* x, const T* grid, T* y) {
  const WarpBlocks order(s);
  const long blocks = order.count;
  const long image_size = s.channels * s.pixels(), out_size = s.channels * s.out;
  parallel_for(s.batch * blocks, larger(1, 8192 / (warp_block * larger(s.channels, 1))), [&](long begin, long end) {
    Corners<T> corners;
    Scratch<T> memory(s.channels * (warp_block + 1));
    T *zeros = memory, *turned = zeros + s.channels;
    for (long i = 0; i < s.channels; i++) zeros[i] = 0;
    for (long b = begin; b < end; b++) {
      const long image = b / blocks, first = order.first(b % blocks), n = order.size(b % blocks);
      find_corners<T, false>(s, image, first, n, grid, corners);
      const T* from = x + image * image_size;
      T* to = y + image * out_size;
      if (s.planes) {
        sample_planes(corners, n, s, from, to + first);
        continue;
      }
      T* pixels = s.out_planes ? turned : to + first * s.channels;
      switch (corners.count) {
        case 1: sample_pixels<T, 1>(corners, n, s.channels, from, zeros, pixels); break;
        case 4: sample_pixels<T, 4>(corners, n, s.channels, from, zeros, pixels); break;
        default: sample_pixels<T, 8>(corners, n, s.channels, from, zeros, pixels);
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
    sums.add(channels,
             [&](long i, auto v, auto& a, auto&) { a += get<decltype(v)>(x + i) * get<decltype(v)>(dy + i); });
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
              products[k][p] = leave_pixel(s.channels, corners.weight[k][p], g + p * s.channels,
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
