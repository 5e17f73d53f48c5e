#include <cmath>
#include <string>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Hyperparameters, by name.
class Hyper {
 public:
  explicit Hyper(const py::object& values) : values_(values) {}
  double operator[](const char* name) const { return values_[name].cast<double>(); }
  bool flag(const char* name) const { return values_[name].cast<bool>(); }

 private:
  const py::object& values_;
};

// sqrt(1 - beta2^t) / (1 - beta1^t): what makes averages that began with 0 unbiased.
double correction(const Hyper& h, double t) {
  return std::sqrt(1 - std::pow(h["beta2"], t)) / (1 - std::pow(h["beta1"], t));
}

// The share of a parameter that decays by itself, following the learning rate.
double decay(const Hyper& h, const char* rate) { return h[rate] / h["initial_rate"] * h["weight_decay"]; }

// A solver: its rule, the names of its states, and the rule's numbers for update t.
struct Solver {
  const char* name;
  Rule rule;
  int state_count;
  const char* states[most_states];
  void (*numbers)(const Hyper& h, double t, double* n);
};

const Solver solvers[] = {
    {"Sgd", Rule::add_scaled, 0, {}, [](const Hyper& h, double, double* n) { n[0] = -h["lr"]; }},
    {"Momentum",
     Rule::momentum,
     1,
     {"m"},
     [](const Hyper& h, double, double* n) { n[0] = h["momentum"], n[1] = h["lr"], n[2] = 0; }},
    {"SgdW",
     Rule::momentum,
     1,
     {"m"},
     [](const Hyper& h, double, double* n) { n[0] = h["momentum"], n[1] = h["lr"], n[2] = decay(h, "lr"); }},
    {"Nesterov",
     Rule::nesterov,
     1,
     {"m"},
     [](const Hyper& h, double, double* n) { n[0] = h["momentum"], n[1] = h["lr"]; }},
    {"Adam",
     Rule::adam,
     2,
     {"mean", "var"},
     [](const Hyper& h, double t, double* n) {
       n[0] = h["alpha"] * correction(h, t);
       n[1] = h["beta1"], n[2] = 1 - n[1], n[3] = h["beta2"], n[4] = 1 - n[3], n[5] = h["eps"], n[6] = 0;
     }},
    {"AdamW",
     Rule::adam,
     2,
     {"mean", "var"},
     [](const Hyper& h, double t, double* n) {
       n[0] = h["alpha"] * correction(h, t);
       n[1] = h["beta1"], n[2] = 1 - n[1], n[3] = h["beta2"], n[4] = 1 - n[3], n[5] = h["eps"];
       n[6] = decay(h, "alpha");
     }},
    {"Adamax",
     Rule::adamax,
     2,
     {"m", "u"},
     [](const Hyper& h, double t, double* n) {
       n[1] = h["beta1"], n[2] = 1 - n[1], n[3] = h["beta2"], n[4] = h["eps"];
       n[0] = h["alpha"] / (1 - std::pow(n[1], t));
     }},
    {"AMSGRAD",
     Rule::amsgrad,
     3,
     {"m", "v", "v_hat"},
     [](const Hyper& h, double t, double* n) {
       n[0] = h["alpha"] * (h.flag("bias_correction") ? correction(h, t) : 1.0);
       n[1] = h["beta1"], n[2] = 1 - n[1], n[3] = h["beta2"], n[4] = 1 - n[3], n[5] = h["eps"];
     }},
    {"Adagrad", Rule::adagrad, 1, {"v"}, [](const Hyper& h, double, double* n) { n[0] = h["lr"], n[1] = h["eps"]; }},
    {"RMSprop",
     Rule::rmsprop,
     1,
     {"v"},
     [](const Hyper& h, double, double* n) { n[0] = h["lr"], n[1] = h["decay"], n[2] = 1 - n[1], n[3] = h["eps"]; }},
    {"RMSpropGraves",
     Rule::graves,
     3,
     {"n", "g", "d"},
     [](const Hyper& h, double, double* n) {
       n[0] = h["lr"], n[1] = h["decay"], n[2] = 1 - n[1], n[3] = h["momentum"], n[4] = h["eps"];
     }},
    {"Adadelta",
     Rule::adadelta,
     2,
     {"e_sqr_grad", "e_sqr_delta"},
     [](const Hyper& h, double, double* n) { n[0] = h["lr"], n[1] = h["decay"], n[2] = 1 - n[1], n[3] = h["eps"]; }},
    {"Lion",
     Rule::lion,
     1,
     {"m"},
     [](const Hyper& h, double, double* n) {
       n[0] = h["lr"], n[1] = h["beta1"], n[2] = 1 - n[1], n[3] = h["beta2"], n[4] = 1 - n[3], n[5] = h["weight_decay"];
     }},
};

