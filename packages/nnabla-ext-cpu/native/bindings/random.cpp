#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/draw.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Integers below `span` in one dimension; with a span of 2^32 the words of the generator.
py::array random_integers(py::ssize_t count, std::uint64_t span, const State& state, std::uint32_t lane) {
  if (count < 0 || span < 1 || span > std::uint64_t{1} << 32)
    throw py::value_error("random_integers: count must be 0 or more, and span 1 to 2 ** 32");
  py::array y = fresh<std::uint32_t>({count});
  std::uint32_t* to = mutable_data<std::uint32_t>(y);
  const Draw draw(state, lane);
  perform(count, [=] { tables<float>().random->integers(draw(), count, span, to); });
  return y;
}

template <class T>
py::array normal_of(std::vector<py::ssize_t> shape, const Draw& draw) {
  py::array y = fresh<T>(std::move(shape));
  T* to = mutable_data<T>(y);
  const long count = y.size();
  perform(count, [=] { tables<T>().random->normal(draw(), count, to); });
  return y;
}

py::array random_normal(std::vector<py::ssize_t> shape, bool twice, const State& state, std::uint32_t lane) {
  if (twice) return normal_of<double>(std::move(shape), Draw(state, lane));
  return normal_of<float>(std::move(shape), Draw(state, lane));
}

template <class T>
py::array log_gamma_of(std::vector<py::ssize_t> shape, double k, const Draw& draw) {
  py::array y = fresh<T>(std::move(shape));
  T* to = mutable_data<T>(y);
  const long count = y.size();
  perform(count, [=] { tables<T>().random->log_gamma(draw(), k, count, to); });
  return y;
}

py::array random_log_gamma(std::vector<py::ssize_t> shape, double k, bool twice, const State& state,
                           std::uint32_t lane) {
  if (!(k > 0)) throw py::value_error("random_log_gamma: k must be above 0");
  if (twice) return log_gamma_of<double>(std::move(shape), k, Draw(state, lane));
  return log_gamma_of<float>(std::move(shape), k, Draw(state, lane));
}

template <class T>
py::array uniform(std::vector<py::ssize_t> shape, const Draw& draw) {
  py::array y = fresh<T>(std::move(shape));
  T* to = mutable_data<T>(y);
  const long count = y.size();
  perform(count, [=] { tables<T>().random->uniform(draw(), count, to); });
  return y;
}

py::array random_uniform(std::vector<py::ssize_t> shape, const py::dtype& dtype, const State& state,
                         std::uint32_t lane) {
  if (dtype.num() == py::dtype::num_of<float>()) return uniform<float>(std::move(shape), Draw(state, lane));
  if (dtype.num() == py::dtype::num_of<double>()) return uniform<double>(std::move(shape), Draw(state, lane));
  throw py::type_error("random_uniform: the dtype must be float32 or float64");
}

void check_order(const py::array& x) {
  if (!(x.flags() & py::array::c_style)) throw py::value_error("dropout: arrays must be in C order");
}

// y and the mask, which draws element by element in C order.
py::tuple dropout(const py::array& x, std::uint32_t least, double scale, const State& state, std::uint32_t lane) {
  check_order(x);
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    py::array y = fresh<T>(shape_of(x)), mask = fresh<bool>(shape_of(x));
    T* to = mutable_data<T>(y);
    bool* kept = mutable_data<bool>(mask);
    const T* from = data<T>(x);
    const long count = x.size();
    const Draw draw(state, lane);
    perform(count, [=] { tables<T>().random->dropout(draw(), count, least, static_cast<T>(scale), from, to, kept); });
    return py::make_tuple(y, mask);
  });
}

py::array dropout_backward(const py::array& dy, const py::array& mask, double scale) {
  check_order(dy);
  check_order(mask);
  if (!holds<bool>(mask) || mask.size() != dy.size()) throw py::value_error("dropout: the mask does not fit");
  return by_type(dy, [&](auto zero) {
    using T = decltype(zero);
    py::array dx = fresh<T>(shape_of(dy));
    T* to = mutable_data<T>(dx);
    const T* from = data<T>(dy);
    const bool* kept = data<bool>(mask);
    const long count = dy.size();
    perform(count, [=] { tables<T>().random->dropout_backward(count, static_cast<T>(scale), from, kept, to); });
    return dx;
  });
}

}  // namespace

void bind_random(py::module_& m) {
  m.def("random_integers", random_integers);
  m.def("random_uniform", random_uniform);
  m.def("random_normal", random_normal);
  m.def("random_log_gamma", random_log_gamma);
  m.def("dropout", dropout);
  m.def("dropout_backward", dropout_backward);
}

}  // namespace nnabla
