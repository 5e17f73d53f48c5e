// Convolutions as products of gathered rows: each output pixel is a sum over taps of a source pixel's channels times a
// matrix. Source pixels are not copied: a table has their addresses, and padding is the address of a row of zeros.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/microkernel.h"
#include "kernels/tables/convolution.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {

// One tap: how far the source pixel lies from the window's origin in each spatial dimension, and its weights' address.
struct Tap {
  long at[3];
  long weight;  // in elements, from the weight of tap 0
};

// Which source pixels an output pixel sums up. The source is [batch][size...][pixel], the result [batch][grid...].
// Output (i, j, k) has its origin at source position (i, j, k) * step + origin, and its own address at
// (i, j, k) * result_step + result_origin within an image of result_size.
template <class T>
struct Windows {
  const T* source;
  long source_size[3], source_pixel, image;  // elements of a pixel and of an image
  long batch, grid[3], step[3], origin[3];
  T* result;
  long result_size[3], result_step[3], result_origin[3], result_pixel;
  const Tap* taps;
  int tap_count;
  long depth;    // elements that each tap sums over
  long columns;  // elements of a result

  long pixels() const { return batch * grid[0] * grid[1] * grid[2]; }
};

// Elements of a panel of weights that stay in the first cache.
template <class T>
constexpr long panel_elements = 24576 / sizeof(T);

// Fill the tables for output pixels p0 to p0 + count: addresses of sources [tap][rows_step], of results, and which taps
// a tile of rows uses at all. Along a row of pixels addresses are equally spaced, and those inside the source are a
// range of the row.
template <class T>
inline void fill_tables(const Windows<T>& w, long p0, long count, const T* zeros, const T** rows, long rows_step,
                        T** results, unsigned char* used) {
  const long offsets[3] = {w.source_size[1] * w.source_size[2] * w.source_pixel, w.source_size[2] * w.source_pixel,
                           w.source_pixel};
  std::memset(used, 0, divide_up(count, tile_rows) * w.tap_count);
  long k = p0 % w.grid[2], rest = p0 / w.grid[2];
  long j = rest % w.grid[1], i = rest / w.grid[1] % w.grid[0], n = rest / (w.grid[1] * w.grid[0]);
  for (long q = 0; q < count;) {
    const long run = smaller(count - q, w.grid[2] - k);
    const long at[3] = {i * w.step[0] + w.origin[0], j * w.step[1] + w.origin[1], k * w.step[2] + w.origin[2]};
    const long space = w.step[2] * w.source_pixel;
    for (int t = 0; t < w.tap_count; t++) {
      const Tap& tap = w.taps[t];
      const long y = at[0] + tap.at[0], x = at[1] + tap.at[1], z = at[2] + tap.at[2];
      const T** to = rows + t * rows_step + q;
      long first = 0, last = 0;
      if (y >= 0 && y < w.source_size[0] && x >= 0 && x < w.source_size[1]) {
        first = z >= 0 ? 0 : smaller(run, divide_up(-z, w.step[2]));
        last = z >= w.source_size[2] ? 0 : smaller(run, (w.source_size[2] - 1 - z) / w.step[2] + 1);
        last = larger(first, last);
      }
      const T* base = w.source + n * w.image + y * offsets[0] + x * offsets[1] + z * offsets[2];
      for (long r = 0; r < first; r++) to[r] = zeros;
      for (long r = first; r < last; r++) to[r] = base + r * space;
      for (long r = last; r < run; r++) to[r] = zeros;
      if (first < last)
        for (long tile = (q + first) / tile_rows; tile <= (q + last - 1) / tile_rows; tile++)
          used[tile * w.tap_count + t] = 1;
    }
    const long to[3] = {i * w.result_step[0] + w.result_origin[0], j * w.result_step[1] + w.result_origin[1],
                        k * w.result_step[2] + w.result_origin[2]};
    T* result = w.result + (((n * w.result_size[0] + to[0]) * w.result_size[1] + to[1]) * w.result_size[2] + to[2]) *
                               w.result_pixel;
    for (long r = 0; r < run; r++) results[q + r] = result + r * w.result_step[2] * w.result_pixel;
    q += run;
    k = 0;
    if (++j == w.grid[1]) {
      j = 0;
      if (++i == w.grid[0]) i = 0, n++;
    }
  }
}

