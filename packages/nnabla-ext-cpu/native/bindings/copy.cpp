// Copies of arrays that lie in memory in any way, in other dtypes, into parts of other arrays, and one after another.
#include "kernels/tables/copy.h"

#include <pybind11/stl.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "common/threads.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

bool is_plain(const py::dtype& dtype) {
  return dtype.num() <= py::detail::npy_api::NPY_DOUBLE_ && dtype.byteorder() != '>';
}

// Whether copies of such elements are made here: 4 or 8 bytes of any meaning.
bool is_movable(const py::array& x) {
  const py::ssize_t size = x.itemsize();
  if ((size != 4 && size != 8) || !is_plain(x.dtype()) || x.ndim() > most_copied_axes) return false;
  for (int i = 0; i < x.ndim(); i++)
    if (x.strides(i) % size != 0) return false;
  return reinterpret_cast<std::uintptr_t>(x.data()) % size == 0;
}

// The walk over all elements, from strides in bytes to strides in bytes: the axes in the order of the target's memory,
// neighbours together where both sides allow it.
Walk walk_of(int nd, const py::ssize_t* shape, const py::ssize_t* from, const py::ssize_t* to, py::ssize_t size) {
  int order[most_copied_axes], axes = 0;
  for (int i = 0; i < nd; i++)
    if (shape[i] != 1) order[axes++] = i;
  std::stable_sort(order, order + axes, [&](int a, int b) { return std::abs(to[a]) > std::abs(to[b]); });
  Walk walk;
  for (int i = 0; i < axes; i++) {
    const int a = order[i], before = walk.nd - 1;
    const long n = shape[a], x = from[a] / size, y = to[a] / size;
    if (before >= 0 && walk.from[before] == n * x && walk.to[before] == n * y) {
      walk.shape[before] *= n;
      walk.from[before] = x;
      walk.to[before] = y;
    } else {
      walk.shape[walk.nd] = n;
      walk.from[walk.nd] = x;
      walk.to[walk.nd++] = y;
    }
  }
  return walk;
}

// Elements are moved as numbers of their size, without being looked at.
void move(const Walk& walk, py::ssize_t size, const void* x, void* y) {
  if (size == 4)
    tables<float>().copy->move(walk, static_cast<const float*>(x), static_cast<float*>(y));
  else
    tables<double>().copy->move(walk, static_cast<const double*>(x), static_cast<double*>(y));
}

// The strides of a dense array of elements of `step` bytes whose axes lie in the order of x, or in C order where x
// leaves that open.
std::vector<py::ssize_t> dense_strides(const py::array& x, bool c_order, py::ssize_t step) {
  const int nd = static_cast<int>(x.ndim());
  std::vector<int> order(nd);
  for (int i = 0; i < nd; i++) {
    order[i] = i;
    if (x.shape(i) > 1 && x.strides(i) <= 0) c_order = true;
  }
  if (!c_order) order = memory_order(x);
  std::vector<py::ssize_t> strides(nd);
  for (int i = nd - 1; i >= 0; i--) {
    strides[order[i]] = step;
    step *= std::max<py::ssize_t>(x.shape(order[i]), 1);
  }
  return strides;
}

// A copy in memory of its own, in C order or as the array lies; None where NumPy is to make it.
py::object copied(const py::array& x, bool c_order) {
  if (!is_movable(x)) return py::none();
  const std::vector<py::ssize_t> shape = shape_of(x), strides = dense_strides(x, c_order, x.itemsize());
  py::array y = fresh(x.dtype(), shape, strides);
  if (x.size() == 0) return std::move(y);
  const Walk walk = walk_of(static_cast<int>(x.ndim()), x.shape(), x.strides(), strides.data(), x.itemsize());
  const void* from = x.data();
  void* to = y.mutable_data();
  perform(x.size(), [=, size = x.itemsize()] { move(walk, size, from, to); });
  return std::move(y);
}

int kind_of(const py::dtype& dtype) {
  if (!is_plain(dtype)) return -1;
  const py::ssize_t size = dtype.itemsize();
  switch (dtype.kind()) {
    case 'b': return static_cast<int>(Kind::boolean);
    case 'i': return size == 4 ? static_cast<int>(Kind::int32) : size == 8 ? static_cast<int>(Kind::int64) : -1;
    case 'u': return size == 8 ? static_cast<int>(Kind::uint64) : -1;
    case 'f': return size == 4 ? static_cast<int>(Kind::float32) : size == 8 ? static_cast<int>(Kind::float64) : -1;
    default: return -1;
  }
}

