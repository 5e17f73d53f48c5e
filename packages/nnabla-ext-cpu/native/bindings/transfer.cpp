// Arrays copied, converted, filled and added to: what happens to gradients and data between kernels.
#include "bindings/transfer.h"

#include <cstring>

#include "bindings/families.h"
#include "bindings/operands.h"
#include "common/threads.h"

namespace nnabla {
namespace {

// Elements that one thread moves.
constexpr long grain = 32768;

// Two arrays of one shape, walked together in the memory order of the first; strides in bytes.
struct Pair {
  int nd = 0;
  long count = 1;
  long shape[most_dimensions];
  long step[2][most_dimensions];
  char* data[2];

  Pair(const Operand& first, const Operand& second) : data{first.data, second.data} {
    int order[most_dimensions];
    lying_order(first.nd, first.shape, first.strides, order);
    for (int i = 0; i < first.nd; i++) {
      const int axis = order[i];
      const long n = first.shape[axis], a = first.strides[axis], b = second.strides[axis];
      count *= n;
      if (n == 1) continue;
      if (nd > 0 && step[0][nd - 1] == a * n && step[1][nd - 1] == b * n) {
        shape[nd - 1] *= n;
      } else {
        shape[nd++] = n;
      }
      step[0][nd - 1] = a;
      step[1][nd - 1] = b;
    }
    if (nd == 0) {
      shape[nd] = 1;
      step[0][nd] = step[1][nd] = 0;
      nd++;
    }
  }

