// Arrays written into others and added to others: what happens to data and gradients between kernels.
#include "bindings/transfer.h"

#include <cstring>

#include "bindings/families.h"
#include "bindings/mapping.h"
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

// The size of elements that are plain numbers, 0 of others.
long item_bytes(const Operand& x) {
  using api = py::detail::npy_api;
  if (x.type > api::NPY_DOUBLE_) return 0;
  return py::reinterpret_borrow<py::array>(x.object).itemsize();
}

// Whether two arrays may have memory in common without being the same elements.
bool overlap(const Operand& x, const Operand& y) {
  if (x.data == y.data && std::equal(x.strides, x.strides + x.nd, y.strides)) return false;
  const auto ends = [](const Operand& a) {
    const char *low = a.data, *high = a.data + item_bytes(a);
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

template <class I>
void move(const Pair& pair) {
  perform(pair.count, [=] {
    pair.rows([](long n, char* to, long to_step, const char* from, long from_step) {
      if (to_step == sizeof(I) && from_step == sizeof(I)) {
        std::memcpy(to, from, n * sizeof(I));
      } else {
        for (long i = 0; i < n; i++)
          *reinterpret_cast<I*>(to + i * to_step) = *reinterpret_cast<const I*>(from + i * from_step);
      }
    });
  });
}

// Write a source into a target of the same shape. False, and nothing done, where NumPy has to do it.
bool assign(py::handle target, py::handle source) {
  Operand to, from;
  if (!take_as_it_is(to, target.ptr()) || !take_as_it_is(from, source.ptr())) return false;
  if (to.type != from.type || !one_shape(to, from) || !writeable(to) || overlap(to, from)) return false;
  const Pair pair(to, from);
  switch (item_bytes(to)) {
    case 1: move<std::uint8_t>(pair); return true;
    case 4: move<std::uint32_t>(pair); return true;
    case 8: move<std::uint64_t>(pair); return true;
    default: return false;
  }
}

// Add a source to a target in place. False, and nothing done, where NumPy has to do it.
bool add(py::handle target, py::handle source) {
  Operand to, from;
  if (!take_as_it_is(to, target.ptr()) || !take_as_it_is(from, source.ptr())) return false;
  if (to.type != from.type || !one_shape(to, from) || !writeable(to) || overlap(to, from)) return false;
  if (to.type != float_type && to.type != double_type) return false;
  const Pair pair(to, from);
  const long item = item_bytes(to);
  if (pair.nd == 1 && pair.step[0][0] == item && pair.step[1][0] == item) {
    perform_map("Add2", to.type == double_type, pair.count, {to.data, from.data}, to.data);
    return true;
  }
  const auto sum = [&](auto zero) {
    using T = decltype(zero);
    perform(pair.count, [=] {
      pair.rows([](long n, char* to, long to_step, const char* from, long from_step) {
        for (long i = 0; i < n; i++)
          *reinterpret_cast<T*>(to + i * to_step) += *reinterpret_cast<const T*>(from + i * from_step);
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
  m.def("add", add);
}

}  // namespace nnabla
