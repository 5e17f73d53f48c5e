// Reductions over axes: what a target offers.
#pragma once

#include <cstdint>

namespace nnabla {

// A dense array as it lies in memory, outermost axis first, neighbours of one kind merged. The innermost axis, of
// unit stride, stands apart from the others; results are dense in the order of the axes that are kept.
struct Fold {
  static constexpr int most = 64;
  int kept_axes = 0, reduced_axes = 0;
  long kept[most], kept_step[most], reduced[most], reduced_step[most];
  long kept_count = 1, reduced_count = 1;  // products of the above
  long inner = 1;
  bool inner_reduced = true;
  long elements = 1;  // of the array
};

enum class Reduction { sum, sum_of_sizes, sum_of_squares, sum_of_products, largest, product, count };

template <class T>
struct ReductionTable {
  // By Reduction: y = the reduction of x (of x times other for products).
  void (*reduce[static_cast<int>(Reduction::count)])(const Fold& fold, const T* x, const T* other, T* y);

  // For each of `rows` rows of n elements the first position of the largest (of NaN, if there is any).
  void (*arg_max)(long rows, long n, const T* x, std::int64_t* y);
};

}  // namespace nnabla
