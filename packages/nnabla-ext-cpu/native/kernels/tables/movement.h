// Rows by index, running sums and products, one-hot vectors, copies that change the order in memory.
#pragma once

#include <cstdint>

namespace nnabla {

// An array in C order around one of its axes.
struct Line {
  long outer, length, inner;
};

template <class T>
struct MovementTable {
  // y = the running sum (or product) of x; exclusive leaves each element out of its own.
  void (*running_sum)(const Line& line, bool exclusive, bool reverse, const T* x, T* y);
  void (*running_product)(const Line& line, bool exclusive, bool reverse, const T* x, T* y);

  // The gradient of a running product. Nothing is divided, so zeros are no exception.
  void (*running_product_gradient)(const Line& line, bool exclusive, bool reverse, const T* x, const T* dy, T* dx);

  // y is 0 but 1 at the coordinates of each of `count` rows of `dimensions`, those beyond `shape` nowhere.
  void (*one_hot)(long count, int dimensions, const long* shape, const std::int64_t* index, T* y);

  // y = x with the elements along the axis put where `index` says; false if one is outside of the line.
  bool (*put_along)(const Line& line, const std::int64_t* index, const T* x, T* y);

  // Whether all indices are from 0 to size - 1.
  bool (*within)(long count, long size, const std::int64_t* index);

  // Add rows of `width` elements to those of `target` at the indices, which are from 0 to rows - 1.
  void (*add_rows)(long count, long rows, long width, const std::int64_t* index, const T* x, T* target);
};

}  // namespace nnabla
