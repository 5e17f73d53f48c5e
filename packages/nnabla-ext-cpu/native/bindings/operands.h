// What the hottest kernels take and give: functions of the C API, without pybind11's conversions, which cost more than
// a small array's work.
#pragma once

#include <algorithm>
#include <exception>

#include "bindings/arrays.h"

namespace nnabla {

// Arrays of more dimensions are for NumPy alone.
constexpr int most_dimensions = 64;

// A reference that is given up at the end of a scope.
class Held {
 public:
  explicit Held(PyObject* object = nullptr) : object_(object) {}
  ~Held() { Py_XDECREF(object_); }
  Held(Held&& other) noexcept : object_(other.object_) { other.object_ = nullptr; }
  Held& operator=(Held&& other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  PyObject* get() const { return object_; }
  PyObject* release() {
    PyObject* object = object_;
    object_ = nullptr;
    return object;
  }

 private:
  PyObject* object_;
};

// An array as it lies: strides are bytes.
struct Operand {
  Held held;
  PyObject* object = nullptr;
  char* data = nullptr;
  int nd = 0;
  const Py_intptr_t* shape = nullptr;
  const Py_intptr_t* strides = nullptr;
  int type = 0;
  bool c_order = false;

  Operand() = default;
  explicit Operand(PyObject* value) { take(value); }

  // A borrowed reference to an array, or to what becomes one.
  void take(PyObject* value) {
    const py::detail::npy_api& api = py::detail::npy_api::get();
    object = value;
    if (Py_TYPE(value) != api.PyArray_Type_ && !PyObject_TypeCheck(value, api.PyArray_Type_))
      keep(api.PyArray_FromAny_(value, nullptr, 0, 0, 0, nullptr));
    read();
    if (!(py::detail::array_proxy(object)->flags & py::detail::npy_api::NPY_ARRAY_ALIGNED_) ||
        py::detail::array_descriptor_proxy(py::detail::array_proxy(object)->descr)->byteorder == '>') {
      // FORCECAST without a dtype would keep the byte order; a copy to the native dtype mends both.
      keep(api.PyArray_FromAny_(object, api.PyArray_DescrFromType_(type), 0, 0,
                                py::detail::npy_api::NPY_ARRAY_ALIGNED_ | py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_,
                                nullptr));
      read();
    }
  }

  long size() const {
    long n = 1;
    for (int i = 0; i < nd; i++) n *= shape[i];
    return n;
  }

 private:
  void keep(PyObject* made) {
    if (made == nullptr) throw py::error_already_set();
    held = Held(made);
    object = made;
  }

  void read() {
    const py::detail::PyArray_Proxy* a = py::detail::array_proxy(object);
    data = a->data;
    nd = a->nd;
    shape = a->dimensions;
    strides = a->strides;
    type = py::detail::array_descriptor_proxy(a->descr)->type_num;
    c_order = (a->flags & py::detail::npy_api::NPY_ARRAY_C_CONTIGUOUS_) != 0;
  }
};

constexpr int truth_type = py::detail::npy_api::NPY_BOOL_, float_type = py::detail::npy_api::NPY_FLOAT_,
              double_type = py::detail::npy_api::NPY_DOUBLE_;

template <class T>
constexpr int type_number = sizeof(T) == 4 ? float_type : double_type;

// The size of elements of the types above.
constexpr long item_size(int type) { return type == truth_type ? 1 : type == float_type ? 4 : 8; }

// A fresh array; `strides` may be null for C order.
inline PyObject* fresh_array(int type, long itemsize, int nd, const Py_intptr_t* shape, const Py_intptr_t* strides) {
  py::ssize_t bytes = itemsize;
  for (int i = 0; i < nd; i++) {
    if (shape[i] > 0 && bytes > PY_SSIZE_T_MAX / shape[i]) throw std::bad_alloc();
    bytes *= shape[i];
  }
  const py::detail::npy_api& api = py::detail::npy_api::get();
  PyObject* descr = api.PyArray_DescrFromType_(type);
  if (bytes >= own_memory || recording != nullptr) {
    std::vector<py::ssize_t> dims(shape, shape + nd), steps;
    if (strides != nullptr) steps.assign(strides, strides + nd);
    return fresh(py::reinterpret_steal<py::dtype>(descr), std::move(dims), std::move(steps)).release().ptr();
  }
  PyObject* made = api.PyArray_NewFromDescr_(api.PyArray_Type_, descr, nd, shape, strides, nullptr, 0, nullptr);
  if (made == nullptr) throw py::error_already_set();
  return made;
}

// Call f and turn what it throws into a Python error.
template <class F>
PyObject* guarded(F&& f) {
  try {
    return f();
  } catch (py::error_already_set& e) {
    e.restore();
  } catch (const py::builtin_exception& e) {
    e.set_error();
  } catch (const std::bad_alloc&) {
    PyErr_NoMemory();
  } catch (const std::exception& e) {
    PyErr_SetString(PyExc_RuntimeError, e.what());
  }
  return nullptr;
}

// The axes of an array in the order in which they lie in memory, outermost first. Axes of one element and those that
// repeat stay where they are.
inline void lying_order(int nd, const Py_intptr_t* shape, const Py_intptr_t* strides, int* order) {
  for (int i = 0; i < nd; i++) {
    int at = i;
    const Py_intptr_t step = std::abs(strides[i]);
    if (shape[i] > 1 && step != 0) {
      for (int j = i - 1; j >= 0; j--) {
        const int other = order[j];
        if (shape[other] <= 1 || strides[other] == 0) continue;
        if (std::abs(strides[other]) >= step) break;
        at = j;
      }
    }
    for (int j = i; j > at; j--) order[j] = order[j - 1];
    order[at] = i;
  }
}

}  // namespace nnabla
