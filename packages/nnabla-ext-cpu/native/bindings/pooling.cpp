#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

typedef std::vector<py::ssize_t> Shape;

// The arguments of a pooling, and how the shape of its input and that of its output lie in memory.
struct Pooled {
  PoolingShape shape;
  Shape in_shape, out_shape;
  std::vector<int> order;  // axes, the outermost in memory first
  bool possible = true;
  bool channel_last;
  int first, spatial;

  Pooled(Shape x, const Shape& kernel, const Shape& stride, const Shape& pad, const Shape& out, bool channel_last)
      : in_shape(std::move(x)), channel_last(channel_last) {
    spatial = static_cast<int>(kernel.size());
    first = static_cast<int>(in_shape.size()) - spatial - (channel_last ? 1 : 0);
    const std::size_t n = kernel.size();
    if (n < 1 || first < 0 || stride.size() != n || pad.size() != n || out.size() != n)
      throw py::value_error("pooling: kernel, stride and pad must have one entry for each spatial dimension");
    out_shape = in_shape;
    for (int i = 0; i < 3; i++) shape.size[i] = shape.out[i] = shape.kernel[i] = shape.stride[i] = 1, shape.pad[i] = 0;
    possible = spatial <= 3;
    for (int i = 0; i < spatial && possible; i++) {
      const int at = 3 - spatial + i;
      shape.size[at] = in_shape[first + i];
      shape.kernel[at] = kernel[i], shape.stride[at] = stride[i], shape.pad[at] = pad[i], shape.out[at] = out[i];
      if (kernel[i] < 1 || stride[i] < 1 || pad[i] < 0 || out[i] < 0)
        throw py::value_error("pooling: kernel and stride must be 1 or more, pad 0 or more");
      out_shape[first + i] = out[i];
    }
    for (py::ssize_t size : in_shape) possible = possible && size > 0;
  }

  bool is_spatial(int axis) const { return axis >= first && axis < first + spatial; }

  // Follow the memory order of an array; false if its spatial axes do not lie together.
  bool follow(const py::array& x) {
    if (!is_dense(x)) return false;
    std::vector<int> outer, tail;
    int last = -1;
    bool ended = false;
    for (int axis : memory_order(x)) {
      if (x.shape(axis) == 1) continue;
      if (is_spatial(axis)) {
        if (axis < last || ended) return false;
        last = axis;
      } else if (last < 0) {
        outer.push_back(axis);
      } else {
        ended = true;
        tail.push_back(axis);
      }
    }
    // Without spatial axes longer than 1 anything can be said to lie before or behind them.
    set(outer, tail);
    return true;
  }

  void follow_c_order() {
    std::vector<int> outer, tail;
    for (int axis = 0; axis < static_cast<int>(in_shape.size()); axis++)
      if (in_shape[axis] > 1 && !is_spatial(axis)) (axis < first ? outer : tail).push_back(axis);
    set(outer, tail);
  }

  Shape strides(const Shape& sizes, py::ssize_t item) const {
    Shape found(sizes.size());
    py::ssize_t step = item;
    for (int i = static_cast<int>(order.size()) - 1; i >= 0; i--) {
      found[order[i]] = step;
      step *= sizes[order[i]];
    }
    return found;
  }

  // An array of the given shape in this order: x itself or a copy.
  py::array ordered(const py::array& x, const Shape& sizes) const {
    const Shape steps = strides(sizes, x.itemsize());
    bool same = true;
    for (std::size_t i = 0; i < sizes.size(); i++) same = same && (x.strides(i) == steps[i] || sizes[i] == 1);
    if (same) return x;
    py::array copy = fresh(x.dtype(), sizes, steps);
    py::module_::import("numpy").attr("copyto")(copy, x);
    return copy;
  }

  void expect(const py::array& x, const Shape& sizes) const {
    if (x.ndim() != static_cast<py::ssize_t>(sizes.size()) || !std::equal(sizes.begin(), sizes.end(), x.shape()))
      throw py::value_error("pooling: an array has another shape than the arguments give");
  }

 private:
  void set(const std::vector<int>& outer, const std::vector<int>& tail) {
    order.clear();
    shape.outer = shape.tail = 1;
    const auto ones = [&](bool behind) {
      for (int axis = 0; axis < static_cast<int>(in_shape.size()); axis++)
        if (in_shape[axis] == 1 && !is_spatial(axis) && (axis >= first) == behind) order.push_back(axis);
    };
    for (int axis : outer) order.push_back(axis), shape.outer *= in_shape[axis];
    ones(false);
    for (int i = 0; i < spatial; i++) order.push_back(first + i);
    for (int axis : tail) order.push_back(axis), shape.tail *= in_shape[axis];
    ones(true);
  }
};