py::array as_array(PyObject* x) {
  if (!py::isinstance<py::array>(x)) throw py::type_error("parameters, gradients and states must be NumPy arrays");
  return py::reinterpret_borrow<py::array>(x);
}

// Parameters by element type, and the places in the lists of those that are left to the caller.
struct Work {
  std::vector<Updated<float>> f32;
  std::vector<Updated<double>> f64;
  py::list left;
  long elements = 0;

  explicit Work(std::size_t count) { f32.reserve(count); }

  // Add the parameter at place i if all its arrays (nullptr: none) are alike and dense, and may be written but `g`.
  void add(long i, PyObject* p_object, PyObject* g_object, PyObject* const* states, int state_count,
           const double* numbers) {
    py::array p = as_array(p_object);
    const bool single = holds<float>(p);
    bool fits = (single || holds<double>(p)) && p.writeable() && is_dense(p);
    void* at[most_states] = {};
    const void* g_at = nullptr;
    const auto like_p = [&](const py::array& x) {
      return (single ? holds<float>(x) : holds<double>(x)) && same_layout(x, p);
    };
    if (g_object != nullptr) {
      const py::array g = as_array(g_object);
      fits = fits && like_p(g);
      g_at = g.data();
    }
    for (int s = 0; s < state_count; s++) {
      py::array state = as_array(states[s]);
      fits = fits && like_p(state) && state.writeable();
      if (fits) at[s] = state.mutable_data();
    }
    if (!fits) {
      left.append(i);
    } else if (p.size() > 0) {
      elements += p.size();
      if (single)
        put(f32, p, g_at, at, numbers);
      else
        put(f64, p, g_at, at, numbers);
    }
  }

  void run(Rule rule) {
    MaybeRelease released(elements);
    if (!f32.empty()) tables<float>().solver->update(rule, f32.data(), static_cast<long>(f32.size()));
    if (!f64.empty()) tables<double>().solver->update(rule, f64.data(), static_cast<long>(f64.size()));
  }

 private:
  template <class T>
  void put(std::vector<Updated<T>>& list, py::array& p, const void* g, void* const* states, const double* numbers) {
    Updated<T> u = {static_cast<T*>(p.mutable_data()), static_cast<const T*>(g), {}, static_cast<long>(p.size()), {}};
    for (int s = 0; s < most_states; s++) u.states[s] = static_cast<T*>(states[s]);
    for (int k = 0; k < most_numbers; k++) u.numbers[k] = static_cast<T>(numbers[k]);
    list.push_back(u);
  }
};

const Solver& solver_named(const std::string& name) {
  for (const Solver& s : solvers)
    if (name == s.name) return s;
  throw py::value_error("no native solver is called " + name);
}

void check_lengths(std::size_t a, std::size_t b) {
  if (a != b) throw py::value_error("the lists of parameters, gradients and states differ in length");
}

