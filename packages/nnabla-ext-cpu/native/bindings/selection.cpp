#include "kernels/tables/selection.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cstring>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Not as a parameter: that would make an empty array first, by NumPy, and what does so is not recorded.
typedef py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> Index;

constexpr long most_elements_of_a_row = 1L << 31;

// Bytes.
constexpr long zeroed_together = 65536;

bool in_c_order(const py::array& x) {
  return (x.flags() & py::array::c_style) && (holds<float>(x) || holds<double>(x));
}

// The elements along the last axis in order and where they were; None where NumPy is to sort.
py::object sorted(const py::array& x, bool descending) {
  if (!in_c_order(x) || x.ndim() == 0 || x.size() == 0) return py::none();
  const long n = x.shape(x.ndim() - 1);
  if (n >= most_elements_of_a_row) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<T>(shape_of(x)), index = fresh<std::int64_t>(shape_of(x));
    T* to = mutable_data<T>(y);
    std::int64_t* at = mutable_data<std::int64_t>(index);
    const T* from = data<T>(x);
    const long rows = x.size() / n;
    perform(x.size(), [=] { tables<T>().selection->sort(rows, n, descending, from, at, to); });
    return py::make_tuple(std::move(y), std::move(index));
  });
}

// The k first elements of each row of a matrix in order, and where they were; None where NumPy is to seek them.
py::object first_sorted(const py::array& x, py::ssize_t k, bool descending, bool of_sizes) {
  if (!in_c_order(x) || x.ndim() != 2 || x.size() == 0) return py::none();
  const long rows = x.shape(0), n = x.shape(1);
  if (k < 1 || k > n) throw py::value_error("first_sorted: k must be from 1 to the elements of a row");
  if (n >= most_elements_of_a_row) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<T>({rows, k}), index = fresh<std::int64_t>({rows, k});
    T* to = mutable_data<T>(y);
    std::int64_t* at = mutable_data<std::int64_t>(index);
    const T* from = data<T>(x);
    perform(x.size(), [=] { tables<T>().selection->first(rows, n, k, descending, of_sizes, from, at, to); });
    return py::make_tuple(std::move(y), std::move(index));
  });
}

// The largest or smallest element of each row of a matrix, and where it is: (rows, 1) each; None as above.
py::object extreme(const py::array& x, bool smallest) {
  if (!in_c_order(x) || x.ndim() != 2 || x.size() == 0) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const long rows = x.shape(0), n = x.shape(1);
    py::array y = fresh<T>({rows, 1}), index = fresh<std::int64_t>({rows, 1});
    T* to = mutable_data<T>(y);
    std::int64_t* at = mutable_data<std::int64_t>(index);
    const T* from = data<T>(x);
    perform(x.size(), [=] { tables<T>().selection->extreme(rows, n, smallest, from, at, to); });
    return py::make_tuple(std::move(y), std::move(index));
  });
}

// x with 0 in place of what is smaller than the element at `at` in the order of sizes; None where NumPy is to do it.
py::object pruned(const py::array& x, py::ssize_t at) {
  if (!in_c_order(x) || x.size() >= most_elements_of_a_row) return py::none();
  if (at < 0 || at >= x.size()) throw py::value_error("pruned: there is no such element");
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<T>(shape_of(x));
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    const long n = x.size();
    perform(n, [=] { tables<T>().selection->prune(n, at, from, to); });
    return std::move(y);
  });
}

// Coordinates of the elements that are not 0; None where NumPy is to find them.
py::object nonzero(const py::array& x) {
  if (!in_c_order(x) || x.ndim() == 0) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const T* from = data<T>(x);
    const int nd = static_cast<int>(x.ndim());
    const std::vector<long> shape(x.shape(), x.shape() + nd);
    const long n = x.size();
    long found;
    {
      MaybeRelease released(n);
      found = tables<T>().selection->count(n, from);
    }
    py::array y = fresh<std::int64_t>({nd, found});
    std::int64_t* to = mutable_data<std::int64_t>(y);
    MaybeRelease released(n);
    if (found > 0) tables<T>().selection->nonzero(nd, shape.data(), found, from, to);
    return std::move(y);
  });
}

bool is_mask(const py::array& mask) { return holds<bool>(mask) && (mask.flags() & py::array::c_style); }

long set_in(const py::array& mask) {
  return tables<float>().selection->set_in(mask.size(), static_cast<const std::uint8_t*>(mask.data()));
}

// Rows of two elements of 4 bytes are moved as one of 8.
template <class T>
bool pairs(long width, const T* x, const T* y) {
  return sizeof(T) == 4 && width == 2 && reinterpret_cast<std::uintptr_t>(x) % 8 == 0 &&
         reinterpret_cast<std::uintptr_t>(y) % 8 == 0;
}
template <class T>
const double* as_pairs(const T* x) {
  return reinterpret_cast<const double*>(x);
}
template <class T>
double* as_pairs(T* x) {
  return reinterpret_cast<double*>(x);
}

