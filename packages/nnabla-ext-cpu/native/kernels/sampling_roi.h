// Regions of images, each divided into cells: averages of interpolated samples.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/span.h"
#include "kernels/tables/sampling.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {

// A sample along one axis: two neighbouring elements and their weights.
template <class T>
struct Sample {
  long low, high;
  T first, second;
};

// The samples of one axis of a region, cell by cell.
template <class T>
struct Samples {
  long points = 0;  // of each cell, those that do not count included
  Sample<T>* at = nullptr;
};

template <class T>
NNABLA_INLINE long points_of(T side, long ratio) {
  if (ratio > 0) return ratio;
  // More than this no memory holds.
  const T count = std::ceil(side), most = static_cast<T>(1e12);
  return count > 0 ? static_cast<long>(count < most ? count : most) : 0;
}

template <class T>
void find_samples(T start, T side, long cells, long length, Samples<T>& s) {
  const T safe = static_cast<T>(s.points > 0 ? s.points : 1);
  for (long c = 0; c < cells; c++) {
    for (long k = 0; k < s.points; k++) {
      T at = start + (static_cast<T>(c) + (static_cast<T>(k) + static_cast<T>(0.5)) / safe) * side;
      Sample<T>& sample = s.at[c * s.points + k];
      if (!(at >= -1 && at <= static_cast<T>(length))) {
        sample = {-1, -1, 0, 0};
        continue;
      }
      at = at < 0 ? 0 : at > static_cast<T>(length - 1) ? static_cast<T>(length - 1) : at;
      const long low = static_cast<long>(at);
      const T fraction = at - static_cast<T>(low), weight = 1 / safe;
      sample = {low, low + 1 < length ? low + 1 : low, weight * (1 - fraction), weight * fraction};
    }
  }
}

template <class T>
bool boxes_are_valid(const RoiShape& s, const T* boxes) {
  for (long r = 0; r < s.rois; r++) {
    for (int i = 0; i < 5; i++)
      if (!(std::fabs(boxes[r * 5 + i]) <= std::numeric_limits<T>::max())) return false;
    if (boxes[r * 5] < 0 || boxes[r * 5] >= static_cast<T>(s.batch)) return false;
  }
  return true;
}

// Call f(region, image, samples down, samples across) for regions from `begin` to `end`.
template <class T, class F>
void each_region(const RoiShape& s, const T* boxes, long begin, long end, F&& f) {
  for (long r = begin; r < end; r++) {
    const T* box = boxes + r * 5;
    T start[2], side[2];
    Samples<T> samples[2];
    for (int a = 0; a < 2; a++) {
      const T scale = static_cast<T>(s.scale[a]), half = static_cast<T>(0.5);
      start[a] = box[2 - a] * scale - half;
      side[a] = ((box[4 - a] * scale - half) - start[a]) / static_cast<T>(s.cells[a]);
      samples[a].points = points_of(side[a], s.ratio);
    }
    const long down = s.cells[0] * samples[0].points, across = s.cells[1] * samples[1].points;
    Scratch<Sample<T>> memory(down + across + 1);
    samples[0].at = memory.data();
    samples[1].at = memory.data() + down;
    for (int a = 0; a < 2; a++) find_samples(start[a], side[a], s.cells[a], s.size[a], samples[a]);
    f(r, static_cast<long>(box[0]), samples[0], samples[1]);
  }
}

// Call f(pixel, weight) for all that a cell is made of.
template <class T, class F>
NNABLA_INLINE void each_part(const RoiShape& s, const Samples<T>& down, const Samples<T>& across, long row, long column,
                             F&& f) {
  for (long i = 0; i < down.points; i++) {
    const Sample<T>& v = down.at[row * down.points + i];
    if (v.low < 0) continue;
    for (long j = 0; j < across.points; j++) {
      const Sample<T>& h = across.at[column * across.points + j];
      if (h.low < 0) continue;
      f(v.low * s.size[1] + h.low, v.first * h.first);
      f(v.low * s.size[1] + h.high, v.first * h.second);
      f(v.high * s.size[1] + h.low, v.second * h.first);
      f(v.high * s.size[1] + h.high, v.second * h.second);
    }
  }
}

template <class T>
bool roi_align(const RoiShape& s, const T* x, const T* boxes, T* y) {
  if (!boxes_are_valid(s, boxes)) return false;
  const long cells = s.cells[0] * s.cells[1], image_size = s.size[0] * s.size[1] * s.channels;
  parallel_for(s.rois, divide_up(2048, larger(cells * s.channels, 1)), [&](long begin, long end) {
    Scratch<T> turned(cells * s.channels);
    each_region(s, boxes, begin, end, [&](long r, long image, const Samples<T>& down, const Samples<T>& across) {
      T* out = y + r * cells * s.channels;
      T* to = s.planes ? turned.data() : out;
      std::memset(to, 0, cells * s.channels * sizeof(T));
      for (long c = 0; c < cells; c++) {
        T* cell = to + c * s.channels;
        each_part(s, down, across, c / s.cells[1], c % s.cells[1], [&](long pixel, T weight) {
          const T* from = x + image * image_size + pixel * s.channels;
          each_once<T>(s.channels, [&](long i, auto v) {
            using V = decltype(v);
            put(cell + i, get<V>(cell + i) + get<V>(from + i) * weight);
          });
        });
      }
      if (s.planes) transpose(cells, s.channels, turned.data(), s.channels, out, cells);
    });
  });
  return true;
}

template <class T>
bool roi_align_gradient(const RoiShape& s, const T* dy, const T* boxes, T* dx) {
  if (!boxes_are_valid(s, boxes)) return false;
  const long cells = s.cells[0] * s.cells[1], image_size = s.size[0] * s.size[1] * s.channels;
  std::memset(dx, 0, s.batch * image_size * sizeof(T));
  Scratch<T> turned(cells * s.channels);
  // Regions may meet: they are added one after the other.
  each_region(s, boxes, 0, s.rois, [&](long r, long image, const Samples<T>& down, const Samples<T>& across) {
    const T* given = dy + r * cells * s.channels;
    if (s.planes) transpose(s.channels, cells, given, cells, turned.data(), s.channels);
    const T* from = s.planes ? turned.data() : given;
    for (long c = 0; c < cells; c++) {
      const T* cell = from + c * s.channels;
      each_part(s, down, across, c / s.cells[1], c % s.cells[1], [&](long pixel, T weight) {
        T* to = dx + image * image_size + pixel * s.channels;
        each_once<T>(s.channels, [&](long i, auto v) {
          using V = decltype(v);
          put(to + i, get<V>(to + i) + get<V>(cell + i) * weight);
        });
      });
    }
  });
  return true;
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