// Multiply the gathered rows with panels j0 to j1 (packed as [panel][tap][depth][columns of a panel]).
template <class T, int Vectors>
inline void multiply_gathered(const Windows<T>& w, long count, const T* const* rows, long rows_step, T* const* results,
                              const unsigned char* used, const T* packed, long j0, long j1,
                              const Epilogue<T>& epilogue) {
  constexpr long columns = Vectors * lanes<T>;
  const long most = panel_elements<T> / columns;  // of depth, in one go
  long deep = w.depth;
  int taps = w.tap_count;
  if (w.depth > most) {
    deep = round_up(divide_up(w.depth, divide_up(w.depth, most)), 8);
    taps = 1;
  } else {
    const long together = larger(1, most / larger(1, w.depth));
    taps = static_cast<int>(divide_up(w.tap_count, divide_up(w.tap_count, together)));
  }
  for (int t = 0; t < w.tap_count; t += taps) {
    const int some = static_cast<int>(smaller(taps, w.tap_count - t));
    for (long d = 0; d < w.depth; d += deep) {
      const long part = smaller(deep, w.depth - d);
      const bool first = t == 0 && d == 0, last = t + some == w.tap_count && d + part == w.depth;
      for (long j = j0; j < j1; j++) {
        const T* B = packed + (((j - j0) * w.tap_count + t) * w.depth + d) * columns;
        Epilogue<T> at = epilogue;
        if (at.bias != nullptr) at.bias += j * columns;
        const Epilogue<T>* finish = last && (at.bias != nullptr || at.rectify) ? &at : nullptr;
        const long width = w.columns - j * columns;
        for (long q = 0; q < count; q += tile_rows) {
          with_rows(static_cast<int>(smaller(tile_rows, count - q)), [&](auto height) {
            multiply_rows<T, decltype(height)::value, Vectors>(
                some, rows_step, part, rows + t * rows_step + q, used + q / tile_rows * w.tap_count + t, d, B,
                w.depth * columns, results + q, j * columns, width, !first, finish);
          });
        }
      }
    }
  }
}

// Whether the weights of tap t lie t elements from those of tap 0.
template <class T>
inline bool in_order(const Windows<T>& w) {
  for (int t = 0; t < w.tap_count; t++)
    if (w.taps[t].weight != t) return false;
  return true;
}

// Pack panel j of the weights: [tap][depth][columns of a panel], zeros after the last column. Element (d, c) of tap t
// lies at w[taps[t].weight + d * depth_step + c * column_step].
template <class T, int Vectors>
inline void pack_panel(const Windows<T>& w, const T* weight, long depth_step, long column_step, long j, T* to) {
  constexpr long columns = Vectors * lanes<T>;
  const long c0 = j * columns, width = smaller(columns, w.columns - c0);
  weight += c0 * column_step;
  if (width < columns) std::memset(to, 0, w.tap_count * w.depth * columns * sizeof(T));
  if (depth_step == w.tap_count && width == columns && in_order(w)) {
    // Rows of all taps of all depths are contiguous: transpose them, and sort the elements by tap.
    for (int v = 0; v < Vectors; v++) {
      const T* from = weight + v * lanes<T> * column_step;
      T* at = to + v * lanes<T>;
      const long elements = w.depth * w.tap_count;
      long t = 0, d = 0;
      for (long e = 0; e < elements; e += lanes<T>) {
        T square[lanes<T> * lanes<T>];
        const long some = smaller(lanes<T>, elements - e);
        if (some == lanes<T>)
          transpose_square(from + e, column_step, square, static_cast<long>(lanes<T>));
        else
          transpose(static_cast<long>(lanes<T>), some, from + e, column_step, square, static_cast<long>(lanes<T>));
        for (long r = 0; r < some; r++) {
          store(at + (t * w.depth + d) * columns, load(square + r * lanes<T>));
          if (++t == w.tap_count) t = 0, d++;
        }
      }
    }
    return;
  }
  if (depth_step == 1 && column_step != 1) {
    for (int t = 0; t < w.tap_count; t++, to += w.depth * columns)
      transpose(width, w.depth, weight + w.taps[t].weight, column_step, to, columns);
    return;
  }
  for (long d = 0; d < w.depth; d++)
    for (int t = 0; t < w.tap_count; t++) {
      const T* from = weight + w.taps[t].weight + d * depth_step;
      T* at = to + (t * w.depth + d) * columns;
      if (column_step == 1)
        std::memcpy(at, from, width * sizeof(T));
      else
        for (long c = 0; c < width; c++) at[c] = from[c * column_step];
    }
}

