#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// An array as it lies in memory, its other axes joined before and behind the one of the classes.
struct Classes {
  py::array x;
  SoftmaxShape shape;
  int axis;

  Classes(const py::array& input, int at) : x(input), shape{1, 1, 1} {
    axis = at < 0 ? at + static_cast<int>(x.ndim()) : at;
    if (axis < 0 || axis >= x.ndim())
      throw py::value_error("axis " + std::to_string(at) + " is not one of the input's");
    if (!is_dense(x)) {
      x = py::array::ensure(x, py::array::c_style);
      if (!x) throw py::error_already_set();
    }
    bool behind = false;
    for (int i : memory_order(x)) {
      if (i == axis) {
        behind = true;
        shape.classes = x.shape(i);
      } else {
        (behind ? shape.inner : shape.outer) *= x.shape(i);
      }
    }
  }

  // Strides of an array with one element along the axis, in the memory order of the input.
  std::vector<py::ssize_t> label_strides(py::ssize_t item) const {
    std::vector<py::ssize_t> found(x.ndim());
    const std::vector<int> order = memory_order(x);
    py::ssize_t step = item;
    for (int i = static_cast<int>(x.ndim()) - 1; i >= 0; i--) {
      found[order[i]] = step;
      if (order[i] != axis) step *= x.shape(order[i]);
    }
    return found;
  }

  std::vector<py::ssize_t> label_shape() const {
    std::vector<py::ssize_t> found = shape_of(x);
    found[axis] = 1;
    return found;
  }

  py::array fresh_labels(const py::dtype& dtype) const {
    return fresh(dtype, label_shape(), label_strides(dtype.itemsize()));
  }

  // An array of the labels' shape, in the order of the input: itself or a copy.
  py::array labels(const py::array& given) const {
    const std::vector<py::ssize_t> sizes = label_shape(), steps = label_strides(given.itemsize());
    if (given.ndim() != x.ndim() || !std::equal(sizes.begin(), sizes.end(), given.shape()))
      throw py::value_error("labels must have the shape of the input with size 1 along the axis");
    bool same = true;
    for (std::size_t i = 0; i < sizes.size(); i++) same = same && (sizes[i] == 1 || given.strides(i) == steps[i]);
    if (same) return given;
    py::array copy = fresh_labels(given.dtype());
    py::module_::import("numpy").attr("copyto")(copy, given);
    return copy;
  }

  // An array of the input's shape, in its order.
  py::array like(const py::array& given) const {
    if (same_layout(given, x)) return given;
    if (shape_of(given) != shape_of(x) || given.dtype().num() != x.dtype().num())
      throw py::value_error("arrays of one shape and dtype are expected");
    py::array copy = fresh_like(x);
    py::module_::import("numpy").attr("copyto")(copy, given);
    return copy;
  }
};

template <class T>
const T* typed(const py::array& x) {
  if (!holds<T>(x)) throw py::type_error("an array is of another dtype than it must be");
  return data<T>(x);
}

py::array softmax(const py::array& x, int axis, bool logarithm) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(x, axis);
    py::array y = fresh_like(c.x);
    if (c.x.size() == 0) return y;
    T* to = mutable_data<T>(y);
    MaybeRelease released(c.shape.size());
    tables<T>().softmax->forward(c.shape, data<T>(c.x), to, logarithm);
    return y;
  });
}

py::array softmax_backward(const py::array& y, const py::array& dy, int axis, bool logarithm) {
  return by_type(y, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(y, axis);
    const py::array seed = c.like(dy);
    py::array dx = fresh_like(c.x);
    if (c.x.size() == 0) return dx;
    const T* from = typed<T>(seed);
    T* to = mutable_data<T>(dx);
    MaybeRelease released(c.shape.size());
    tables<T>().softmax->backward(c.shape, data<T>(c.x), from, to, logarithm);
    return dx;
  });
}

// Returns the losses and log_p.
py::tuple softmax_cross_entropy(const py::array& x, const py::array& target, int axis) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(x, axis);
    const py::array label = c.labels(target);
    py::array log_p = fresh_like(c.x), loss = c.fresh_labels(x.dtype());
    const std::int64_t* chosen = typed<std::int64_t>(label);
    T *to = mutable_data<T>(loss), *all = mutable_data<T>(log_p);
    if (c.x.size() == 0) {
      std::fill(to, to + loss.size(), T{});
    } else {
      MaybeRelease released(c.shape.size());
      tables<T>().softmax->cross_entropy(c.shape, data<T>(c.x), chosen, to, all);
    }
    return py::make_tuple(loss, log_p);
  });
}

py::array softmax_cross_entropy_backward(const py::array& log_p, const py::array& target, const py::array& dy,
                                         int axis) {
  return by_type(log_p, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(log_p, axis);
    const py::array label = c.labels(target), seed = c.labels(dy);
    py::array dx = fresh_like(c.x);
    const std::int64_t* chosen = typed<std::int64_t>(label);
    const T* from = typed<T>(seed);
    T* to = mutable_data<T>(dx);
    if (c.x.size() == 0) return dx;
    MaybeRelease released(c.shape.size());
    tables<T>().softmax->cross_entropy_backward(c.shape, data<T>(c.x), chosen, from, to);
    return dx;
  });
}

