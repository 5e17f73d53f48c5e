#include "kernels/tables/sampling.h"

#include "kernels/tables.h"

// Axes mixed anew, elements at places, rows of tables.
#include <pybind11/stl.h>

#include <array>
#include <cstring>
#include <utility>

#include "bindings/arrays.h"
#include "bindings/draw.h"
#include "bindings/families.h"
#include "common/threads.h"

namespace nnabla {
namespace {

typedef std::vector<py::ssize_t> Shape;

// -- axes mixed anew -----------------------------------------------------------------------------------------

struct MixedAxis {
  int axis;
  long from;
  std::vector<std::int64_t> start, index;
  std::vector<double> doubles;
  std::vector<float> floats;

  template <class T>
  const T* weights() const {
    if constexpr (sizeof(T) == sizeof(float))
      return floats.data();
    else
      return doubles.data();
  }
};

// How axes of arrays are mixed, one after the other; made once for the sizes and arguments of an operator.
class AxisMixtures {
 public:
  // Each a tuple (axis, size before, starts, indices, weights).
  explicit AxisMixtures(const py::list& given) {
    auto all = std::make_shared<std::vector<MixedAxis>>();
    for (py::handle entry : given) {
      const py::tuple tuple = py::cast<py::tuple>(entry);
      if (tuple.size() != 5) throw py::value_error("a mixture is (axis, size, start, index, weight)");
      MixedAxis one;
      one.axis = tuple[0].cast<int>();
      one.from = tuple[1].cast<long>();
      one.start = tuple[2].cast<std::vector<std::int64_t>>();
      one.index = tuple[3].cast<std::vector<std::int64_t>>();
      one.doubles = tuple[4].cast<std::vector<double>>();
      one.floats.assign(one.doubles.begin(), one.doubles.end());
      check(one);
      all->push_back(std::move(one));
    }
    if (all->empty()) throw py::value_error("no axis is mixed");
    all_ = std::move(all);
  }

  // A fresh array that lies as x does.
  py::array apply(py::array x) const {
    if (!is_dense(x)) x = x.attr("copy")();
    return by_type(x, [&](auto zero) -> py::array {
      using T = decltype(zero);
      const int nd = static_cast<int>(x.ndim());
      std::vector<int> order(nd);
      for (int i = 0; i < nd; i++) order[i] = i;
      if (!(x.flags() & py::array::c_style)) order = memory_order(x);
      std::vector<long> size(nd);
      std::vector<int> place(nd);
      for (int i = 0; i < nd; i++) {
        size[i] = x.shape(order[i]);
        place[order[i]] = i;
      }
      int first = nd;
      for (const MixedAxis& one : *all_) {
        if (one.axis >= nd || x.shape(one.axis) != one.from) throw py::value_error("an axis has another size");
        first = std::min(first, place[one.axis]);
      }
      long outer = 1;
      for (int i = 0; i < first; i++) outer *= size[i];
      std::vector<Mixture<T>> mixtures;
      for (const MixedAxis& one : *all_) {
        Mixture<T> m{1,
                     one.from,
                     static_cast<long>(one.start.size()) - 1,
                     1,
                     one.start.data(),
                     one.index.data(),
                     one.weights<T>()};
        for (int i = first; i < nd; i++)
          if (i != place[one.axis]) (i < place[one.axis] ? m.lines : m.inner) *= size[i];
        size[place[one.axis]] = m.to;
        mixtures.push_back(m);
      }
      Shape shape(nd), strides(nd);
      py::ssize_t step = sizeof(T);
      for (int i = nd - 1; i >= 0; i--) {
        shape[order[i]] = size[i];
        strides[order[i]] = step;
        step *= size[i];
      }
      py::array y = fresh<T>(shape, strides);
      if (y.size() == 0) return y;
      T* to = mutable_data<T>(y);
      const T* from = data<T>(x);
      perform(std::max(x.size(), y.size()), [=, all = all_, mixtures = std::move(mixtures)] {
        tables<T>().sampling->mix(outer, static_cast<int>(mixtures.size()), mixtures.data(), from, to);
      });
      return y;
    });
  }

 private:
  static void check(const MixedAxis& one) {
    bool fits = one.axis >= 0 && !one.start.empty() && one.start[0] == 0 && one.index.size() == one.doubles.size();
    for (std::size_t i = 1; fits && i < one.start.size(); i++) fits = one.start[i] >= one.start[i - 1];
    fits = fits && one.start.back() == static_cast<std::int64_t>(one.index.size());
    for (std::int64_t at : one.index) fits = fits && at >= 0 && at < one.from;
    if (!fits) throw py::value_error("the starts, indices and weights of a mixture do not go together");
  }