// Elements of all packed panels.
template <class T, int Vectors>
inline long panels_size(const Windows<T>& w) {
  constexpr long columns = Vectors * lanes<T>;
  return divide_up(w.columns, columns) * w.tap_count * w.depth * columns;
}

template <class T, int Vectors>
inline void pack_panels(const Windows<T>& w, const T* weight, long depth_step, long column_step, int threads, T* to) {
  constexpr long columns = Vectors * lanes<T>;
  const long panels = divide_up(w.columns, columns), panel = w.tap_count * w.depth * columns;
  parallel(static_cast<int>(smaller(threads, panels)), [&](int part, int parts) {
    for (long j = panels * part / parts; j < panels * (part + 1) / parts; j++)
      pack_panel<T, Vectors>(w, weight, depth_step, column_step, j, to + j * panel);
  });
}

// Convolve with weights that are packed here, or that `ready` has packed.
template <class T, int Vectors>
inline void gather_convolution(const Windows<T>& w, const T* weight, long depth_step, long column_step, const T* ready,
                               const Epilogue<T>& epilogue) {
  constexpr long columns = Vectors * lanes<T>;
  const long panels = divide_up(w.columns, columns), panel = w.tap_count * w.depth * columns;
  const long pixels = w.pixels();
  if (pixels == 0) return;
  const Scratch<T> zeros(w.depth);
  std::memset(zeros, 0, w.depth * sizeof(T));
  // So many pixels at a time that their results stay in the second cache.
  const long most =
      larger(tile_rows, smaller(round_up(4096 / w.tap_count, tile_rows), round_up(65536 / w.columns, tile_rows)));
  const long work = pixels * w.tap_count * w.depth * w.columns;
  const int threads = work < 100000 ? 1 : thread_count();
  const auto on_pixels = [&](long p0, long p1, const T* packed, long j0, long j1) {
    if (p0 >= p1) return;
    const long blocks = divide_up(p1 - p0, most), step = round_up(divide_up(p1 - p0, blocks), tile_rows);
    const Scratch<const T*> rows(step * w.tap_count);
    const Scratch<T*> results(step);
    const Scratch<unsigned char> used(divide_up(step, tile_rows) * w.tap_count);
    for (long p = p0; p < p1; p += step) {
      const long count = smaller(step, p1 - p);
      fill_tables(w, p, count, zeros.data(), rows.data(), step, results.data(), used.data());
      multiply_gathered<T, Vectors>(w, count, rows.data(), step, results.data(), used.data(), packed, j0, j1, epilogue);
    }
  };
  const long tiles = divide_up(pixels, tile_rows);
  if (tiles >= 4 * threads || panels < threads) {
    const Scratch<T> own(ready == nullptr ? panels * panel : 1);
    const T* packed = ready == nullptr ? own.data() : ready;
    if (ready == nullptr) pack_panels<T, Vectors>(w, weight, depth_step, column_step, threads, own.data());
    parallel(static_cast<int>(smaller(threads, tiles)), [&](int part, int parts) {
      on_pixels(tiles * part / parts * tile_rows, smaller(pixels, tiles * (part + 1) / parts * tile_rows), packed, 0,
                panels);
    });
    return;
  }
  // Few pixels: every thread has some columns, whose weights it packs itself.
  parallel(threads, [&](int part, int parts) {
    const long j0 = panels * part / parts, j1 = panels * (part + 1) / parts;
    if (j0 == j1) return;
    if (ready != nullptr) {
      on_pixels(0, pixels, ready + j0 * panel, j0, j1);
      return;
    }
    const Scratch<T> packed((j1 - j0) * panel);
    for (long j = j0; j < j1; j++)
      pack_panel<T, Vectors>(w, weight, depth_step, column_step, j, packed + (j - j0) * panel);
    on_pixels(0, pixels, packed, j0, j1);
  });
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
