#include <pybind11/stl.h>

#include <array>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "bindings/transfer.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

typedef std::vector<py::ssize_t> Shape;

// Which axes have a statistic for each index.
std::vector<bool> chosen(const py::array& x, const std::vector<int>& axes, bool kept) {
  std::vector<bool> found(x.ndim(), !kept);
  for (int axis : axes) {
    const int at = axis < 0 ? axis + static_cast<int>(x.ndim()) : axis;
    if (at < 0 || at >= x.ndim()) throw py::value_error("axis " + std::to_string(axis) + " is not one of the input's");
    found[at] = kept;
  }
  return found;
}

Shape shape_along(const py::array& x, const std::vector<bool>& axes, bool kept) {
  Shape shape(x.ndim(), 1);
  for (int i = 0; i < x.ndim(); i++)
    if (axes[i] == kept) shape[i] = x.shape(i);
  return shape;
}

// Join axes that lie together; false if more than four are left, or the statistics would not come in C order.
bool join(const py::array& x, const std::vector<bool>& kept, StandardShape* joined) {
  std::array<long, 4> sizes = {1, 1, 1, 1};
  const std::vector<int> order = memory_order(x);
  int at = 4, last = static_cast<int>(x.ndim());
  for (int i = static_cast<int>(x.ndim()) - 1; i >= 0; i--) {
    const int axis = order[i];
    if (x.shape(axis) == 1) continue;
    if (kept[axis]) {
      if (axis > last) return false;
      last = axis;
    }
    const int parity = kept[axis] ? 0 : 1;
    if (at == 4) at = 3;
    if (at % 2 != parity) at--;
    if (at < 0) return false;
    sizes[at] *= x.shape(axis);
  }
  *joined = {sizes[0], sizes[1], sizes[2], sizes[3]};
  return true;
}

bool has_shape(const py::array& x, const Shape& shape) {
  return x.ndim() == static_cast<py::ssize_t>(shape.size()) && std::equal(shape.begin(), shape.end(), x.shape());
}

// The input and how it is gone through; a copy in C order where it lies otherwise than kernels can read.
struct Plan {
  py::array x;
  std::vector<bool> kept;
  StandardShape shape;
  Shape of_statistics, of_samples;
  bool along = false;
  bool possible = true;

  Plan(const py::array& input, const std::vector<int>& axes, bool axes_are_kept)
      : x(input), kept(chosen(input, axes, axes_are_kept)) {
    of_statistics = shape_along(x, kept, true);
    of_samples = shape_along(x, kept, false);
    if (x.size() == 0) {
      possible = false;
      return;
    }
    if (!is_dense(x) || !join(x, kept, &shape)) to_c_order();
  }

  void to_c_order() {
    x = py::array::ensure(x, py::array::c_style);
    if (!x) throw py::error_already_set();
    possible = possible && join(x, kept, &shape);
  }

  // Find out along which axes scale and offset vary; both must do so alike.
  template <class T>
  void take(const py::object& gamma, const py::object& beta) {
    for (const py::object& given : {gamma, beta}) {
      if (given.is_none() || !possible) continue;
      const py::array p = given.cast<py::array>();
      const bool by_statistic = has_shape(p, of_statistics);
      if (!holds<T>(p) || (!by_statistic && !has_shape(p, of_samples))) {
        possible = false;
      } else if (!by_statistic) {
        along = true;
      }
    }
    if (!gamma.is_none() && !beta.is_none() && possible &&
        has_shape(gamma.cast<py::array>(), of_statistics) != has_shape(beta.cast<py::array>(), of_statistics))
      possible = false;
    if (!along || !possible) return;
    if (!(x.flags() & py::array::c_style)) to_c_order();
    possible = possible && shape.k0 == 1 && shape.r0 == 1;
  }
};

