// Kernels of the backend's table as functions of Python's C API: (xp, inputs, out, args) and
// (xp, values, grads, need, args).
#include <pybind11/stl.h>

#include <string>

#include "bindings/families.h"
#include "bindings/mapping.h"

namespace nnabla {
namespace {

struct MapKernel {
  int list, index, inputs;
  bool leading, twice;
  std::vector<py::object> names;
  std::vector<double> numbers;
  py::object otherwise;  // takes what has other types than the map, or None
};

const MapKernel& kernel_of(PyObject* self) {
  return *static_cast<const MapKernel*>(PyCapsule_GetPointer(self, nullptr));
}

// The parameters that a kernel takes from an operator's arguments.
void read_parameters(const MapKernel& kernel, PyObject* args, double* parameters) {
  for (std::size_t i = 0; i < kernel.numbers.size(); i++) parameters[i] = kernel.numbers[i];
  for (std::size_t i = 0; i < kernel.names.size(); i++) {
    PyObject* value = PyDict_GetItemWithError(args, kernel.names[i].ptr());
    if (value == nullptr) {
      if (PyErr_Occurred()) throw py::error_already_set();
      throw py::key_error(py::str(kernel.names[i]).cast<std::string>());
    }
    parameters[i] = PyFloat_AsDouble(value);
    if (parameters[i] == -1 && PyErr_Occurred()) throw py::error_already_set();
  }
}

void need_arguments(Py_ssize_t given, Py_ssize_t wanted) {
  if (given != wanted)
    throw py::type_error("a kernel takes " + std::to_string(wanted) + " arguments, not " + std::to_string(given));
}

PyObject* forward(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  return guarded([&] {
    need_arguments(count, 4);
    const MapKernel& kernel = kernel_of(self);
    if (!PyTuple_Check(given[1]) || PyTuple_GET_SIZE(given[1]) != kernel.inputs)
      throw py::type_error("a kernel takes " + std::to_string(kernel.inputs) + " inputs in a tuple");
    PyObject* inputs[most_inputs];
    for (int i = 0; i < kernel.inputs; i++) inputs[i] = PyTuple_GET_ITEM(given[1], i);
    double parameters[2] = {};
    read_parameters(kernel, given[3], parameters);
    try {
      return apply_map(kernel.list, kernel.index, inputs, parameters, kernel.leading, kernel.twice);
    } catch (const OtherTypes&) {
      if (kernel.otherwise.is_none()) throw;
    }
    return PyObject_Vectorcall(kernel.otherwise.ptr(), given, count, nullptr);
  });
}

PyObject* backward(PyObject* self, PyObject* const* given, Py_ssize_t count) {
  return guarded([&]() -> PyObject* {
    need_arguments(count, 5);
    const MapKernel& kernel = kernel_of(self);
    PyObject* inputs[most_inputs];
    int found = 0;
    for (int part = 1; part <= 2; part++) {
      if (!PyTuple_Check(given[part])) throw py::type_error("values and gradients come in tuples");
      for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(given[part]); i++) {
        if (found == kernel.inputs) throw py::type_error("too many values and gradients");
        inputs[found++] = PyTuple_GET_ITEM(given[part], i);
      }
    }
    if (found != kernel.inputs) throw py::type_error("too few values and gradients");
    double parameters[2] = {};
    read_parameters(kernel, given[4], parameters);
    Held made(apply_map(kernel.list, kernel.index, inputs, parameters, false));
    PyObject* result = PyTuple_New(1);
    if (result == nullptr) throw py::error_already_set();
    PyTuple_SET_ITEM(result, 0, made.release());
    return result;
  });
}

PyMethodDef forward_function = {"map", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(forward)),
                                METH_FASTCALL, "forward(xp, inputs, out, args), a map over the inputs"};
PyMethodDef backward_function = {"map", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(backward)),
                                 METH_FASTCALL, "backward(xp, values, grads, need, args), a map over values and grads"};

// A kernel that applies the map of that name. `names`: arguments of the operator that are the map's parameters;
// `numbers`: parameters that are the same at each call.
py::object kernel(PyMethodDef& function, const char* name, const py::tuple& names, const std::vector<double>& numbers,
                  bool leading, const py::object& otherwise, bool twice) {
  MapKernel* made = new MapKernel{};
  py::capsule owner(made, [](void* held) { delete static_cast<MapKernel*>(held); });
  find_map(name, made->list, made->index);
  made->inputs = map_inputs(made->list, made->index);
  made->leading = leading;
  made->twice = twice;
  made->numbers = numbers;
  made->otherwise = otherwise;
  for (py::handle given : names) {
    PyObject* text = Py_NewRef(given.ptr());
    if (!PyUnicode_CheckExact(text)) {
      Py_DECREF(text);
      throw py::type_error("names of arguments are expected");
    }
    PyUnicode_InternInPlace(&text);
    made->names.push_back(py::reinterpret_steal<py::object>(text));
  }
  if (made->names.size() > 2 || numbers.size() > 2) throw py::value_error("a map has two parameters or fewer");
  return py::reinterpret_steal<py::object>(PyCFunction_New(&function, owner.ptr()));
}

}  // namespace

void bind_elementwise(py::module_& m) {
  m.def(
      "forward_map",
      [](const std::string& name, const py::tuple& names, const std::vector<double>& numbers, bool leading,
         const py::object& otherwise,
         bool twice) { return kernel(forward_function, name.c_str(), names, numbers, leading, otherwise, twice); },
      py::arg("name"), py::arg("names") = py::tuple(), py::arg("numbers") = std::vector<double>(),
      py::arg("leading") = false, py::arg("otherwise") = py::none(), py::arg("twice") = false);
  m.def(
      "backward_map",
      [](const std::string& name, const py::tuple& names, const std::vector<double>& numbers) {
        return kernel(backward_function, name.c_str(), names, numbers, false, py::none(), false);
      },
      py::arg("name"), py::arg("names") = py::tuple(), py::arg("numbers") = std::vector<double>());
}

}  // namespace nnabla
