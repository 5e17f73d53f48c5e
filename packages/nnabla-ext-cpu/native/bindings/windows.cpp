// Windows weighted by kernels of their own, and patches compared with shifted ones.
#include <pybind11/stl.h>

#include <array>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"
#include "kernels/tables/sampling.h"

namespace nnabla {
namespace {

typedef std::vector<py::ssize_t> Shape;

SeparableShape separable_shape(const py::array& x, const py::array& vertical, const py::array& horizontal) {
  if (x.ndim() != 4 || vertical.ndim() != 4 || horizontal.ndim() != 4)
    throw py::value_error("images have 4 dimensions");
  const SeparableShape s{
      x.shape(0), x.shape(1), {vertical.shape(1), horizontal.shape(1)}, {vertical.shape(2), vertical.shape(3)}};
  for (const py::array* k : {&vertical, &horizontal})
    if (k->shape(0) != s.batch || k->shape(2) != s.out[0] || k->shape(3) != s.out[1])
      throw py::value_error("kernels do not fit each other");
  if (x.shape(2) != s.out[0] + s.kernel[0] - 1 || x.shape(3) != s.out[1] + s.kernel[1] - 1)
    throw py::value_error("kernels do not fit the images");
  return s;
}

py::array separable(const py::array& x, const py::array& vertical, const py::array& horizontal) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const SeparableShape s = separable_shape(x, vertical, horizontal);
    const py::array image = in_c_order<T>(x), down = in_c_order<T>(vertical), across = in_c_order<T>(horizontal);
    py::array y = fresh<T>({s.batch, s.channels, s.out[0], s.out[1]});
    T* to = mutable_data<T>(y);
    const T *x0 = data<T>(image), *v = data<T>(down), *h = data<T>(across);
    perform(y.size() * s.kernel[0], [=] { tables<T>().sampling->separable(s, x0, v, h, to); });
    return y;
  });
}

// A fresh array like another one, or None and null where it is not wanted.
template <class T>
py::object wanted(bool need, const py::array& like, T*& to) {
  to = nullptr;
  if (!need) return py::none();
  py::array made = fresh<T>(shape_of(like));
  to = mutable_data<T>(made);
  return std::move(made);
}

py::tuple separable_gradient(const py::array& x, const py::array& vertical, const py::array& horizontal,
                             const py::array& dy, const std::vector<bool>& need) {
  return by_type(x, [&](auto zero) -> py::tuple {
    using T = decltype(zero);
    const SeparableShape s = separable_shape(x, vertical, horizontal);
    const py::array image = in_c_order<T>(x), down = in_c_order<T>(vertical), across = in_c_order<T>(horizontal);
    const py::array given = in_c_order<T>(dy);
    if (need.size() != 3 || given.size() != s.batch * s.channels * s.out[0] * s.out[1])
      throw py::value_error("a gradient has another shape than the result");
    std::array<T*, 3> to;
    const py::tuple result =
        py::make_tuple(wanted(need[0], x, to[0]), wanted(need[1], vertical, to[1]), wanted(need[2], horizontal, to[2]));
    const T *x0 = data<T>(image), *v = data<T>(down), *h = data<T>(across), *seed = data<T>(given);
    perform(given.size() * s.kernel[0],
            [=] { tables<T>().sampling->separable_gradient(s, x0, v, h, seed, to[0], to[1], to[2]); });
    return result;
  });
}

CorrelationShape correlation_shape(const py::array& x1, const py::array& x2, const Shape& patch, const Shape& shift,
                                   const Shape& patch_step, const Shape& shift_step, const Shape& padding) {
  if (x1.ndim() != 4 || shape_of(x1) != shape_of(x2) || padding.size() != 4) throw py::value_error("images do not fit");
  CorrelationShape s{x1.shape(0), {x1.shape(1), x1.shape(2)}, x1.shape(3), {}, {}, {}, {}, {}, {}, {}};
  for (int i = 0; i < 2; i++) {
    s.patch[i] = patch.at(i), s.shift[i] = shift.at(i);
    s.patch_step[i] = patch_step.at(i), s.shift_step[i] = shift_step.at(i);
    s.pad[i] = padding[2 * i];
    const long room = s.size[i] + padding[2 * i] + padding[2 * i + 1] - s.patch[i];
    if (s.patch[i] < 1 || s.shift[i] < 0 || s.patch_step[i] < 1 || s.shift_step[i] < 1 || room < 0)
      throw py::value_error("patches do not fit the images");
    s.out[i] = room / s.patch_step[i] + 1;
    s.shifts[i] = 2 * s.shift[i] / s.shift_step[i] + 1;
  }
  return s;
}

long correlation_work(const CorrelationShape& s, const py::array& x) { return x.size() * s.shifts[0] * s.shifts[1]; }

py::array correlate(const py::array& x1, const py::array& x2, const Shape& patch, const Shape& shift,
                    const Shape& patch_step, const Shape& shift_step, const Shape& padding) {
  return by_type(x1, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const CorrelationShape s = correlation_shape(x1, x2, patch, shift, patch_step, shift_step, padding);
    const py::array first = in_c_order<T>(x1), second = in_c_order<T>(x2);
    py::array y = fresh<T>({s.batch, s.out[0], s.out[1], s.shifts[0], s.shifts[1]});
    T* to = mutable_data<T>(y);
    const T *a = data<T>(first), *b = data<T>(second);
    perform(correlation_work(s, x1), [=] { tables<T>().sampling->correlate(s, a, b, to); });
    return y;
  });
}

py::tuple correlate_gradient(const py::array& x1, const py::array& x2, const py::array& dy,
                             const std::vector<bool>& need, const Shape& patch, const Shape& shift,
                             const Shape& patch_step, const Shape& shift_step, const Shape& padding) {
  return by_type(x1, [&](auto zero) -> py::tuple {
    using T = decltype(zero);
    const CorrelationShape s = correlation_shape(x1, x2, patch, shift, patch_step, shift_step, padding);
    const py::array first = in_c_order<T>(x1), second = in_c_order<T>(x2), given = in_c_order<T>(dy);
    if (need.size() != 2 || given.size() != s.batch * s.out[0] * s.out[1] * s.shifts[0] * s.shifts[1])
      throw py::value_error("a gradient has another shape than the result");
    std::array<T*, 2> to;
    const py::tuple result = py::make_tuple(wanted(need[0], x1, to[0]), wanted(need[1], x2, to[1]));
    const T *a = data<T>(first), *b = data<T>(second), *seed = data<T>(given);
    perform(correlation_work(s, x1), [=] { tables<T>().sampling->correlate_gradient(s, a, b, seed, to[0], to[1]); });
    return result;
  });
}

}  // namespace

void bind_windows(py::module_& m) {
  m.def("separable", separable);
  m.def("separable_gradient", separable_gradient);
  m.def("correlate", correlate, py::arg("x1"), py::arg("x2"), py::arg("patch"), py::arg("shift"), py::arg("patch_step"),
        py::arg("shift_step"), py::arg("padding"));
  m.def("correlate_gradient", correlate_gradient, py::arg("x1"), py::arg("x2"), py::arg("dy"), py::arg("need"),
        py::arg("patch"), py::arg("shift"), py::arg("patch_step"), py::arg("shift_step"), py::arg("padding"));
}

}  // namespace nnabla