  // Call f(n, first, step, second, step) for stretches that make up all elements, on several threads.
  template <class F>
  void rows(F f) const {
    const int last = nd - 1;
    parallel_for(count, grain, [&](long begin, long end) {
      long index[most_dimensions];
      char* at[2] = {data[0], data[1]};
      long rest = begin;
      for (int d = last; d >= 0; d--) {
        index[d] = rest % shape[d];
        rest /= shape[d];
        for (int i = 0; i < 2; i++) at[i] += index[d] * step[i][d];
      }
      while (begin < end) {
        const long n = std::min(end - begin, shape[last] - index[last]);
        f(n, at[0], step[0][last], at[1], step[1][last]);
        begin += n;
        index[last] += n;
        for (int i = 0; i < 2; i++) at[i] += n * step[i][last];
        for (int d = last; d > 0 && index[d] == shape[d]; d--) {
          index[d] = 0;
          index[d - 1]++;
          for (int i = 0; i < 2; i++) at[i] += step[i][d - 1] - shape[d] * step[i][d];
        }
      }
    });
  }
};

bool one_shape(const Operand& x, const Operand& y) {
  return x.nd == y.nd && x.nd <= most_dimensions && std::equal(x.shape, x.shape + x.nd, y.shape);
}

// Whether two arrays may have memory in common without being the same elements.
bool overlap(const Operand& x, const Operand& y) {
  if (x.data == y.data && std::equal(x.strides, x.strides + x.nd, y.strides)) return false;
  const auto ends = [](const Operand& a) {
    const char *low = a.data, *high = a.data + item_size(a.type);
    for (int i = 0; i < a.nd; i++) (a.strides[i] < 0 ? low : high) += (a.shape[i] - 1) * a.strides[i];
    return std::pair(low, high);
  };
  const auto [a, b] = ends(x);
  const auto [c, d] = ends(y);
  return x.size() != 0 && a < d && c < b;
}

bool writeable(const Operand& x) {
  return (py::detail::array_proxy(x.object)->flags & py::detail::npy_api::NPY_ARRAY_WRITEABLE_) != 0;
}

// An array as it lies, if it is one that needs no change before it is read.
bool take_as_it_is(Operand& x, PyObject* given) {
  x.take(given);
  return x.object == given;
}

template <class To, class From>
void convert(const Pair& pair) {
  perform(pair.count, [=] {
    pair.rows([](long n, char* to, long to_step, const char* from, long from_step) {
      if constexpr (std::is_same_v<To, From>) {
        if (to_step == sizeof(To) && from_step == sizeof(To)) {
          std::memcpy(to, from, n * sizeof(To));
          return;
        }
      }
      if (to_step == sizeof(To) && from_step == sizeof(From)) {
        for (long i = 0; i < n; i++)
          reinterpret_cast<To*>(to)[i] = static_cast<To>(reinterpret_cast<const From*>(from)[i]);
      } else {
        for (long i = 0; i < n; i++)
          *reinterpret_cast<To*>(to + i * to_step) =
              static_cast<To>(*reinterpret_cast<const From*>(from + i * from_step));
      }
    });
  });
}

// Call f with a zero of the C++ type of a NumPy type number; false if it is none of those that are converted here.
template <class F>
bool by_number(int type, F&& f) {
  using api = py::detail::npy_api;
  switch (type) {
    case api::NPY_BOOL_:
      return f(bool{});
    case api::NPY_UBYTE_:
      return f(std::uint8_t{});
    case api::NPY_INT_:
      return f(int{});
    case api::NPY_UINT_:
      return f(0u);
    case api::NPY_LONG_:
      return f(0l);
    case api::NPY_ULONG_:
      return f(0ul);
    case api::NPY_FLOAT_:
      return f(float{});
    case api::NPY_DOUBLE_:
      return f(double{});
    default:
      return false;
  }
}

bool convert(const Operand& to, const Operand& from) {
  const Pair pair(to, from);
  return by_number(to.type, [&](auto a) {
    return by_number(from.type, [&](auto b) {
      convert<decltype(a), decltype(b)>(pair);
      return true;
    });
  });
}

// Write a source into a target of the same shape. False, and nothing done, where NumPy has to do it.
bool assign(py::handle target, py::handle source) {
  Operand to, from;
  if (!take_as_it_is(to, target.ptr()) || !take_as_it_is(from, source.ptr())) return false;
  if (!one_shape(to, from) || !writeable(to) || overlap(to, from)) return false;
  return convert(to, from);
}

// A fresh array of the values in another dtype (None: the same), in the order of axes in memory (`keep`) or C order.
py::object converted(const py::array& source, const py::object& dtype, bool keep) {
  Operand from;
  if (!take_as_it_is(from, source.ptr())) return py::none();
  const py::dtype to_type = dtype.is_none() ? source.dtype() : dtype.cast<py::dtype>();
  if (from.nd > most_dimensions || !by_number(to_type.num(), [](auto) { return true; }) ||
      !by_number(from.type, [](auto) { return true; }))
    return py::none();
  std::vector<py::ssize_t> strides;
  if (keep && !from.c_order) {
    int order[most_dimensions];
    lying_order(from.nd, from.shape, from.strides, order);
    strides.resize(from.nd);
    py::ssize_t step = to_type.itemsize();
    for (int i = from.nd - 1; i >= 0; i--) {
      strides[order[i]] = step;
      step *= std::max<py::ssize_t>(from.shape[order[i]], 1);
    }
  }
  py::array made = fresh(to_type, shape_of(source), std::move(strides));
  if (made.size() == 0) return made;
  Operand to(made.ptr());
  convert(to, from);
  return made;
}

// Add a source to a target in place. False, and nothing done, where NumPy has to do it.
bool add(py::handle target, py::handle source) {
  Operand to, from;
  if (!take_as_it_is(to, target.ptr()) || !take_as_it_is(from, source.ptr())) return false;
  if (to.type != from.type || !one_shape(to, from) || !writeable(to) || overlap(to, from)) return false;
  if (to.type != float_type && to.type != double_type) return false;
  const Pair pair(to, from);
  const auto sum = [&](auto zero) {
    using T = decltype(zero);
    perform(pair.count, [=] {
      pair.rows([](long n, char* to, long to_step, const char* from, long from_step) {
        if (to_step == sizeof(T) && from_step == sizeof(T)) {
          T* a = reinterpret_cast<T*>(to);
          const T* b = reinterpret_cast<const T*>(from);
          for (long i = 0; i < n; i++) a[i] += b[i];
        } else {
          for (long i = 0; i < n; i++)
            *reinterpret_cast<T*>(to + i * to_step) += *reinterpret_cast<const T*>(from + i * from_step);
        }
      });
    });
  };
  if (to.type == float_type)
    sum(float{});
  else
    sum(double{});
  return true;
}

}  // namespace

void copy_elements(const py::array& target, const py::array& source) {
  if (assign(target, source)) return;
  miss();
  py::module_::import("numpy").attr("copyto")(target, source);
}

void bind_transfer(py::module_& m) {
  m.def("assign", assign);
  m.def("converted", converted);
  m.def("add", add);
}

}  // namespace nnabla