// So many elements in another dtype are kept by a recording, to be converted again only when they changed.
constexpr long worth_keeping = 1 << 16;

// The elements in another dtype, in the order in which they lie; None where NumPy is to convert them.
py::object converted(const py::array& x, const py::dtype& dtype) {
  const int from = kind_of(x.dtype()), to = kind_of(dtype);
  if (from < 0 || to < 0 || !is_dense(x)) return py::none();
  const auto convert = tables<float>().copy->convert[from][to];
  if (convert == nullptr || reinterpret_cast<std::uintptr_t>(x.data()) % x.itemsize() != 0) return py::none();
  py::array y = fresh(dtype, shape_of(x), dense_strides(x, false, dtype.itemsize()));
  const void* source = x.data();
  void* target = y.mutable_data();
  const long count = x.size();
  if (recording == nullptr || count < worth_keeping) {
    perform(count, [=] { convert(count, source, target); });
  } else {
    const auto holds = std::make_shared<bool>(false);
    recording->derived.push_back({source, holds});
    recording->held.push_back(y);
    perform(count, [=] {
      if (!*holds) convert(count, source, target);
    });
  }
  return std::move(y);
}

template <class T>
void fill(long count, double value, void* y) {
  tables<T>().copy->fill(count, static_cast<T>(value), static_cast<T*>(y));
}

// An array of `shape` that holds `fill` but for x, which lies from `start` on in steps of `step`; None where NumPy is
// to make it.
py::object placed(const py::array& x, const std::vector<py::ssize_t>& shape, const std::vector<py::ssize_t>& start,
                  const std::vector<py::ssize_t>& step, double filling) {
  const int nd = static_cast<int>(x.ndim());
  if (!is_movable(x) || (!holds<float>(x) && !holds<double>(x))) return py::none();
  if (static_cast<int>(shape.size()) != nd || static_cast<int>(start.size()) != nd ||
      static_cast<int>(step.size()) != nd)
    throw py::value_error("place: shape, start and step must have an entry for each dimension");
  const py::ssize_t size = x.itemsize();
  py::array y = fresh(x.dtype(), shape);
  std::vector<py::ssize_t> to(nd);
  py::ssize_t offset = 0;
  for (int i = 0; i < nd; i++) {
    const py::ssize_t n = x.shape(i), last = start[i] + (n - 1) * step[i];
    if (n > 0 && (start[i] < 0 || start[i] >= shape[i] || last < 0 || last >= shape[i]))
      throw py::value_error("place: dimension " + std::to_string(i) + " reaches beyond the result");
    offset += start[i] * y.strides(i);
    to[i] = step[i] * y.strides(i);
  }
  // Where whole slabs of the result come from slabs of x, each is finished while it is in the cache; so are the entries
  // along the next axis, where slabs are large.
  int lead = 0;
  long slabs = 1;
  while (lead < nd && start[lead] == 0 && step[lead] == 1 && x.shape(lead) == shape[lead]) slabs *= shape[lead++];
  bool even = true;  // whether the slabs of x follow each other at one distance
  for (int i = 0; i + 1 < lead; i++) even &= x.strides(i) == x.strides(i + 1) * x.shape(i + 1);
  if (!even) lead = 0, slabs = 1;
  const long total = y.size(), each = slabs > 0 ? total / slabs : 0;
  const bool cut = nd - lead > 1 && each > 16384;
  const int inner = lead + cut;
  const long rows = cut ? shape[lead] : 1, row = each / std::max(rows, 1L);
  const bool nothing = x.size() == 0;
  const Walk walk = walk_of(nd - inner, x.shape() + inner, x.strides() + inner, to.data() + inner, size);
  const py::ssize_t from_step = lead > 0 ? x.strides(lead - 1) : 0;
  if (cut) offset -= start[lead] * y.strides(lead);
  const char* from = static_cast<const char*>(x.data());
  char* target = static_cast<char*>(y.mutable_data());
  const bool single = holds<float>(x);
  const py::ssize_t first_row = cut ? start[lead] : 0, row_step = cut ? step[lead] : 1;
  const py::ssize_t rows_of_x = cut ? x.shape(lead) : 1, x_row = cut ? x.strides(lead) : 0;
  perform(total, [=] {
    parallel_for(slabs * rows, std::max(1L, 16384 / std::max(row, 1L)), [&](long first, long last) {
      for (long s = first; s < last; s++) {
        char* at = target + s * row * size;
        if (single)
          fill<float>(row, filling, at);
        else
          fill<double>(row, filling, at);
        const py::ssize_t past = s % rows - first_row, k = past / row_step;
        if (nothing || k < 0 || k >= rows_of_x || k * row_step != past) continue;
        move(walk, size, from + s / rows * from_step + k * x_row, at + offset);
      }
    });
  });
  return std::move(y);
}

