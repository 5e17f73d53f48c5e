// Reductions over axes, as functions (xp, inputs, out, args) of Python's C API.
#include <cmath>
#include <string>

#include "bindings/families.h"
#include "bindings/operands.h"
#include "common/threads.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// What follows a reduction.
enum class After { nothing, divide, root };

struct Kind {
  const char* name;
  Reduction reduction;
  After after;
  bool two;  // takes two arrays that lie in the same way
  bool needs_elements;
};

constexpr Kind kinds[] = {
    {"Sum", Reduction::sum, After::nothing, false, false},
    {"Mean", Reduction::sum, After::divide, false, false},
    {"AMax", Reduction::largest, After::nothing, false, true},
    {"Prod", Reduction::product, After::nothing, false, false},
    {"norm 1", Reduction::sum_of_sizes, After::nothing, false, false},
    {"norm 2", Reduction::sum_of_squares, After::root, false, false},
    {"sum of products", Reduction::sum_of_products, After::nothing, true, false},
};

PyObject* names[2];  // "axes", "keep_dims"

PyObject* argument(PyObject* args, PyObject* name) {
  PyObject* value = PyDict_GetItemWithError(args, name);
  if (value == nullptr) {
    if (PyErr_Occurred()) throw py::error_already_set();
    throw py::key_error(PyUnicode_AsUTF8(name));
  }
  return value;
}

void mark_axes(PyObject* axes, int nd, bool* reduced) {
  std::fill(reduced, reduced + nd, false);
  Held sequence(PySequence_Fast(axes, "axes must be a sequence"));
  if (sequence.get() == nullptr) throw py::error_already_set();
  for (Py_ssize_t i = 0; i < PySequence_Fast_GET_SIZE(sequence.get()); i++) {
    const long axis = PyLong_AsLong(PySequence_Fast_GET_ITEM(sequence.get(), i));
    if (axis == -1 && PyErr_Occurred()) throw py::error_already_set();
    if (axis < -nd || axis >= nd)
      throw py::value_error("axis " + std::to_string(axis) + " is none of " + std::to_string(nd));
    reduced[axis < 0 ? axis + nd : axis] = true;
  }
}

// The axes of a dense array in their order of memory; false if it is not dense.
bool dense_order(const Operand& x, int* order) {
  lying_order(x.nd, x.shape, x.strides, order);
  Py_intptr_t step = item_size(x.type);
  for (int i = x.nd - 1; i >= 0; i--) {
    const int axis = order[i];
    if (x.shape[axis] == 1) continue;
    if (x.strides[axis] != step) return false;
    step *= x.shape[axis];
  }
  return true;
}

bool lies_as(const Operand& x, const Operand& y) {
  if (x.type != y.type || x.nd != y.nd) return false;
  for (int i = 0; i < x.nd; i++)
    if (x.shape[i] != y.shape[i] || (x.shape[i] > 1 && x.strides[i] != y.strides[i])) return false;
  return true;
}

Fold fold_of(const Operand& x, const int* order, const bool* reduced) {
  Fold fold;
  long step[most_dimensions], shape[most_dimensions];
  bool kind[most_dimensions];
  int axes = 0;
  long at = 1;
  for (int i = x.nd - 1; i >= 0; i--) {
    const int axis = order[i];
    const long n = x.shape[axis];
    if (n == 1) continue;
    if (axes > 0 && kind[axes - 1] == reduced[axis]) {
      shape[axes - 1] *= n;
    } else {
      shape[axes] = n;
      step[axes] = at;
      kind[axes++] = reduced[axis];
    }
    at *= n;
  }
  fold.elements = at;
  if (axes > 0) {
    fold.inner = shape[0];
    fold.inner_reduced = kind[0];
  }
  for (int i = axes - 1; i >= 1; i--) {
    if (kind[i]) {
      fold.reduced[fold.reduced_axes] = shape[i];
      fold.reduced_step[fold.reduced_axes++] = step[i];
      fold.reduced_count *= shape[i];
    } else {
      fold.kept[fold.kept_axes] = shape[i];
      fold.kept_step[fold.kept_axes++] = step[i];
      fold.kept_count *= shape[i];
    }
  }
  return fold;
}

template <class T>
void run(const Kind& kind, const Fold& fold, const void* x, const void* other, void* out, long outputs, long each) {
  T* y = static_cast<T*>(out);
  MaybeRelease released(fold.elements);
  tables<T>().reduction->reduce[static_cast<int>(kind.reduction)](fold, static_cast<const T*>(x),
                                                                  static_cast<const T*>(other), y);
  if (kind.after == After::divide) {
    const double part = 1.0 / static_cast<double>(each);
    for (long i = 0; i < outputs; i++) y[i] = static_cast<T>(y[i] * part);
  } else if (kind.after == After::root) {
    for (long i = 0; i < outputs; i++) y[i] = std::sqrt(y[i]);
  }
}

template <class T>
void fill_empty(const Kind& kind, void* out, long outputs) {
  const double value = kind.after == After::divide            ? std::numeric_limits<double>::quiet_NaN()
                       : kind.reduction == Reduction::product ? 1.0
                                                              : 0.0;
  std::fill_n(static_cast<T*>(out), outputs, static_cast<T>(value));
}

