// Normalization of groups of channels, group by group: what one reads and writes stays in the second cache.
#include <pybind11/stl.h>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "common/threads.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Images (N, C, ...) in C order, whose channels fall into groups.
struct Groups {
  long batch, channels, groups, pixels;
  bool possible;

  Groups(const py::array& x, long groups) : batch(0), channels(0), groups(groups), pixels(1), possible(false) {
    if (x.ndim() < 2 || groups < 1 || x.shape(1) % groups != 0) return;
    batch = x.shape(0), channels = x.shape(1);
    for (int i = 2; i < x.ndim(); i++) pixels *= x.shape(i);
    possible = x.size() > 0 && (x.flags() & py::array::c_style);
  }

  long each() const { return channels / groups; }
  long block() const { return each() * pixels; }
  StandardShape whole() const { return {1, 1, 1, block()}; }
  StandardShape by_channel() const { return {1, 1, each(), pixels}; }
  long grain() const { return std::max(1L, 16384 / std::max(block(), 1L)); }
};

// A number for each channel, or for each channel of each image.
template <class T>
struct Parameter {
  const T* numbers = nullptr;  // null where there are none
  bool of_images = false;

  // Those of a group, by its number among all.
  const T* of_group(const Groups& g, long group) const {
    return numbers == nullptr ? nullptr : numbers + (of_images ? group : group % g.groups) * g.each();
  }
};

template <class T>
Parameter<T> parameter(const py::object& given, const Groups& g, std::vector<py::array>& held) {
  if (given.is_none()) return {};
  held.push_back(in_c_order<T>(given.cast<py::array>()));
  const bool of_images = held.back().size() != g.channels;
  if (of_images && held.back().size() != g.batch * g.channels)
    throw py::value_error("scale and offset have a number for each channel");
  return {data<T>(held.back()), of_images};
}

// Mean and inverse deviation of a group, for one and for all of its channels.
template <class T>
struct Statistics {
  std::vector<T> center, inverse;
  T variance;

  explicit Statistics(const Groups& g) : center(g.each()), inverse(g.each()), variance(0) {}

  // The standardized group goes to y.
  void find(const Groups& g, const T* x, T eps, T* y) {
    Standardization<T> s{};
    s.shape = g.whole();
    s.x = x;
    s.eps = eps;
    s.center = center.data(), s.inverse = inverse.data(), s.variance = &variance;
    s.y = y;
    tables<T>().normalization->forward(s);
    std::fill(center.begin(), center.end(), center[0]);
    std::fill(inverse.begin(), inverse.end(), inverse[0]);
  }
};

// None where NumPy has to do it.
py::object group_normalization(const py::array& x, const py::object& beta, const py::object& gamma, long groups,
                               double eps) {
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const Groups g(x, groups);
    if (!g.possible) return py::none();
    std::vector<py::array> held;
    const Parameter<T> scale = parameter<T>(gamma, g, held), offset = parameter<T>(beta, g, held);
    py::array y = fresh_like(x);
    const T* from = data<T>(x);
    T* to = mutable_data<T>(y);
    perform(x.size(), [=] {
      parallel_for(g.batch * groups, g.grain(), [&](long begin, long end) {
        Statistics<T> found(g);
        for (long b = begin; b < end; b++) {
          const long start = b * g.block();
          found.find(g, from + start, static_cast<T>(eps), to + start);
          if (scale.numbers == nullptr && offset.numbers == nullptr) continue;
          Standardization<T> s{};
          s.shape = g.by_channel();
          s.x = from + start, s.y = to + start;
          s.gamma = scale.of_group(g, b);
          s.beta = offset.of_group(g, b);
          s.fixed = true;
          s.center = found.center.data(), s.inverse = found.inverse.data();
          tables<T>().normalization->forward(s);
        }
      });
    });
    return std::move(y);
  });
}

// The gradients by x, offset and scale (the latter two (N, C), to be summed over the batch; None where not wanted),
// or None where NumPy has to do it.
py::object group_normalization_gradient(const py::array& x, const py::object& gamma, const py::array& given,
                                        long groups, double eps, const std::vector<bool>& need) {
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const Groups g(x, groups);
    if (!g.possible || need.size() != 3) return py::none();
    const py::array dy = in_c_order<T>(given);
    if (dy.size() != x.size()) throw py::value_error("a gradient has another shape than the result");
    std::vector<py::array> held;
    const Parameter<T> scale = parameter<T>(gamma, g, held);
    py::object results[3] = {py::none(), py::none(), py::none()};
    std::array<T*, 3> to = {};
    for (int i = 0; i < 3; i++) {
      if (!need[i]) continue;
      py::array made = i == 0 ? fresh_like(x) : fresh<T>({g.batch, g.channels});
      to[i] = mutable_data<T>(made);
      results[i] = std::move(made);
    }
    const T *from = data<T>(x), *seed = data<T>(dy);
    perform(x.size(), [=] {
      parallel_for(g.batch * groups, g.grain(), [&](long begin, long end) {
        Statistics<T> found(g);
        Scratch<T> memory(g.block());
        for (long b = begin; b < end; b++) {
          const long start = b * g.block(), row = b * g.each();
          found.find(g, from + start, static_cast<T>(eps), memory);
          StandardizationGradient<T> s{};
          s.x = from + start, s.dy = seed + start;
          s.center = found.center.data(), s.inverse = found.inverse.data();
          if (to[1] != nullptr || to[2] != nullptr) {
            s.shape = g.by_channel();
            s.fixed = true;
            s.dbeta = to[1] == nullptr ? nullptr : to[1] + row;
            s.dgamma = to[2] == nullptr ? nullptr : to[2] + row;
            tables<T>().normalization->backward(s);
          }
          if (to[0] == nullptr) continue;
          if (const T* factor = scale.of_group(g, b)) {
            T* scaled = memory;
            for (long c = 0; c < g.each(); c++)
              for (long i = 0; i < g.pixels; i++) scaled[c * g.pixels + i] = s.dy[c * g.pixels + i] * factor[c];
            s.dy = scaled;
          }
          s.shape = g.whole();
          s.fixed = false;
          s.dbeta = s.dgamma = nullptr;
          s.dx = to[0] + start;
          tables<T>().normalization->backward(s);
        }
      });
    });
    return py::make_tuple(results[0], results[1], results[2]);
  });
}

}  // namespace

void bind_group_normalization(py::module_& m) {
  m.def("group_normalization", group_normalization);
  m.def("group_normalization_gradient", group_normalization_gradient);
}

}  // namespace nnabla