// Arrays in C order one after another along an axis; None where NumPy is to join them.
py::object joined(const py::tuple& arrays, int axis) {
  std::vector<py::array> parts;
  for (const py::handle& given : arrays) {
    if (!py::isinstance<py::array>(given)) return py::none();
    parts.push_back(py::reinterpret_borrow<py::array>(given));
  }
  if (parts.empty()) return py::none();
  std::vector<py::ssize_t> shape = shape_of(parts[0]);
  const int nd = static_cast<int>(shape.size());
  if (axis < 0) axis += nd;
  if (axis < 0 || axis >= nd || !is_plain(parts[0].dtype())) return py::none();
  shape[axis] = 0;
  for (const py::array& part : parts) {
    if (part.ndim() != nd || !(part.flags() & py::array::c_style) || part.dtype().num() != parts[0].dtype().num())
      return py::none();
    for (int i = 0; i < nd; i++)
      if (i != axis && part.shape(i) != shape[i]) return py::none();
    shape[axis] += part.shape(axis);
  }
  py::array y = fresh(parts[0].dtype(), shape);
  long outer = 1;
  for (int i = 0; i < axis; i++) outer *= shape[i];
  std::vector<long> bytes;
  std::vector<const char*> from;
  for (const py::array& part : parts) {
    bytes.push_back(outer > 0 ? part.nbytes() / outer : 0);
    from.push_back(static_cast<const char*>(part.data()));
  }
  char* to = static_cast<char*>(y.mutable_data());
  const long count = y.size(), row = outer > 0 ? y.nbytes() / outer : 0;
  perform(count, [=] {
    parallel_for(outer, std::max(1L, 65536 / std::max(row, 1L)), [&](long first, long last) {
      for (long o = first; o < last; o++) {
        char* at = to + o * row;
        for (std::size_t i = 0; i < from.size(); i++) {
          std::memcpy(at, from[i] + o * bytes[i], bytes[i]);
          at += bytes[i];
        }
      }
    });
  });
  return std::move(y);
}

// A fresh array filled with a number.
py::array filled(const std::vector<py::ssize_t>& shape, double value, bool twice) {
  py::array y = twice ? fresh<double>(shape) : fresh<float>(shape);
  void* to = y.mutable_data();
  const long count = y.size();
  perform(count, [=] {
    if (twice)
      fill<double>(count, value, to);
    else
      fill<float>(count, value, to);
  });
  return y;
}

// Not as a parameter: that would make an empty array first, by NumPy, and what does so is not recorded.
typedef py::array_t<std::int64_t, py::array::c_style | py::array::forcecast> Index;

// The rows of x at an index; None where NumPy is to take them, or is to say that there is no such row.
py::object rows_at(const py::array& x, const py::array& index_) {
  const Index index(index_);
  if (x.ndim() == 0 || !(x.flags() & py::array::c_style) || !is_plain(x.dtype())) return py::none();
  const long rows = x.shape(0), count = index.size();
  const std::int64_t* at = index.data();
  const auto inside = [=] { return std::all_of(at, at + count, [=](auto i) { return i >= 0 && i < rows; }); };
  if (!inside()) return py::none();
  std::vector<py::ssize_t> shape = shape_of(index);
  long bytes = x.itemsize();
  for (int i = 1; i < x.ndim(); i++) {
    shape.push_back(x.shape(i));
    bytes *= x.shape(i);
  }
  py::array y = fresh(x.dtype(), shape);
  const char* from = static_cast<const char*>(x.data());
  char* to = static_cast<char*>(y.mutable_data());
  perform(y.size(), [=, item = x.itemsize()] {
    if (!inside()) throw Unfit();
    const auto take = [&](auto element) {
      using I = decltype(element);
      for (long i = 0; i < count; i++) reinterpret_cast<I*>(to)[i] = reinterpret_cast<const I*>(from)[at[i]];
    };
    if (bytes == 4 && item == 4) {
      take(std::uint32_t{});
    } else if (bytes == 8 && item == 8) {
      take(std::uint64_t{});
    } else {
      parallel_for(count, std::max(1L, 65536 / std::max(bytes, 1L)), [&](long first, long last) {
        for (long i = first; i < last; i++) std::memcpy(to + i * bytes, from + at[i] * bytes, bytes);
      });
    }
  });
  return std::move(y);
}