  // Shared with the programs that it is part of.
  std::shared_ptr<const std::vector<MixedAxis>> all_;
};

// -- places --------------------------------------------------------------------------------------------------

struct Places {
  std::vector<long> from, to;
  PlacesShape shape;

  Places(py::ssize_t batch, const Shape& sizes, const Shape& lengths, const py::array& given)
      : from(sizes.begin(), sizes.end()), to(lengths.begin(), lengths.end()) {
    const py::array index = in_c_order<std::int64_t>(given);
    if (index.ptr() != given.ptr()) throw py::type_error("positions are int64, in C order");
    long total = 0;
    for (long n : to) total += n;
    if (from.empty() || from.size() > 64 || from.size() != to.size() || index.ndim() != 2 || index.shape(0) != batch ||
        index.shape(1) != total)
      throw py::value_error("positions do not fit the sizes of the samples");
    const std::int64_t* at = data<std::int64_t>(index);
    for (py::ssize_t b = 0; b < batch; b++)
      for (std::size_t a = 0; a < to.size(); a++)
        for (long i = 0; i < to[a]; i++)
          if (*at++ >= from[a]) throw py::index_error("a position lies outside the samples");
    shape = {static_cast<int>(from.size()), batch, from.data(), to.data(), data<std::int64_t>(index)};
  }

  static long product(const std::vector<long>& sizes) {
    long n = 1;
    for (long size : sizes) n *= size;
    return n;
  }
};

// How positions along an axis follow from a drawn number d and the number i of an element.
enum class Move { none, crop, flip, nearest, reflect, constant };

std::int64_t moved(Move move, long i, long drawn, long size, long reach) {
  const long at = i + drawn - reach, last = size - 1;
  switch (move) {
    case Move::none: return i;
    case Move::crop: return i + drawn;
    case Move::flip: return drawn ? last - i : i;
    case Move::nearest: return std::min(std::max(at, 0L), last);
    case Move::reflect: {
      const long turn = (at % (2 * size) + 2 * size) % (2 * size);
      return std::min(turn, 2 * size - 1 - turn);
    }
    default: return at < 0 || at > last ? -1 : at;
  }
}

// Positions (batch, sum of lengths) of all axes, one axis after the other. For each axis: how it is moved, its size,
// the number of positions, the number of values that are drawn, and the reach. Each axis that moves has the next lane.
py::array random_places(py::ssize_t batch, const std::vector<std::array<long, 5>>& axes, const State& state,
                        std::uint32_t lane) {
  long total = 0;
  for (const auto& axis : axes) {
    if (axis[0] < 0 || axis[0] > 5 || axis[1] < 0 || axis[2] < 0 || axis[3] < 1)
      throw py::value_error("there is no such move of an axis");
    total += axis[2];
  }
  py::array index = fresh<std::int64_t>({batch, total});
  std::int64_t* first = mutable_data<std::int64_t>(index);
  perform(batch * total, [=, draw = Draw(state, lane)] {
    std::vector<std::uint32_t> drawn(batch);
    std::int64_t* to = first;
    std::uint32_t lanes = 0;
    for (const auto& axis : axes) {
      const Move move = static_cast<Move>(axis[0]);
      if (move != Move::none)
        tables<float>().random->integers(draw.lane_after(lanes++)(), batch, axis[3], drawn.data());
      for (long b = 0; b < batch; b++)
        for (long i = 0; i < axis[2]; i++) to[b * total + i] = moved(move, i, drawn[b], axis[1], axis[4]);
      to += axis[2];
    }
  });
  return index;
}

// The elements of samples at positions: x has `base` dimensions of the batch, then those of a sample; `index` is
// (samples, positions of all axes).
py::array take_places(const py::array& x, int base, const py::array& index, const Shape& lengths, double outside) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    if (base < 0 || base > x.ndim()) throw py::value_error("there are no such dimensions of a batch");
    py::ssize_t batch = 1;
    for (int i = 0; i < base; i++) batch *= x.shape(i);
    const auto p = std::make_shared<const Places>(batch, Shape(x.shape() + base, x.shape() + x.ndim()), lengths, index);
    Shape shape(x.shape(), x.shape() + base);
    shape.insert(shape.end(), lengths.begin(), lengths.end());
    const py::array given = in_c_order<T>(x);
    py::array y = fresh<T>(shape);
    if (y.size() == 0) return y;
    T* to = mutable_data<T>(y);
    const T* from = data<T>(given);
    perform(y.size(), [=] { tables<T>().sampling->take_places(p->shape, from, static_cast<T>(outside), to); });
    return y;
  });
}

