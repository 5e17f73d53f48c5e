#include <pybind11/stl.h>

#include <cstring>
#include <string>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Not as a parameter: that would make an empty array first, by NumPy, and what does so is not recorded.
typedef py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> Index;

py::array in_c_order(const py::array& x) {
  if (x.flags() & py::array::c_style) return x;
  return py::array::ensure(x, py::array::c_style);
}

Line line_of(const py::array& x, int axis) {
  const int nd = static_cast<int>(x.ndim());
  if (axis < -nd || axis >= nd) throw py::value_error("there is no axis " + std::to_string(axis));
  if (axis < 0) axis += nd;
  Line line{1, x.shape(axis), 1};
  for (int i = 0; i < axis; i++) line.outer *= x.shape(i);
  for (int i = axis + 1; i < nd; i++) line.inner *= x.shape(i);
  return line;
}

py::array running(const py::array& given, int axis, bool exclusive, bool reverse, bool product) {
  return by_type(given, [&](auto zero) {
    using T = decltype(zero);
    const py::array x = in_c_order(given);
    const Line line = line_of(x, axis);
    py::array y = fresh<T>(shape_of(x));
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    perform(x.size(), [=] {
      const MovementTable<T>& table = *tables<T>().movement;
      (product ? table.running_product : table.running_sum)(line, exclusive, reverse, from, to);
    });
    return y;
  });
}

void need_alike(const py::array& x, const py::array& y) {
  if (shape_of(x) != shape_of(y) || x.dtype().num() != y.dtype().num())
    throw py::value_error("arrays of one shape and dtype are expected");
}

py::array running_product_gradient(const py::array& given, const py::array& gradient, int axis, bool exclusive,
                                   bool reverse) {
  need_alike(given, gradient);
  return by_type(given, [&](auto zero) {
    using T = decltype(zero);
    const py::array x = in_c_order(given), dy = in_c_order(gradient);
    const Line line = line_of(x, axis);
    py::array dx = fresh<T>(shape_of(x));
    T* to = mutable_data<T>(dx);
    const T *from = data<T>(x), *of = data<T>(dy);
    perform(x.size(), [=] { tables<T>().movement->running_product_gradient(line, exclusive, reverse, from, of, to); });
    return dx;
  });
}

template <class T>
py::array one_hot_of(const Index& index, const std::vector<long>& sizes) {
  if (index.ndim() == 0 || index.shape(index.ndim() - 1) != static_cast<py::ssize_t>(sizes.size()) || sizes.empty())
    throw py::value_error("the last dimension has a coordinate for each size");
  std::vector<py::ssize_t> shape = shape_of(index);
  shape.pop_back();
  for (long n : sizes) {
    if (n < 0) throw py::value_error("sizes are 0 or more");
    shape.push_back(n);
  }
  py::array y = fresh<T>(shape);
  T* to = mutable_data<T>(y);
  const long count = index.size() / static_cast<long>(sizes.size());
  const std::int64_t* from = index.data();
  perform(y.size(),
          [=] { tables<T>().movement->one_hot(count, static_cast<int>(sizes.size()), sizes.data(), from, to); });
  return y;
}

py::array one_hot(const py::array& index_, const std::vector<long>& sizes, bool twice) {
  const Index index(index_);
  return twice ? one_hot_of<double>(index, sizes) : one_hot_of<float>(index, sizes);
}

py::array put_along(const py::array& index_, const py::array& given, int axis) {
  const Index index(index_);
  return by_type(given, [&](auto zero) {
    using T = decltype(zero);
    const py::array x = in_c_order(given);
    if (shape_of(index) != shape_of(x)) throw py::value_error("index and values must have one shape");
    const Line line = line_of(x, axis);
    py::array y = fresh<T>(shape_of(x));
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    const std::int64_t* at = index.data();
    bool inside;
    {
      MaybeRelease released(x.size());
      inside = tables<T>().movement->put_along(line, at, from, to);
    }
    if (!inside) throw py::index_error("an index is outside of the axis");
    return y;
  });
}

// Add rows to those of a C-ordered target in place.
void add_rows(py::array target, const py::array& index_, const py::array& given) {
  const Index index(index_);
  by_type(target, [&](auto zero) {
    using T = decltype(zero);
    if (!holds<T>(given)) throw py::type_error("rows and target must have one dtype");
    if (target.ndim() == 0 || !(target.flags() & py::array::c_style) || !target.writeable())
      throw py::value_error("the target must be writable and in C order");
    const py::array x = in_c_order(given);
    const long rows = target.shape(0), count = index.size();
    long width = 1;
    for (int i = 1; i < target.ndim(); i++) width *= target.shape(i);
    if (x.size() != count * width) throw py::value_error("there must be a row for each index");
    const std::int64_t* at = index.data();
    const bool within = tables<T>().movement->within(count, rows, at);
    for (long i = 0; !within && i < count; i++)
      if (at[i] < 0 || at[i] >= rows)
        throw py::index_error("index " + std::to_string(at[i]) + " is outside of " + std::to_string(rows) + " rows");
    T* to = mutable_data<T>(target);
    const T* from = data<T>(x);
    MaybeRelease released(x.size());
    tables<T>().movement->add_rows(count, rows, width, at, from, to);
  });
}

// The slices along an axis, each an array of its own.
py::tuple split(const py::array& given, int axis) {
  const py::array x = in_c_order(given);
  const Line line = line_of(x, axis);
  std::vector<py::ssize_t> shape = shape_of(x);
  shape.erase(shape.begin() + (axis < 0 ? axis + x.ndim() : axis));
  const long piece = line.inner * x.itemsize();
  std::vector<char*> to(line.length);
  py::tuple result(line.length);
  for (long i = 0; i < line.length; i++) {
    py::array y = fresh(x.dtype(), shape);
    to[i] = static_cast<char*>(y.mutable_data());
    result[i] = std::move(y);
  }
  const char* from = static_cast<const char*>(x.data());
  perform(x.size(), [=, item = x.itemsize(), to = std::move(to)] {
    const auto part = [&](auto each) {
      using I = decltype(each);
      for (long i = 0; i < line.length; i++)
        for (long o = 0; o < line.outer; o++)
          reinterpret_cast<I*>(to[i])[o] = reinterpret_cast<const I*>(from)[o * line.length + i];
    };
    if (piece == 4 && item == 4) {
      part(std::uint32_t{});
    } else if (piece == 8 && item == 8) {
      part(std::uint64_t{});
    } else {
      for (long o = 0; o < line.outer; o++)
        for (long i = 0; i < line.length; i++)
          std::memcpy(to[i] + o * piece, from + (o * line.length + i) * piece, piece);
    }
  });
  return result;
}

}  // namespace

void bind_movement(py::module_& m) {
  m.def("running", running);
  m.def("running_product_gradient", running_product_gradient);
  m.def("one_hot", one_hot);
  m.def("put_along", put_along);
  m.def("add_rows", add_rows);
  m.def("split", split);
}

}  // namespace nnabla