// Arrays that live as long as a call, and their elements in C order.
class Held {
 public:
  template <class T>
  const T* read(const py::object& given, const Shape& shape, const char* name) {
    if (given.is_none()) return nullptr;
    py::array x = given.cast<py::array>();
    if (!holds<T>(x) || !has_shape(x, shape))
      throw py::value_error(std::string(name) + " is of another shape or dtype than it must be");
    return data<T>(keep(py::array::ensure(x, py::array::c_style)));
  }
  // In the memory order of another array.
  template <class T>
  const T* read_like(const py::object& given, const py::array& like, const char* name) {
    if (given.is_none()) return nullptr;
    py::array x = given.cast<py::array>();
    if (!holds<T>(x) || !has_shape(x, shape_of(like)))
      throw py::value_error(std::string(name) + " is of another shape or dtype than it must be");
    if (same_layout(x, like)) return data<T>(keep(x));
    py::array copy = fresh_like(like);
    copy_elements(copy, x);
    return data<T>(keep(copy));
  }

 private:
  std::vector<py::array> arrays_;

  const py::array& keep(py::array x) {
    if (!x) throw py::error_already_set();
    arrays_.push_back(std::move(x));
    return arrays_.back();
  }
};

template <class T>
py::array inverse_deviation(const T* variance, const Shape& shape, long count, double eps) {
  py::array inverse = fresh<T>(shape);
  T* to = mutable_data<T>(inverse);
  const T added = static_cast<T>(eps);
  perform(count, [=] {
    for (long i = 0; i < count; i++) to[i] = static_cast<T>(1 / std::sqrt(static_cast<double>(variance[i] + added)));
  });
  return inverse;
}

// Where a running statistic comes from and goes to: old * decay + found * weight.
template <class T>
struct Running {
  const T *old = nullptr, *found = nullptr;
  T decay{}, weight{}, *to = nullptr;
};

// Forward of a batch normalization, with running statistics; adding and rectifying behind it can be part of it.
template <class T>
class Standardizing : public Fusible {
 public:
  Standardization<T> s;
  Running<T> mean, variance;

  void run() const override {
    tables<T>().normalization->forward(s);
    for (const Running<T>& r : {mean, variance}) {
      if (r.old == nullptr) continue;
      for (long i = 0; i < s.shape.kept(); i++) r.to[i] = r.old[i] * r.decay + r.found[i] * r.weight;
    }
  }

  const void* result() const override { return s.y; }

  std::shared_ptr<const Fusible> then(const MapWork& map) const override {
    if (s.rectify || s.along) return nullptr;
    const long count = s.shape.size();
    auto next = std::make_shared<Standardizing>(*this);
    next->s.y = reinterpret_cast<T*>(map.out);
    if (map.is("ReLU", count, sizeof(T)) && map.in[0] == result()) {
      next->s.rectify = true;
    } else if (s.z == nullptr && map.is("Add2", count, sizeof(T)) &&
               (map.in[0] == result()) != (map.in[1] == result())) {
      next->s.z = reinterpret_cast<const T*>(map.in[map.in[0] == result() ? 1 : 0]);
    } else {
      return nullptr;
    }
    // What is read where it is replaced is read before; everything else has to lie elsewhere.
    const auto elsewhere = [&](const T* other, long size) {
      return other == next->s.y || apart({map.out, count * sizeof(T)}, {{other, size * sizeof(T)}});
    };
    if (!elsewhere(s.x, count) || !elsewhere(next->s.z, count)) return nullptr;
    for (const T* small : {s.gamma, s.beta, const_cast<const T*>(s.center), const_cast<const T*>(s.variance),
                           const_cast<const T*>(s.inverse), mean.old, variance.old, const_cast<const T*>(mean.to),
                           const_cast<const T*>(variance.to)})
      if (small != nullptr && !apart({map.out, count * sizeof(T)}, {{small, s.shape.kept() * sizeof(T)}}))
        return nullptr;
    return next;
  }
};