// Its adjoint, for inputs of `shape`.
py::array put_places(const py::array& dy, int base, const py::array& index, const Shape& shape) {
  return by_type(dy, [&](auto zero) -> py::array {
    using T = decltype(zero);
    if (base < 0 || base > dy.ndim() || shape.size() != static_cast<std::size_t>(dy.ndim()))
      throw py::value_error("there are no such dimensions of a batch");
    py::ssize_t batch = 1;
    for (int i = 0; i < base; i++) batch *= shape[i];
    const auto p = std::make_shared<const Places>(batch, Shape(shape.begin() + base, shape.end()),
                                                  Shape(dy.shape() + base, dy.shape() + dy.ndim()), index);
    const py::array given = in_c_order<T>(dy);
    py::array dx = fresh<T>(shape);
    if (given.size() != batch * Places::product(p->to)) throw py::value_error("a gradient has another batch");
    T* to = mutable_data<T>(dx);
    const T* from = data<T>(given);
    if (dy.size() == 0) {
      perform(dx.size(), [to, count = dx.size()] { std::fill_n(to, count, T(0)); });
      return dx;
    }
    perform(dx.size(), [=] { tables<T>().sampling->put_places(p->shape, from, to); });
    return dx;
  });
}

// -- rows ----------------------------------------------------------------------------------------------------

// Rows of a table in C order; negative numbers count from the end. None where a number names no row.
py::object rows_of_table(const py::array& index, const py::array& table) {
  if (!holds<std::int64_t>(index) || table.ndim() < 1) return py::none();
  const py::array numbers = in_c_order<std::int64_t>(index);
  const std::int64_t *at = data<std::int64_t>(numbers), rows = table.shape(0);
  const long count = numbers.size();
  const auto inside = [=] { return std::all_of(at, at + count, [=](auto i) { return i >= -rows && i < rows; }); };
  if (!inside()) return py::none();
  return by_type(table, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const py::array given = in_c_order<T>(table);
    Shape shape = shape_of(index);
    long row = 1;
    for (int i = 1; i < table.ndim(); i++) {
      shape.push_back(table.shape(i));
      row *= table.shape(i);
    }
    py::array y = fresh<T>(shape);
    T* to = mutable_data<T>(y);
    const T* from = data<T>(given);
    perform(y.size(), [=] {
      if (!inside()) throw Unfit();
      parallel_for(count, std::max(1L, 16384 / std::max(row, 1L)), [&](long begin, long end) {
        for (long i = begin; i < end; i++)
          std::memcpy(to + i * row, from + (at[i] < 0 ? at[i] + rows : at[i]) * row, row * sizeof(T));
      });
    });
    return std::move(y);
  });
}

// -- both signs ----------------------------------------------------------------------------------------------

// The positive part of x and that of -x, side by side along an axis.
py::array both_parts(const py::array& x, int axis) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    if (axis < 0 || axis >= x.ndim()) throw py::value_error("there is no such axis");
    const py::array given = in_c_order<T>(x);
    Shape shape = shape_of(x);
    long outer = 1, inner = 1;
    for (int i = 0; i < x.ndim(); i++) (i < axis ? outer : inner) *= shape[i];
    shape[axis] *= 2;
    py::array y = fresh<T>(shape);
    const T* from = data<T>(given);
    T* to = mutable_data<T>(y);
    perform(y.size(), [=] {
      for (long o = 0; o < outer; o++) {
        const T* in = from + o * inner;
        T* out = to + o * 2 * inner;
        // NaN stays.
        for (long i = 0; i < inner; i++) {
          out[i] = in[i] < 0 ? 0 : in[i];
          out[inner + i] = in[i] > 0 ? 0 : 0 - in[i];
        }
      }
    });
    return y;
  });
}

}  // namespace

void bind_sampling(py::module_& m) {
  py::class_<AxisMixtures>(m, "AxisMixtures").def(py::init<const py::list&>()).def("apply", &AxisMixtures::apply);
  m.def("random_places", random_places);
  m.def("take_places", take_places);
  m.def("put_places", put_places);
  m.def("rows_of_table", rows_of_table);
  m.def("both_parts", both_parts);
}

}  // namespace nnabla
