// Pooling: what a target offers.
#pragma once

#include <cstdint>

namespace nnabla {

// Images as they lie in memory: (outer, size..., tail); windows: (outer, out..., tail). Dimensions that are not there
// have size, kernel and stride 1.
struct PoolingShape {
  long outer, tail;
  long size[3], out[3], kernel[3], stride[3], pad[3];

  long taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  long image() const { return size[0] * size[1] * size[2] * tail; }
  long windows() const { return out[0] * out[1] * out[2] * tail; }

  // Whether the windows cover each element once.
  bool exact() const {
    for (int i = 0; i < 3; i++)
      if (kernel[i] != stride[i] || pad[i] != 0 || out[i] * kernel[i] != size[i]) return false;
    return true;
  }
};

// What a window's sum is divided by: nothing, its number of elements with those of the padding, or without.
enum class Divisor { none, all, inside };

template <class T>
struct PoolingTable {
  // The largest element of each window, and its number in the window in one of `small` and `large`.
  void (*largest)(const PoolingShape&, const T* x, T* y, std::uint8_t* small, std::int32_t* large);
  // dy at the numbered element of each window, 0 elsewhere; what meets is added.
  void (*put)(const PoolingShape&, const T* dy, const std::uint8_t* small, const std::int32_t* large, T* dx);
  // The sum of each window, divided.
  void (*sum)(const PoolingShape&, const T* x, T* y, Divisor divisor);
  // dy, divided, at all elements of each window; what meets is added.
  void (*spread)(const PoolingShape&, const T* dy, T* dx, Divisor divisor);
};

}  // namespace nnabla
