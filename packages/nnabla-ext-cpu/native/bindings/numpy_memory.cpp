#include "bindings/numpy_memory.h"

#include <pybind11/pybind11.h>

#include <atomic>
#include <cstdint>
#include <string>

namespace py = pybind11;

namespace nnabla {
namespace {

// As NumPy's C API has them since 1.22 (NEP 49).
struct Allocator {
  void* context;
  void* (*allocate)(void*, std::size_t);
  void* (*allocate_zeros)(void*, std::size_t, std::size_t);
  void* (*resize)(void*, void*, std::size_t);
  void (*release)(void*, void*, std::size_t);
};

struct Handler {
  char name[127];
  std::uint8_t version;
  Allocator allocator;
};

constexpr const char* capsule_name = "mem_handler";

// NumPy's functions for handlers, and one that counts and does what the handler of before does.
struct Numpy {
  PyObject* (*set_handler)(PyObject*);
  PyObject* (*get_handler)();
  Handler counting;
  PyObject* capsule;  // never freed: arrays refer to it
};

std::atomic<long> taken{0};
Allocator original;

void* allocate(void*, std::size_t bytes) {
  taken++;
  return original.allocate(original.context, bytes);
}

void* allocate_zeros(void*, std::size_t count, std::size_t size) {
  taken++;
  return original.allocate_zeros(original.context, count, size);
}

void* resize(void*, void* memory, std::size_t bytes) {
  taken++;
  return original.resize(original.context, memory, bytes);
}

void release(void*, void* memory, std::size_t bytes) { original.release(original.context, memory, bytes); }

// Set with the GIL rather than as a function's static variable: imports let other threads have the GIL, and one of them
// that waited for the variable with it would wait for ever.
Numpy* known = nullptr;

Numpy* find_numpy() {
  const py::module_ numpy = py::module_::import("numpy");
  const int major = std::stoi(numpy.attr("__version__").cast<std::string>());
  const py::module_ core = py::module_::import(major < 2 ? "numpy.core.multiarray" : "numpy._core.multiarray");
  void** table = static_cast<void**>(PyCapsule_GetPointer(core.attr("_ARRAY_API").ptr(), nullptr));
  if (table == nullptr) throw py::error_already_set();
  if (known != nullptr) return known;  // another thread was faster
  Numpy* found = new Numpy{};
  found->set_handler = reinterpret_cast<PyObject* (*)(PyObject*)>(table[304]);
  found->get_handler = reinterpret_cast<PyObject* (*)()>(table[305]);
  const py::object present = py::reinterpret_steal<py::object>(found->get_handler());
  if (!present) throw py::error_already_set();
  const Handler* handler = static_cast<const Handler*>(PyCapsule_GetPointer(present.ptr(), capsule_name));
  if (handler == nullptr) throw py::error_already_set();
  present.inc_ref();  // what it has outlives the arrays that are made by it
  original = handler->allocator;
  found->counting = {"nnabla counting", 1, {nullptr, allocate, allocate_zeros, resize, release}};
  found->capsule = PyCapsule_New(&found->counting, capsule_name, nullptr);
  if (found->capsule == nullptr) throw py::error_already_set();
  return found;
}

Numpy& numpy() {
  if (known == nullptr) known = find_numpy();
  return *known;
}

}  // namespace

NumpyMemoryWatch::NumpyMemoryWatch() : before_(numpy().set_handler(numpy().capsule)), start_(taken) {
  if (before_ == nullptr) throw py::error_already_set();
}

NumpyMemoryWatch::~NumpyMemoryWatch() {
  PyObject* const ours = known->set_handler(static_cast<PyObject*>(before_));
  Py_XDECREF(ours);
  Py_DECREF(static_cast<PyObject*>(before_));
}

long NumpyMemoryWatch::count() const { return taken - start_; }

}  // namespace nnabla
