// Images in the two orders that users have them in, brought into the one that kernels take: channels last.
#pragma once

#include <optional>

#include "bindings/arrays.h"
#include "kernels/tables.h"

namespace nnabla {

// The dimensions of an array of images: `base` batch dimensions, then (C, spatial...) or (spatial..., C).
struct ImageShape {
  int base, spatial;
  bool channel_last;
  long batch, channels, size[3];  // with sizes of 1 before those that there are

  long pixels() const { return size[0] * size[1] * size[2]; }
};

inline ImageShape image_shape(const py::array& x, int base, bool channel_last) {
  ImageShape s{base, static_cast<int>(x.ndim()) - base - 1, channel_last, 1, 0, {1, 1, 1}};
  if (base < 0 || s.spatial < 0 || s.spatial > 3) throw py::value_error("images have 0 to 3 spatial dimensions");
  for (int i = 0; i < base; i++) s.batch *= x.shape(i);
  s.channels = x.shape(channel_last ? x.ndim() - 1 : base);
  for (int i = 0; i < s.spatial; i++) s.size[3 - s.spatial + i] = x.shape(base + (channel_last ? 0 : 1) + i);
  return s;
}

// Whether (N, C, spatial...) lies in memory as (N, spatial..., C), densely.
inline bool lies_channels_last(const py::array& x, int base) {
  py::ssize_t step = x.itemsize();
  const auto fits = [&](int axis) {
    if (x.shape(axis) != 1 && x.strides(axis) != step) return false;
    step *= x.shape(axis);
    return true;
  };
  if (!fits(base)) return false;
  for (int axis = x.ndim() - 1; axis > base; axis--)
    if (!fits(axis)) return false;
  for (int axis = base - 1; axis >= 0; axis--)
    if (!fits(axis)) return false;
  return true;
}

// Where the elements of images lie, channels last or before the copy that makes them so.
template <class T>
struct Pixels {
  const T* data;
  bool turned;  // they lie (N, C, spatial...) and are to be copied
  long batch, channels, pixels;
};

// Images as they lie; a copy in C order is held here where they lie in no order that kernels or the copy know.
template <class T>
class Images {
 public:
  Images(py::array x, const ImageShape& s) : array_(std::move(x)) {
    const bool c_order = array_.flags() & py::array::c_style;
    const bool ready = (s.channel_last && c_order) || (!s.channel_last && lies_channels_last(array_, s.base));
    if (!ready && !c_order) array_ = py::array_t<T, py::array::c_style | py::array::forcecast>(array_);
    const bool turned = !ready && !s.channel_last && s.channels > 1 && s.pixels() > 1;
    pixels_ = {nnabla::data<T>(array_), turned, s.batch, s.channels, s.pixels()};
  }
  operator const Pixels<T>&() const { return pixels_; }

 private:
  py::array array_;
  Pixels<T> pixels_;
};

// The elements channels last, copied if need be for as long as this object lives. The GIL is not needed.
template <class T>
class ChannelsLast {
 public:
  explicit ChannelsLast(const Pixels<T>& x) : data_(x.data) {
    if (!x.turned) return;
    copy_.emplace(x.batch * x.channels * x.pixels);
    tables<T>().convolution->transpose(x.batch, x.channels, x.pixels, x.data, *copy_);
    data_ = *copy_;
  }
  operator const T*() const { return data_; }

 private:
  std::optional<Scratch<T>> copy_;
  const T* data_;
};

// Fresh images like those of `x` but with other channels and sizes, channels last in memory.
template <class T>
inline py::array fresh_images(const py::array& x, const ImageShape& s, long channels, const long (&size)[3]) {
  std::vector<py::ssize_t> shape(x.shape(), x.shape() + s.base), strides(x.ndim());
  if (!s.channel_last) shape.push_back(channels);
  for (int i = 0; i < s.spatial; i++) shape.push_back(size[3 - s.spatial + i]);
  if (s.channel_last) shape.push_back(channels);
  py::ssize_t step = sizeof(T);
  const auto place = [&](int axis) {
    strides[axis] = step;
    step *= shape[axis];
  };
  const int last = static_cast<int>(shape.size()) - 1;
  if (!s.channel_last) place(s.base);
  for (int axis = last; axis >= s.base + (s.channel_last ? 0 : 1); axis--) place(axis);
  for (int axis = s.base - 1; axis >= 0; axis--) place(axis);
  return fresh<T>(shape, strides);
}

}  // namespace nnabla