Divisor divisor_of(int code) { return code == 0 ? Divisor::none : code == 1 ? Divisor::all : Divisor::inside; }

long work_of(const Pooled& p) { return p.shape.outer * (p.shape.image() + p.shape.windows()); }

// Returns the largest elements and their places in the windows, or None where NumPy has to do it.
py::object max_pooling(const py::array& x, const Shape& kernel, const Shape& stride, const Shape& pad, const Shape& out,
                       bool channel_last, bool places) {
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Pooled p(shape_of(x), kernel, stride, pad, out, channel_last);
    if (!p.possible || p.shape.taps() > INT32_MAX) return py::none();
    if (!p.follow(x)) p.follow_c_order();
    const py::array from = p.ordered(x, p.in_shape);
    py::array y = fresh(x.dtype(), p.out_shape, p.strides(p.out_shape, sizeof(T)));
    const bool small = p.shape.taps() <= 256;
    py::array place;
    if (places) {
      const py::dtype number = small ? py::dtype::of<std::uint8_t>() : py::dtype::of<std::int32_t>();
      place = fresh(number, p.out_shape, p.strides(p.out_shape, number.itemsize()));
    }
    T* to = mutable_data<T>(y);
    std::uint8_t* few = places && small ? mutable_data<std::uint8_t>(place) : nullptr;
    std::int32_t* many = places && !small ? mutable_data<std::int32_t>(place) : nullptr;
    {
      MaybeRelease released(work_of(p));
      tables<T>().pooling->largest(p.shape, data<T>(from), to, few, many);
    }
    if (!places) return y;
    return py::make_tuple(y, place);
  });
}

py::object put_in_windows(const py::array& dy, const py::array& index, const Shape& in_shape, const Shape& kernel,
                          const Shape& stride, const Shape& pad, const Shape& out, bool channel_last) {
  return by_type(dy, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Pooled p(in_shape, kernel, stride, pad, out, channel_last);
    if (!p.possible) return py::none();
    p.expect(dy, p.out_shape);
    p.expect(index, p.out_shape);
    if (!p.follow(dy)) p.follow_c_order();
    const py::array from = p.ordered(dy, p.out_shape);
    py::array place = index;
    if (!holds<std::uint8_t>(place) && !holds<std::int32_t>(place)) place = place.attr("astype")("int32");
    place = p.ordered(place, p.out_shape);
    py::array dx = fresh(dy.dtype(), p.in_shape, p.strides(p.in_shape, sizeof(T)));
    T* to = mutable_data<T>(dx);
    const bool small = holds<std::uint8_t>(place);
    const std::uint8_t* few = small ? data<std::uint8_t>(place) : nullptr;
    const std::int32_t* many = small ? nullptr : data<std::int32_t>(place);
    {
      MaybeRelease released(work_of(p));
      tables<T>().pooling->put(p.shape, data<T>(from), few, many, to);
    }
    return dx;
  });
}

py::object sum_pooling(const py::array& x, const Shape& kernel, const Shape& stride, const Shape& pad, const Shape& out,
                       bool channel_last, int divisor) {
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Pooled p(shape_of(x), kernel, stride, pad, out, channel_last);
    if (!p.possible) return py::none();
    if (!p.follow(x)) p.follow_c_order();
    const py::array from = p.ordered(x, p.in_shape);
    py::array y = fresh(x.dtype(), p.out_shape, p.strides(p.out_shape, sizeof(T)));
    T* to = mutable_data<T>(y);
    {
      MaybeRelease released(work_of(p));
      tables<T>().pooling->sum(p.shape, data<T>(from), to, divisor_of(divisor));
    }
    return y;
  });
}

py::object spread_in_windows(const py::array& dy, const Shape& in_shape, const Shape& kernel, const Shape& stride,
                             const Shape& pad, const Shape& out, bool channel_last, int divisor) {
  return by_type(dy, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Pooled p(in_shape, kernel, stride, pad, out, channel_last);
    if (!p.possible) return py::none();
    p.expect(dy, p.out_shape);
    if (!p.follow(dy)) p.follow_c_order();
    const py::array from = p.ordered(dy, p.out_shape);
    py::array dx = fresh(dy.dtype(), p.in_shape, p.strides(p.in_shape, sizeof(T)));
    T* to = mutable_data<T>(dx);
    {
      MaybeRelease released(work_of(p));
      tables<T>().pooling->spread(p.shape, data<T>(from), to, divisor_of(divisor));
    }
    return dx;
  });
}

}  // namespace

void bind_pooling(py::module_& m) {
  m.def("max_pooling", max_pooling);
  m.def("put_in_windows", put_in_windows);
  m.def("sum_pooling", sum_pooling);
  m.def("spread_in_windows", spread_in_windows);
}

}  // namespace nnabla