// The rows of x where a mask over its first dimensions is set; None where NumPy is to take them.
py::object compressed(const py::array& x, const py::array& mask) {
  if (!in_c_order(x) || !is_mask(mask) || mask.ndim() > x.ndim()) return py::none();
  for (int i = 0; i < mask.ndim(); i++)
    if (mask.shape(i) != x.shape(i)) throw py::value_error("compressed: the mask does not fit");
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    std::vector<py::ssize_t> shape{set_in(mask)};
    long width = 1;
    for (int i = static_cast<int>(mask.ndim()); i < x.ndim(); i++) {
      shape.push_back(x.shape(i));
      width *= x.shape(i);
    }
    py::array y = fresh<T>(shape);
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    const std::uint8_t* m = static_cast<const std::uint8_t*>(mask.data());
    const long rows = mask.size();
    MaybeRelease released(x.size());
    if (pairs<T>(width, from, to))
      tables<double>().selection->compress(rows, 1, m, as_pairs(from), as_pairs(to));
    else
      tables<T>().selection->compress(rows, width, m, from, to);
    return std::move(y);
  });
}

// The inverse: the rows of x where the mask is set, elsewhere those of `base`, or 0. None where the reference is to do
// it, or is to say that x and mask do not fit.
py::object expanded(const py::array& x, const py::array& mask, const py::object& given) {
  if (!in_c_order(x) || x.ndim() == 0 || !is_mask(mask) || set_in(mask) != x.shape(0)) return py::none();
  std::vector<py::ssize_t> shape = shape_of(mask);
  long width = 1;
  for (int i = 1; i < x.ndim(); i++) {
    shape.push_back(x.shape(i));
    width *= x.shape(i);
  }
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const T* base = nullptr;
    if (!given.is_none()) {
      const py::array other = py::cast<py::array>(given);
      if (!holds<T>(other) || !(other.flags() & py::array::c_style) || shape_of(other) != shape) return py::none();
      base = data<T>(other);
    }
    py::array y = fresh<T>(shape);
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    const std::uint8_t* m = static_cast<const std::uint8_t*>(mask.data());
    const long rows = mask.size(), total = y.size();
    MaybeRelease released(total);
    if (total == 0) return std::move(y);
    if (pairs<T>(width, from, to) && reinterpret_cast<std::uintptr_t>(base) % 8 == 0)
      tables<double>().selection->expand(rows, 1, m, as_pairs(from), as_pairs(base), as_pairs(to));
    else
      tables<T>().selection->expand(rows, width, m, from, base, to);
    return std::move(y);
  });
}

// Rows of `size` zeros but for what is put at an index of the row's own.
py::array put_rows_along(const py::array& given, const py::array& index_, py::ssize_t size) {
  const Index index(index_);
  return by_type(given, [&](auto zero) {
    using T = decltype(zero);
    const py::array x = py::array::ensure(given, py::array::c_style);
    if (x.ndim() != 2 || shape_of(index) != shape_of(x))
      throw py::value_error("index and values must be alike matrices");
    const long rows = x.shape(0), k = x.shape(1);
    py::array y = fresh<T>({rows, size});
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    const std::int64_t* at = index.data();
    for (long i = 0; i < rows * k; i++)
      if (at[i] < 0 || at[i] >= size) throw py::index_error("an index is outside of the row");
    perform(rows * size, [=] {
      // Short rows get their zeros together, and what is put there while it is in the cache.
      const long some = std::max<long>(1, zeroed_together / std::max<long>(1, size * sizeof(T)));
      for (long r = 0; r < rows; r++) {
        if (r % some == 0) std::memset(to + r * size, 0, std::min(some, rows - r) * size * sizeof(T));
        for (long i = 0; i < k; i++) {
          const std::int64_t place = at[r * k + i];
          if (place >= 0 && place < size) to[r * size + place] = from[r * k + i];
        }
      }
    });
    return y;
  });
}

void need_labels(const py::array& x, const Index& label) {
  if (x.ndim() != 2 || label.size() != x.shape(0))
    throw py::value_error("a matrix and a label for each row are expected");
}

// Whether the label is among the n highest scores of each row of a matrix; None where the reference is to tell.
py::object top_n_error(const py::array& x, const py::array& label_, long n) {
  const Index label(label_);
  need_labels(x, label);
  if (!in_c_order(x)) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<T>({x.shape(0)});
    T* to = mutable_data<T>(y);
    const T* from = data<T>(x);
    const std::int64_t* labels = label.data();
    const long rows = x.shape(0), classes = x.shape(1);
    perform(x.size(), [=] { tables<T>().selection->top_n_error(rows, classes, n, from, labels, to); });
    return std::move(y);
  });
}

// Rows by label and by the class of the highest score; None as above.
py::object confusion(const py::array& x, const py::array& label_) {
  const Index label(label_);
  need_labels(x, label);
  if (!in_c_order(x) || x.shape(1) == 0) return py::none();
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array y = fresh<std::int32_t>({x.shape(1), x.shape(1)});
    std::int32_t* to = mutable_data<std::int32_t>(y);
    const T* from = data<T>(x);
    const std::int64_t* labels = label.data();
    const long rows = x.shape(0), classes = x.shape(1);
    perform(x.size(), [=] { tables<T>().selection->confusion(rows, classes, from, labels, to); });
    return std::move(y);
  });
}

}  // namespace

void bind_selection(py::module_& m) {
  m.def("sorted", sorted);
  m.def("first_sorted", first_sorted);
  m.def("extreme", extreme);
  m.def("pruned", pruned);
  m.def("nonzero", nonzero);
  m.def("compressed", compressed);
  m.def("expanded", expanded);
  m.def("put_rows_along", put_rows_along);
  m.def("top_n_error", top_n_error);
  m.def("confusion", confusion);
}

}  // namespace nnabla
