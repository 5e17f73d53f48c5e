// Softmax and its losses: what a target offers.
#pragma once

#include <cstdint>

namespace nnabla {

// Arrays as they lie in memory: (outer, classes, inner).
struct SoftmaxShape {
  long outer, classes, inner;

  long size() const { return outer * classes * inner; }
};

template <class T>
struct SoftmaxTable {
  // Softmax along the classes, or its logarithm.
  void (*forward)(const SoftmaxShape&, const T* x, T* y, bool logarithm);
  // Its gradient from y.
  void (*backward)(const SoftmaxShape&, const T* y, const T* dy, T* dx, bool logarithm);
  // -log softmax(x) at the label, or 0 where it is no class; log_p is that logarithm everywhere.
  void (*cross_entropy)(const SoftmaxShape&, const T* x, const std::int64_t* label, T* loss, T* log_p);
  void (*cross_entropy_backward)(const SoftmaxShape&, const T* log_p, const std::int64_t* label, const T* dy, T* dx);
  // -log max(x, least) at the label, or 0 where it is no class.
  void (*categorical)(const SoftmaxShape&, const T* x, const std::int64_t* label, T least, T* loss);
  void (*categorical_backward)(const SoftmaxShape&, const T* x, const std::int64_t* label, const T* dy, T least, T* dx);
  // max(x, 0) - x t + log(1 + exp(-|x|)) for n elements, and its gradient dy (sigmoid(x) - t).
  void (*sigmoid_cross_entropy)(long n, const T* x, const T* target, T* y);
  void (*sigmoid_cross_entropy_backward)(long n, const T* x, const T* target, const T* dy, T* dx);
};

}  // namespace nnabla
