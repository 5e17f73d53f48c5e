// NumPy arrays on both sides of a kernel.
#pragma once

#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>

#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "bindings/recording.h"
#include "common/memory.h"

namespace nnabla {

namespace py = pybind11;

// Results of this many bytes or more are made of memory that is kept and given out again.
constexpr py::ssize_t own_memory = 65536;

// An array of a recording's arena, which lives as long as that array does.
inline py::array planned(const py::dtype& dtype, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides,
                         std::size_t bytes) {
  struct Block {
    std::shared_ptr<Arena> arena;
    void* memory;
    std::size_t bytes;
  };
  auto block = std::make_unique<Block>(Block{recording->arena, nullptr, bytes});
  block->memory = block->arena->take(bytes);
  Block* const held = block.release();
  py::capsule owner(held, [](void* given) {
    Block* b = static_cast<Block*>(given);
    b->arena->give(b->memory, b->bytes);
    delete b;
  });
  return py::array(dtype, std::move(shape), std::move(strides), held->memory, owner);
}

// A fresh array, not filled. `strides` in bytes, or empty for rows in C order.
inline py::array fresh(const py::dtype& dtype, std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides = {}) {
  py::ssize_t bytes = dtype.itemsize();
  for (py::ssize_t n : shape) {
    if (n > 0 && bytes > PY_SSIZE_T_MAX / n) throw std::bad_alloc();
    bytes *= n;
  }
  if (recording != nullptr) return planned(dtype, std::move(shape), std::move(strides), bytes);
  if (bytes < own_memory) return py::array(dtype, std::move(shape), std::move(strides));
  struct Block {
    void* memory;
    std::size_t bytes;
  };
  Block* block = new Block{take_memory(bytes), static_cast<std::size_t>(bytes)};
  py::capsule owner(block, [](void* held) {
    Block* b = static_cast<Block*>(held);
    give_memory(b->memory, b->bytes);
    delete b;
  });
  return py::array(dtype, std::move(shape), std::move(strides), block->memory, owner);
}

template <class T>
inline py::array fresh(std::vector<py::ssize_t> shape, std::vector<py::ssize_t> strides = {}) {
  return fresh(py::dtype::of<T>(), std::move(shape), std::move(strides));
}

// A place for an array that there may be none of: py::array() would make one.
using MaybeArray = std::optional<py::array>;

template <class T>
inline bool holds(const py::array& x) {
  return x.dtype().num() == py::dtype::num_of<T>();
}

template <class T>
inline const T* data(const py::array& x) {
  return static_cast<const T*>(x.data());
}

// The memory of an array that was made here, or that is to be written in place.
template <class T>
inline T* mutable_data(py::array& x) {
  return static_cast<T*>(x.mutable_data());
}

// Arrays keep the order of axes in which they lie in memory: the result of a convolution is (N, C, H, W) with the
// strides of (N, H, W, C), and what is computed from it element by element lies the same way. An array is dense if
// its elements fill a stretch of memory, in whatever order of axes.
inline std::vector<int> memory_order(const py::array& x) {
  // Axes of one element have no place of their own: they come first.
  std::vector<int> axes, others;
  for (int i = 0; i < x.ndim(); i++) (x.shape(i) == 1 ? axes : others).push_back(i);
  std::stable_sort(others.begin(), others.end(), [&](int a, int b) { return x.strides(a) > x.strides(b); });
  axes.insert(axes.end(), others.begin(), others.end());
  return axes;
}

inline bool is_dense(const py::array& x) {
  if (x.flags() & py::array::c_style) return true;
  const std::vector<int> axes = memory_order(x);
  py::ssize_t step = x.itemsize();
  for (int i = x.ndim() - 1; i >= 0; i--) {
    const int axis = axes[i];
    if (x.shape(axis) == 1) continue;
    if (x.strides(axis) != step) return false;
    step *= x.shape(axis);
  }
  return true;
}

inline std::vector<py::ssize_t> shape_of(const py::array& x) { return {x.shape(), x.shape() + x.ndim()}; }
inline std::vector<py::ssize_t> strides_of(const py::array& x) { return {x.strides(), x.strides() + x.ndim()}; }

// A fresh array of the shape, dtype and memory order of a dense one.
inline py::array fresh_like(const py::array& x) { return fresh(x.dtype(), shape_of(x), strides_of(x)); }

// Whether two arrays have one shape and lie in memory in the same way (axes of one element aside).
inline bool same_layout(const py::array& x, const py::array& y) {
  if (x.ndim() != y.ndim()) return false;
  for (int i = 0; i < x.ndim(); i++)
    if (x.shape(i) != y.shape(i) || (x.shape(i) > 1 && x.strides(i) != y.strides(i))) return false;
  return true;
}

// The bytes from the first to the last that an array's elements take.
inline Memory extent(const py::array& x) {
  const char* first = static_cast<const char*>(x.data());
  std::size_t bytes = x.size() > 0 ? x.itemsize() : 0;
  for (int i = 0; bytes > 0 && i < x.ndim(); i++) {
    const py::ssize_t reach = (x.shape(i) - 1) * x.strides(i);
    if (reach < 0) first += reach;
    bytes += reach < 0 ? -reach : reach;
  }
  return {first, bytes};
}

// Call f.template operator()<T>() for the element type of x, float or double.
template <class F>
inline auto by_type(const py::array& x, F&& f) {
  if (holds<float>(x)) return f(float{});
  if (holds<double>(x)) return f(double{});
  throw py::type_error("native kernels compute in float32 and float64, not in " +
                       py::str(static_cast<py::object>(x.dtype())).cast<std::string>());
}

// An array in C order and of type T: x itself or a copy.
template <class T>
inline py::array in_c_order(const py::array& x) {
  return py::array_t<T, py::array::c_style | py::array::forcecast>(x);
}

}  // namespace nnabla
