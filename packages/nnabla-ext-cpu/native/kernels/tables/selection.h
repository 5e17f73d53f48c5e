// Elements in order, the largest ones, and those that a mask chooses.
//
// NaN is larger than everything, and all zeros are equal; equal elements keep their order.
#pragma once

#include <cstdint>

namespace nnabla {

template <class T>
struct SelectionTable {
  // The positions that sort each of `rows` rows of n elements, below 2^32, and the sorted elements.
  void (*sort)(long rows, long n, bool descending, const T* x, std::int64_t* index, T* y);

  // The positions of the k first elements in that order, or in that of absolute values, and the elements there.
  void (*first)(long rows, long n, long k, bool descending, bool of_sizes, const T* x, std::int64_t* index, T* y);

  // The largest or smallest element of each of `rows` rows of n elements, and the first place where it is.
  void (*extreme)(long rows, long n, bool smallest, const T* x, std::int64_t* index, T* y);

  // y = x with 0 in place of all elements whose size is below that of the element at `at` in ascending order of sizes.
  void (*prune)(long n, long at, const T* x, T* y);

  // How many elements are not 0, and the coordinates of these in C order: y[dimension * found + i].
  long (*count)(long n, const T* x);
  void (*nonzero)(int nd, const long* shape, long found, const T* x, std::int64_t* y);

  // Rows of `width` elements one after another: those of x where the mask is set, and as many put back there, the
  // others taken from `base`, or 0.
  // `set_in` tells in how many places a mask is set.
  long (*set_in)(long rows, const std::uint8_t* mask);
  void (*compress)(long rows, long width, const std::uint8_t* mask, const T* x, T* y);
  void (*expand)(long rows, long width, const std::uint8_t* mask, const T* x, const T* base, T* y);

  // y = 1 where the label is no class or more than n scores of the row are as high as its own, else 0.
  void (*top_n_error)(long rows, long classes, long n, const T* x, const std::int64_t* label, T* y);

  // y[label, best class] = how many rows; of equal scores the first counts, and labels that are no class do not.
  void (*confusion)(long rows, long classes, const T* x, const std::int64_t* label, std::int32_t* y);
};

}  // namespace nnabla
