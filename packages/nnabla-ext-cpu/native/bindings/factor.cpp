#include "kernels/tables/factor.h"

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Larger matrices are for LAPACK, whose kernels work in blocks.
constexpr long most_rows = 192;

struct Matrices {
  bool fit;
  long count = 1, n = 0;

  explicit Matrices(const py::array& x) : fit(holds<float>(x) || holds<double>(x)) {
    const int nd = static_cast<int>(x.ndim());
    if (nd < 2 || x.shape(nd - 1) != x.shape(nd - 2)) throw py::value_error("square matrices are expected");
    n = x.shape(nd - 1);
    for (int i = 0; i < nd - 2; i++) count *= x.shape(i);
    fit = fit && n > 0 && n <= most_rows && count > 0 && (x.flags() & py::array::c_style);
  }
  long work() const { return count * n * n; }
};

// Determinants, or the logarithms of their sizes; None where NumPy is to compute them.
py::object batch_determinant(const py::array& x, bool of_logarithm) {
  const Matrices matrices(x);
  if (!matrices.fit) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    std::vector<py::ssize_t> shape = shape_of(x);
    shape.resize(shape.size() - 2);
    py::array sign = fresh<T>(shape), logarithm = fresh<T>(shape), value = fresh<T>(shape);
    T *signs = mutable_data<T>(sign), *logarithms = mutable_data<T>(logarithm), *values = mutable_data<T>(value);
    const T* from = data<T>(x);
    {
      MaybeRelease released(matrices.work());
      tables<T>().factor->determinant(matrices.count, matrices.n, from, signs, logarithms, values);
    }
    return of_logarithm ? std::move(logarithm) : std::move(value);
  });
}

// Inverses; None where NumPy is to compute them, or is to say that there is none.
py::object batch_inverse(const py::array& x) {
  const Matrices matrices(x);
  if (!matrices.fit) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<T>(shape_of(x));
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    bool found;
    {
      MaybeRelease released(matrices.work());
      found = tables<T>().factor->inverse(matrices.count, matrices.n, from, to);
    }
    return found ? py::object(std::move(y)) : py::none();
  });
}

// Triangular factors; None as above.
py::object batch_cholesky(const py::array& x, bool upper) {
  const Matrices matrices(x);
  if (!matrices.fit) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<T>(shape_of(x));
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    bool found;
    {
      MaybeRelease released(matrices.work());
      found = tables<T>().factor->cholesky(matrices.count, matrices.n, upper, from, to);
    }
    return found ? py::object(std::move(y)) : py::none();
  });
}

}  // namespace

void bind_factor(py::module_& m) {
  m.def("batch_determinant", batch_determinant);
  m.def("batch_inverse", batch_inverse);
  m.def("batch_cholesky", batch_cholesky);
}

}  // namespace nnabla