py::array categorical_cross_entropy(const py::array& x, const py::array& target, int axis, double least) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(x, axis);
    const py::array label = c.labels(target);
    py::array loss = c.fresh_labels(x.dtype());
    const std::int64_t* chosen = typed<std::int64_t>(label);
    T* to = mutable_data<T>(loss);
    if (c.x.size() == 0) {
      std::fill(to, to + loss.size(), T{});
      return loss;
    }
    MaybeRelease released(loss.size());
    tables<T>().softmax->categorical(c.shape, data<T>(c.x), chosen, static_cast<T>(least), to);
    return loss;
  });
}

py::array categorical_cross_entropy_backward(const py::array& x, const py::array& target, const py::array& dy, int axis,
                                             double least) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(x, axis);
    const py::array label = c.labels(target), seed = c.labels(dy);
    py::array dx = fresh_like(c.x);
    const std::int64_t* chosen = typed<std::int64_t>(label);
    const T* from = typed<T>(seed);
    T* to = mutable_data<T>(dx);
    if (c.x.size() == 0) return dx;
    MaybeRelease released(c.shape.size());
    tables<T>().softmax->categorical_backward(c.shape, data<T>(c.x), chosen, from, static_cast<T>(least), to);
    return dx;
  });
}

// With dy its gradient for x.
py::array sigmoid_cross_entropy(const py::array& x, const py::array& target, const py::object& dy) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    py::array input = x;
    if (!is_dense(x)) {
      input = py::array::ensure(x, py::array::c_style);
      if (!input) throw py::error_already_set();
    }
    const auto laid = [&](const py::array& given) {
      if (same_layout(given, input)) return given;
      if (shape_of(given) != shape_of(input)) throw py::value_error("arrays of one shape are expected");
      py::array copy = fresh_like(input);
      py::module_::import("numpy").attr("copyto")(copy, given);
      return copy;
    };
    const py::array targets = laid(target), seed = dy.is_none() ? py::array() : laid(dy.cast<py::array>());
    py::array y = fresh_like(input);
    const T *from = data<T>(input), *with = typed<T>(targets);
    const T* by = dy.is_none() ? nullptr : typed<T>(seed);
    T* to = mutable_data<T>(y);
    MaybeRelease released(input.size());
    if (by == nullptr) {
      tables<T>().softmax->sigmoid_cross_entropy(input.size(), from, with, to);
    } else {
      tables<T>().softmax->sigmoid_cross_entropy_backward(input.size(), from, with, by, to);
    }
    return y;
  });
}

// Call f(number of the label, its class, scores of it) for all labels; the scores lie `inner` apart.
template <class T, class F>
void each_sample(const Classes& c, const py::array& label, F&& f) {
  const std::int64_t* chosen = typed<std::int64_t>(label);
  const T* from = data<T>(c.x);
  const long classes = c.shape.classes, inner = c.shape.inner;
  long at = 0;
  for (long o = 0; o < c.shape.outer; o++)
    for (long i = 0; i < inner; i++, at++) f(at, chosen[at], from + o * classes * inner + i);
}

// 1 where n scores or more besides that of the label are as high as it, or where the label is no class; else 0.
py::array top_n_error(const py::array& x, const py::array& target, int axis, long n) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(x, axis);
    const py::array label = c.labels(target);
    py::array wrong = c.fresh_labels(x.dtype());
    T* to = mutable_data<T>(wrong);
    const long classes = c.shape.classes, inner = c.shape.inner;
    MaybeRelease released(c.shape.size());
    each_sample<T>(c, label, [&](long at, std::int64_t chosen, const T* scores) {
      if (chosen < 0 || chosen >= classes) {
        to[at] = 1;
        return;
      }
      const T score = scores[chosen * inner];
      int better = 0;
      if (inner == 1) {
        for (long k = 0; k < classes; k++) better += scores[k] >= score;
      } else {
        for (long k = 0; k < classes; k++) better += scores[k * inner] >= score;
      }
      to[at] = better > n;
    });
    return wrong;
  });
}

// Numbers of samples by label and by class of the highest score, the last of equal ones, or the last that is NaN.
py::array confusion_matrix(const py::array& x, const py::array& target, int axis) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const Classes c(x, axis);
    const py::array label = c.labels(target);
    const long classes = c.shape.classes, inner = c.shape.inner;
    py::array counts = fresh<std::int32_t>({classes, classes});
    std::int32_t* to = mutable_data<std::int32_t>(counts);
    std::fill_n(to, classes * classes, 0);
    MaybeRelease released(c.shape.size());
    each_sample<T>(c, label, [&](long, std::int64_t chosen, const T* scores) {
      if (chosen < 0 || chosen >= classes) return;
      long best = classes - 1;
      T highest = scores[best * inner];
      for (long k = classes - 2; k >= 0 && highest == highest; k--) {
        // Without a branch: which score is highest nobody can foretell.
        const T score = scores[k * inner];
        const bool higher = !(score <= highest);
        best = higher ? k : best;
        highest = higher ? score : highest;
      }
      to[chosen * classes + best]++;
    });
    return counts;
  });
}

}  // namespace

void bind_softmax(py::module_& m) {
  m.def("softmax", softmax);
  m.def("softmax_backward", softmax_backward);
  m.def("softmax_cross_entropy", softmax_cross_entropy);
  m.def("softmax_cross_entropy_backward", softmax_cross_entropy_backward);
  m.def("categorical_cross_entropy", categorical_cross_entropy);
  m.def("categorical_cross_entropy_backward", categorical_cross_entropy_backward);
  m.def("sigmoid_cross_entropy", sigmoid_cross_entropy);
  m.def("top_n_error", top_n_error);
  m.def("confusion_matrix", confusion_matrix);
}

}  // namespace nnabla