// Positions in an array in C order, whose axis has `size` entries, from those along this axis; None where NumPy is to
// compute them, or is to say that there is no such entry.
py::object flat_along(const py::array& given, int axis, long size) {
  if (!holds<std::int64_t>(given) || !(given.flags() & py::array::c_style) || axis < 0 || axis >= given.ndim())
    return py::none();
  long outer = 1, inner = 1;
  const long length = given.shape(axis);
  for (int i = 0; i < axis; i++) outer *= given.shape(i);
  for (int i = axis + 1; i < given.ndim(); i++) inner *= given.shape(i);
  py::array y = fresh<std::int64_t>(shape_of(given));
  const std::int64_t* from = data<std::int64_t>(given);
  std::int64_t* target = mutable_data<std::int64_t>(y);
  const auto find = [=] {
    const std::int64_t* __restrict index = from;
    std::int64_t* __restrict to = target;
    std::int64_t outside = 0;
    for (long o = 0; o < outer; o++)
      for (long i = 0; i < length; i++) {
        const long row = (o * length + i) * inner;
        for (long j = 0; j < inner; j++) {
          std::int64_t k = index[row + j];
          k += k < 0 ? size : 0;
          outside |= k | (size - 1 - k);
          to[row + j] = (o * size + k) * inner + j;
        }
      }
    return outside >= 0;
  };
  bool inside;
  {
    const GilRelease released(given.size() >= worth_releasing);
    inside = find();
  }
  if (!inside) return py::none();
  if (recording != nullptr)
    recording->add(given.size(), {[find] {
                                    if (!find()) throw Unfit();
                                  },
                                  {},
                                  nullptr});
  return std::move(y);
}

// Numbers in steps of 1.
py::array counted(py::ssize_t count, long start, bool twice) {
  if (count < 0) throw py::value_error("counted: count must be 0 or more");
  py::array y = twice ? fresh<double>({count}) : fresh<float>({count});
  void* to = y.mutable_data();
  perform(count, [=] {
    if (twice)
      tables<double>().copy->count_up(count, start, static_cast<double*>(to));
    else
      tables<float>().copy->count_up(count, start, static_cast<float*>(to));
  });
  return y;
}

// Numbers at equal distances, both ends among them.
py::array spread(py::ssize_t count, double start, double stop, bool twice) {
  if (count < 2) throw py::value_error("spread: count must be 2 or more");
  py::array y = twice ? fresh<double>({count}) : fresh<float>({count});
  void* to = y.mutable_data();
  perform(count, [=] {
    if (twice)
      tables<double>().copy->spread(count, start, stop, static_cast<double*>(to));
    else
      tables<float>().copy->spread(count, static_cast<float>(start), static_cast<float>(stop), static_cast<float*>(to));
  });
  return y;
}

// The triangle of each matrix from the diagonal k on, to the right or to the left of it, and 0 elsewhere.
py::array triangle(const py::array& x, long k, bool upper) {
  if (x.ndim() < 2 || !(x.flags() & py::array::c_style))
    throw py::value_error("triangle: matrices in C order expected");
  if (!holds<float>(x) && !holds<double>(x)) throw py::type_error("triangle: floating numbers are expected");
  const long rows = x.shape(x.ndim() - 2), columns = x.shape(x.ndim() - 1), size = x.itemsize();
  py::array y = fresh(x.dtype(), shape_of(x));
  const char* from = static_cast<const char*>(x.data());
  char* to = static_cast<char*>(y.mutable_data());
  const long all = columns > 0 ? x.size() / columns : 0;
  perform(x.size(), [=] {
    parallel_for(all, std::max(1L, 16384 / std::max(columns, 1L)), [&](long first, long last) {
      for (long r = first; r < last; r++) {
        const long edge = std::clamp(r % rows + k + (upper ? 0 : 1), 0L, columns);
        const long begin = (upper ? edge : 0) * size, end = (upper ? columns : edge) * size, at = r * columns * size;
        std::memset(to + at, 0, begin);
        std::memcpy(to + at + begin, from + at + begin, end - begin);
        std::memset(to + at + end, 0, columns * size - end);
      }
    });
  });
  return y;
}

}  // namespace

void bind_copy(py::module_& m) {
  m.def("copied", copied);
  m.def("converted", converted);
  m.def("placed", placed);
  m.def("joined", joined);
  m.def("filled", filled);
  m.def("rows_at", rows_at);
  m.def("flat_along", flat_along);
  m.def("counted", counted);
  m.def("spread", spread);
  m.def("triangle", triangle);
}

}  // namespace nnabla