// Update parameters in place; returns the places of those whose arrays are not alike and dense.
py::list solver_update(const std::string& name, const py::list& params, const py::list& grads, const py::list& states,
                       const py::list& ts, const py::object& hyper) {
  const Solver& solver = solver_named(name);
  const std::size_t count = params.size();
  check_lengths(count, grads.size());
  check_lengths(count, states.size());
  check_lengths(count, ts.size());
  const Hyper values(hyper);
  Work work(count);
  py::object names[most_states];
  for (int s = 0; s < solver.state_count; s++) names[s] = py::str(solver.states[s]);
  double numbers[most_numbers] = {}, last_t = -1;
  for (std::size_t i = 0; i < count; i++) {
    const double t = py::handle(PyList_GET_ITEM(ts.ptr(), i)).cast<double>();
    if (t != last_t) solver.numbers(values, last_t = t, numbers);
    PyObject* of_this[most_states] = {};
    PyObject* dict = PyList_GET_ITEM(states.ptr(), i);
    for (int s = 0; s < solver.state_count; s++) {
      of_this[s] = PyDict_Check(dict) ? PyDict_GetItemWithError(dict, names[s].ptr()) : nullptr;
      if (of_this[s] == nullptr) throw py::value_error(name + ": state " + solver.states[s] + " is missing");
    }
    work.add(static_cast<long>(i), PyList_GET_ITEM(params.ptr(), i), PyList_GET_ITEM(grads.ptr(), i), of_this,
             solver.state_count, numbers);
  }
  work.run(solver.rule);
  return work.left;
}

// grads += rate * params
py::list weight_decay(const py::list& params, const py::list& grads, double rate) {
  check_lengths(params.size(), grads.size());
  Work work(params.size());
  const double numbers[most_numbers] = {rate};
  for (std::size_t i = 0; i < params.size(); i++)
    work.add(static_cast<long>(i), PyList_GET_ITEM(grads.ptr(), i), PyList_GET_ITEM(params.ptr(), i), nullptr, 0,
             numbers);
  work.run(Rule::add_scaled);
  return work.left;
}

py::list scale_grad(const py::list& grads, double scale) {
  Work work(grads.size());
  const double numbers[most_numbers] = {scale};
  for (std::size_t i = 0; i < grads.size(); i++)
    work.add(static_cast<long>(i), PyList_GET_ITEM(grads.ptr(), i), nullptr, nullptr, 0, numbers);
  work.run(Rule::scale);
  return work.left;
}

template <class T>
void clip(std::vector<Updated<T>>& list, double most) {
  if (list.empty()) return;
  std::vector<double> sums(list.size());
  tables<T>().solver->sum_squares(list.data(), static_cast<long>(list.size()), sums.data());
  std::vector<Updated<T>> over;
  for (std::size_t i = 0; i < list.size(); i++) {
    const double norm = std::sqrt(sums[i]);
    // A norm of NaN is not over the limit: the gradient stays.
    if (!(norm > most)) continue;
    list[i].numbers[0] = static_cast<T>(most / norm);
    over.push_back(list[i]);
  }
  tables<T>().solver->update(Rule::scale, over.data(), static_cast<long>(over.size()));
}

py::list clip_grad_by_norm(const py::list& grads, double most) {
  Work work(grads.size());
  const double numbers[most_numbers] = {};
  for (std::size_t i = 0; i < grads.size(); i++)
    work.add(static_cast<long>(i), PyList_GET_ITEM(grads.ptr(), i), nullptr, nullptr, 0, numbers);
  {
    MaybeRelease released(work.elements);
    clip(work.f32, most);
    clip(work.f64, most);
  }
  return work.left;  // a copy, which counts references
}

}  // namespace

void bind_solver(py::module_& m) {
  m.def("solvers", [] {
    py::list names;
    for (const Solver& s : solvers) names.append(s.name);
    return names;
  });
  m.def("solver_update", solver_update);
  m.def("weight_decay", weight_decay);
  m.def("scale_grad", scale_grad);
  m.def("clip_grad_by_norm", clip_grad_by_norm);
}

}  // namespace nnabla