// Returns y, updates of the running statistics, center and inverse; y alone with fixed statistics; None where NumPy
// has to do it.
py::object batch_normalization(const py::array& input, const py::object& beta, const py::object& gamma,
                               const py::object& mean, const py::object& variance, const py::object& z,
                               const std::vector<int>& axes, double decay, double eps, bool batch_stat, bool rectify) {
  return by_type(input, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Plan plan(input, axes, true);
    if (!plan.possible) return py::none();
    const Shape& shape = plan.of_statistics;
    const long kept = plan.shape.kept();
    Held held;
    const T *old_mean = held.read<T>(mean, shape, "mean"), *old_variance = held.read<T>(variance, shape, "variance");
    MaybeArray center, inverse, spread;
    py::array y = fresh_like(plan.x);
    const auto work = std::make_shared<Standardizing<T>>();
    Standardization<T>& s = work->s;
    s = {};
    s.shape = plan.shape;
    s.x = data<T>(plan.x);
    s.gamma = held.read<T>(gamma, shape, "gamma");
    s.beta = held.read<T>(beta, shape, "beta");
    s.z = held.read_like<T>(z, plan.x, "z");
    s.rectify = rectify;
    s.fixed = !batch_stat;
    s.eps = static_cast<T>(eps);
    s.y = mutable_data<T>(y);
    if (s.fixed) {
      if (old_mean == nullptr || old_variance == nullptr) throw py::value_error("mean and variance must be given");
      inverse = inverse_deviation<T>(old_variance, shape, kept, eps);
      s.center = const_cast<T*>(old_mean);
    } else {
      center = fresh<T>(shape), inverse = fresh<T>(shape), spread = fresh<T>(shape);
      s.center = mutable_data<T>(*center);
      s.variance = mutable_data<T>(*spread);
    }
    s.inverse = mutable_data<T>(*inverse);
    py::list results;
    results.append(y);
    const double count = static_cast<double>(plan.shape.reduced());
    const auto moving = [&](Running<T>& r, const T* old, const MaybeArray& found, double weight) {
      if (s.fixed || old == nullptr) return;
      py::array moved = fresh<T>(shape);
      r = {old, data<T>(*found), static_cast<T>(decay), static_cast<T>(weight), mutable_data<T>(moved)};
      results.append(moved);
    };
    moving(work->mean, old_mean, center, 1 - decay);
    moving(work->variance, old_variance, spread, (1 - decay) * count / std::max(count - 1, 1.0));
    // Memory of the variance would be that of the next result, which then could not be part of this.
    if (recording != nullptr && spread) recording->held.push_back(*spread);
    perform_fusible(plan.shape.size(), work);
    if (s.fixed) return y;
    results.append(*center);
    results.append(*inverse);
    return results;
  });
}

// Returns y, center and inverse, or None where NumPy has to do it.
py::object layer_normalization(const py::array& input, const py::object& beta, const py::object& gamma,
                               const std::vector<int>& batch_axis, double eps) {
  return by_type(input, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Plan plan(input, batch_axis, true);
    plan.template take<T>(gamma, beta);
    if (!plan.possible) return py::none();
    const Shape& shape = plan.along ? plan.of_samples : plan.of_statistics;
    Held held;
    py::array center = fresh<T>(plan.of_statistics), inverse = fresh<T>(plan.of_statistics);
    py::array spread = fresh<T>(plan.of_statistics), y = fresh_like(plan.x);
    Standardization<T> s{};
    s.shape = plan.shape;
    s.x = data<T>(plan.x);
    s.gamma = held.read<T>(gamma, shape, "gamma");
    s.beta = held.read<T>(beta, shape, "beta");
    s.along = plan.along;
    s.eps = static_cast<T>(eps);
    s.center = mutable_data<T>(center);
    s.variance = mutable_data<T>(spread);
    s.inverse = mutable_data<T>(inverse);
    s.y = mutable_data<T>(y);
    perform(plan.shape.size(), [=] { tables<T>().normalization->forward(s); });
    return py::make_tuple(y, center, inverse);
  });
}

// Backward of a normalization; that of a ReLU behind it can be part of it.
template <class T>
class StandardizingBack : public Fusible {
 public:
  explicit StandardizingBack(const StandardizationGradient<T>& given) : s(given) {}

  void run() const override { tables<T>().normalization->backward(s); }
  const void* result() const override { return nullptr; }
  std::shared_ptr<const Fusible> then(const MapWork&) const override { return nullptr; }