PyObject* reduce(const Kind& kind, PyObject* const* inputs, PyObject* args) {
  Operand x(inputs[0]), other;
  if (x.type != float_type && x.type != double_type)
    throw py::type_error("native kernels compute in float32 and float64");
  if (x.nd > most_dimensions) throw py::value_error("arrays of more than 64 dimensions");
  bool reduced[most_dimensions];
  mark_axes(argument(args, names[0]), x.nd, reduced);
  const int keep = PyObject_IsTrue(argument(args, names[1]));
  if (keep < 0) throw py::error_already_set();
  int order[most_dimensions];
  Operand copy;
  Held made;
  const auto dense_copy = [&](const Operand& from) {
    // 2: keep the order of axes as far as there is one.
    PyObject* fresh_copy = py::detail::npy_api::get().PyArray_NewCopy_(from.object, 2);
    if (fresh_copy == nullptr) throw py::error_already_set();
    return fresh_copy;
  };
  if (!dense_order(x, order)) {
    made = Held(dense_copy(x));
    x = Operand(made.get());
    dense_order(x, order);
  }
  if (kind.two) {
    other.take(inputs[1]);
    if (!lies_as(x, other)) throw py::value_error("both arrays must have one shape, dtype and order in memory");
  }

  Py_intptr_t shape[most_dimensions], strides[most_dimensions];
  int place[most_dimensions], nd = 0;
  long outputs = 1, each = 1;
  for (int i = 0; i < x.nd; i++) {
    place[i] = nd;
    (reduced[i] ? each : outputs) *= x.shape[i];
    if (!reduced[i] || keep) shape[nd++] = reduced[i] ? 1 : x.shape[i];
  }
  Py_intptr_t step = item_size(x.type);
  for (int i = x.nd - 1; i >= 0; i--) {
    const int axis = order[i];
    if (reduced[axis] && !keep) continue;
    strides[place[axis]] = step;
    step *= std::max<Py_intptr_t>(shape[place[axis]], 1);
  }
  Held result(fresh_array(x.type, item_size(x.type), nd, shape, strides));
  char* out = py::detail::array_proxy(result.get())->data;
  if (outputs == 0) return result.release();
  if (each == 0) {
    if (kind.needs_elements) throw py::value_error("there is no element along the axes");
    x.type == float_type ? fill_empty<float>(kind, out, outputs) : fill_empty<double>(kind, out, outputs);
    return result.release();
  }
  const Fold fold = fold_of(x, order, reduced);
  const void* second = kind.two ? other.data : x.data;
  if (x.type == float_type)
    run<float>(kind, fold, x.data, second, out, outputs, each);
  else
    run<double>(kind, fold, x.data, second, out, outputs, each);
  return result.release();
}

PyObject* call(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  return guarded([&] {
    const Kind& kind = *static_cast<const Kind*>(PyCapsule_GetPointer(self, nullptr));
    if (count != 4 || !PyTuple_Check(given[1]) || PyTuple_GET_SIZE(given[1]) != (kind.two ? 2 : 1))
      throw py::type_error("a reduction takes (xp, inputs, out, args)");
    PyObject* inputs[2] = {PyTuple_GET_ITEM(given[1], 0), kind.two ? PyTuple_GET_ITEM(given[1], 1) : nullptr};
    return reduce(kind, inputs, given[3]);
  });
}

PyMethodDef function = {"reduction", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(call)), METH_FASTCALL,
                        "forward(xp, inputs, out, args) with the arguments axes and keep_dims"};

py::object reduction(const char* name) {
  for (const Kind& kind : kinds) {
    if (std::string(kind.name) != name) continue;
    py::capsule held(static_cast<const void*>(&kind));
    return py::reinterpret_steal<py::object>(PyCFunction_New(&function, held.ptr()));
  }
  throw py::value_error(std::string("there is no native reduction ") + name);
}

// The first positions of the largest elements along the last axis of an array in C order, kept with size 1.
py::object arg_max(const py::array& x) {
  if (x.ndim() == 0 || !(x.flags() & py::array::c_style) || x.shape(x.ndim() - 1) == 0) return py::none();
  if (!holds<float>(x) && !holds<double>(x)) return py::none();
  std::vector<py::ssize_t> shape = shape_of(x);
  const long n = shape.back();
  shape.back() = 1;
  py::array y = fresh<std::int64_t>(shape);
  std::int64_t* to = mutable_data<std::int64_t>(y);
  by_type(x, [&](auto zero) {
    using T = decltype(zero);
    const T* from = data<T>(x);
    MaybeRelease released(x.size());
    tables<T>().reduction->arg_max(x.size() / n, n, from, to);
  });
  return std::move(y);
}

}  // namespace

void bind_reduction(py::module_& m) {
  names[0] = PyUnicode_InternFromString("axes");
  names[1] = PyUnicode_InternFromString("keep_dims");
  m.def("reduction", reduction);
  m.def("arg_max", arg_max);
}

}  // namespace nnabla
