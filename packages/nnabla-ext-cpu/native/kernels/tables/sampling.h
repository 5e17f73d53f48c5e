// Resizing, warping and pooling of regions: what a target offers.
#pragma once

#include <cstdint>

namespace nnabla {

// An axis mixed anew: entry r of the result is the sum of weight[k] times entry index[k] of the input over k from
// start[r] to start[r + 1].
template <class T>
struct Mixture {
  long lines, from, to, inner;  // [lines][from][inner] becomes [lines][to][inner]
  const std::int64_t* start;
  const std::int64_t* index;
  const T* weight;
};

constexpr int most_sampled = 3;

// How images of 2 or 3 dimensions are sampled at positions.
struct WarpShape {
  // From -1 to 1 (B, positions, nd); distances from an element's own place, or places: (B, nd, positions).
  enum Positions { grid, flow, places };
  enum Border { zero, repeat, reflect };
  int nd;
  long batch, channels, size[most_sampled];
  long out, out_row;  // positions of an image, and of its last dimension
  Positions positions;
  bool linear, align_corners;
  Border border;
  bool planes;      // images are [channels][pixels], else [pixels][channels]
  bool out_planes;  // the same of results and their gradients

  long pixels() const { return nd == 2 ? size[0] * size[1] : size[0] * size[1] * size[2]; }
};

struct RoiShape {
  long batch, channels, size[2], rois, cells[2];
  double scale[2];
  long ratio;
  bool planes;  // results are [channels][cells], else [cells][channels]
};

// Elements of samples read at positions for each axis.
struct PlacesShape {
  int nd;
  long batch;
  const long *from, *to;      // sizes of a sample of the input and of the result
  const std::int64_t* index;  // for each sample the positions of all axes, one axis after the other; -1 is outside
};

// Windows of images (N, C, H, W) weighted by products of two kernels of their own.
struct SeparableShape {
  long batch, channels, kernel[2], out[2];
};

// Patches of images (N, H, W, C) and the patches of others that are shifted against them.
struct CorrelationShape {
  long batch, size[2], channels;
  long patch[2], shift[2], patch_step[2], shift_step[2], pad[2];  // pad: at the top and left
  long out[2], shifts[2];                                         // the result is (N, out..., shifts...)
};

template <class T>
struct SamplingTable {
  // [outer][block] of x through all mixtures, one after the other; the block is what the mixtures say.
  void (*mix)(long outer, int count, const Mixture<T>* mixtures, const T* x, T* y);
  void (*warp)(const WarpShape&, const T* x, const T* grid, T* y);
  // What is not wanted is null; dx lies as x does.
  void (*warp_gradient)(const WarpShape&, const T* x, const T* grid, const T* dy, T* dx, T* dgrid);
  // Of images [pixels][channels]. False where a box is not finite or names no image; then nothing is done.
  bool (*roi_align)(const RoiShape&, const T* x, const T* boxes, T* y);
  bool (*roi_align_gradient)(const RoiShape&, const T* dy, const T* boxes, T* dx);
  void (*take_places)(const PlacesShape&, const T* x, T outside, T* y);
  void (*put_places)(const PlacesShape&, const T* dy, T* dx);
  void (*separable)(const SeparableShape&, const T* x, const T* vertical, const T* horizontal, T* y);
  // Gradients that are not wanted are null, here and below.
  void (*separable_gradient)(const SeparableShape&, const T* x, const T* vertical, const T* horizontal, const T* dy,
                             T* dx, T* d_vertical, T* d_horizontal);
  void (*correlate)(const CorrelationShape&, const T* x1, const T* x2, T* y);
  void (*correlate_gradient)(const CorrelationShape&, const T* x1, const T* x2, const T* dy, T* dx1, T* dx2);
};

}  // namespace nnabla