  std::shared_ptr<const Fusible> after(const MapWork& map) const override {
    const long count = s.shape.size();
    if (s.y != nullptr || s.dz != nullptr || s.along || !map.is("ReLU'", count, sizeof(T))) return nullptr;
    if (map.out != reinterpret_cast<const char*>(s.dy)) return nullptr;
    auto next = std::make_shared<StandardizingBack>(s);
    next->s.y = reinterpret_cast<const T*>(map.in[0]);
    next->s.dy = reinterpret_cast<const T*>(map.in[1]);
    const auto elsewhere = [&](const T* to, long size) {
      const std::vector<Memory> read = {{next->s.y, count * sizeof(T)}, {next->s.dy, count * sizeof(T)}};
      return to == nullptr || apart({to, size * sizeof(T)}, read);
    };
    const long kept = s.shape.kept();
    if (!elsewhere(s.dx, count) || !elsewhere(s.dgamma, kept) || !elsewhere(s.dbeta, kept)) return nullptr;
    return next;
  }

 private:
  StandardizationGradient<T> s;
};

// Returns (dx, dgamma, dbeta, dz), None for what is not wanted; or None where NumPy has to do it. `axes` are those of
// the statistics. `want` says which are wanted. With `y`, dy counts where y is above 0.
py::object standardization_gradient(const py::array& input, const py::object& dy, const py::object& center,
                                    const py::object& inverse, const py::object& gamma, const py::object& y,
                                    const std::vector<int>& axes, bool axes_are_kept, bool fixed, double eps,
                                    const std::array<bool, 4>& want, bool beta_along) {
  return by_type(input, [&](auto zero) -> py::object {
    using T = decltype(zero);
    Plan plan(input, axes, axes_are_kept);
    plan.template take<T>(gamma, py::none());
    if (want[2] && plan.possible) {
      // The offset varies as the scale does.
      if (gamma.is_none() && beta_along) plan.template take<T>(fresh<T>(plan.of_samples), py::none());
      if (plan.along != beta_along) return py::none();
    }
    if (!plan.possible || (plan.along && (want[3] || !y.is_none()))) return py::none();
    const Shape& shape = plan.along ? plan.of_samples : plan.of_statistics;
    Held held;
    py::object results[4] = {py::none(), py::none(), py::none(), py::none()};
    const auto result = [&](int at, py::array fresh_one) {
      T* to = mutable_data<T>(fresh_one);
      results[at] = std::move(fresh_one);
      return to;
    };
    StandardizationGradient<T> s{};
    s.shape = plan.shape;
    s.x = data<T>(plan.x);
    s.dy = held.read_like<T>(dy, plan.x, "dy");
    s.y = held.read_like<T>(y, plan.x, "y");
    s.center = held.read<T>(center, plan.of_statistics, "center");
    s.gamma = held.read<T>(gamma, shape, "gamma");
    s.along = plan.along;
    s.fixed = fixed;
    s.inverse = held.read<T>(inverse, plan.of_statistics, fixed ? "variance" : "inverse");
    if (s.dy == nullptr || s.center == nullptr || s.inverse == nullptr)
      throw py::value_error("dy and the statistics must be given");
    MaybeArray own;
    if (fixed) {
      own = inverse_deviation<T>(s.inverse, plan.of_statistics, plan.shape.kept(), eps);
      s.inverse = data<T>(*own);
    }
    if (want[0]) s.dx = result(0, fresh_like(plan.x));
    if (want[1]) s.dgamma = result(1, fresh<T>(shape));
    if (want[2]) s.dbeta = result(2, fresh<T>(shape));
    if (want[3]) s.dz = result(3, fresh_like(plan.x));
    perform_fusible(plan.shape.size(), std::make_shared<StandardizingBack<T>>(s));
    return py::make_tuple(results[0], results[1], results[2], results[3]);
  });
}

}  // namespace

void bind_normalization(py::module_& m) {
  m.def("batch_normalization", batch_normalization);
  m.def("layer_normalization", layer_normalization);
  m.def("standardization_gradient", standardization_gradient);
}

}  // namespace nnabla
