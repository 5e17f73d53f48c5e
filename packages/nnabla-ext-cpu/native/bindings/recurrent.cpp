#include <pybind11/stl.h>

#include <array>
#include <cstring>
#include <memory>
#include <string>

#include "bindings/arrays.h"
#include "bindings/families.h"
#include "common/threads.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

Cell cell_named(const std::string& name) {
  if (name == "tanh") return Cell::tanh;
  if (name == "relu") return Cell::relu;
  if (name == "lstm") return Cell::lstm;
  if (name == "gru") return Cell::gru;
  throw py::value_error("no recurrent cell is called " + name);
}

// Elements of arrays, which are held as long as this is.
template <class T>
class Operands {
 public:
  // Those of an array that must have so many, in C order.
  const T* values(const py::object& of, long count) {
    if (!py::isinstance<py::array>(of)) throw py::type_error("recurrent layers: an array is missing");
    py::array a = py::reinterpret_borrow<py::array>(of);
    if (!holds<T>(a)) throw py::type_error("recurrent layers: all arrays must have the dtype of x");
    if (a.size() != count) throw py::value_error("recurrent layers: an array has a wrong number of elements");
    if (!(a.flags() & py::array::c_style)) a = py::array_t<T, py::array::c_style>::ensure(a);
    held_.push_back(a);
    return data<T>(a);
  }

  const bool* truths(const py::object& of, long count) {
    const py::array a = py::array_t<bool, py::array::c_style | py::array::forcecast>::ensure(of);
    if (!a || a.size() != count) throw py::value_error("recurrent layers: the mask does not fit");
    held_.push_back(a);
    return static_cast<const bool*>(a.data());
  }

  // Those of a fresh array, which is a result if it is wanted and scratch if not.
  T* made(py::list& results, bool wanted, std::vector<py::ssize_t> shape) {
    py::array a = fresh<T>(std::move(shape));
    held_.push_back(a);
    if (wanted) results.append(a);
    return mutable_data<T>(a);
  }

 private:
  std::vector<py::array> held_;
};

// Several layers in one or two directions.
template <class T>
struct Net {
  Cell cell;
  CellShape shape;
  long layers, directions, steps, batch, features, size;
  const T *x, *h, *c, *first_weight, *weight = nullptr;
  const bool* mask = nullptr;
  T scale;

  Net(Cell kind, Operands<T>& operands, const py::array& x_, const py::array& h_, const py::object& c_,
      const py::array& w0, const py::object& w, const py::object& mask_, double scale_)
      : cell(kind), shape(shape_of_cell(kind)), scale(static_cast<T>(scale_)) {
    if (x_.ndim() != 3 || h_.ndim() != 4 || h_.shape(2) != x_.shape(1) || x_.shape(0) == 0 || h_.shape(0) == 0 ||
        h_.shape(1) < 1 || h_.shape(1) > 2)
      throw py::value_error("recurrent layers: x must be (T, B, I) with a step or more, and h (L, D, B, H)");
    steps = x_.shape(0), batch = x_.shape(1), features = x_.shape(2);
    layers = h_.shape(0), directions = h_.shape(1), size = h_.shape(3);
    x = operands.values(x_, x_.size());
    h = operands.values(h_, h_.size());
    c = shape.state ? operands.values(c_, h_.size()) : nullptr;
    first_weight = operands.values(w0, directions * weight_size(0));
    if (layers > 1) weight = operands.values(w, (layers - 1) * directions * weight_size(1));
    if (!mask_.is_none()) mask = operands.truths(mask_, (layers - 1) * width());
  }

  long rows() const { return steps * batch; }
  long width() const { return rows() * directions * size; }  // elements of a layer's output
  long one() const { return batch * size; }                  // elements of an output of one step
  long inputs(long layer) const { return layer == 0 ? features : directions * size; }
  long work() const { return width() * shape.blocks * (features + size); }
  long weight_size(long layer) const { return shape.blocks * size * (inputs(layer) + size); }

  // Fill what both passes want to know of a layer in a direction.
  void describe(RecurrentLayer<T>& l, long layer, long direction, const T* sequence) const {
    const long number = layer * directions + direction;
    l.cell = cell;
    l.steps = steps, l.batch = batch, l.features = inputs(layer), l.size = size;
    l.backwards = direction == 1;
    l.x = sequence;
    l.weight = at_weight(first_weight, weight, layer, direction);
    l.bias = nullptr;
    l.first_h = h + number * one();
    l.first_c = shape.state ? c + number * one() : nullptr;
  }

  template <class P>
  P* at_weight(P* first, P* others, long layer, long direction) const {
    if (layer == 0) return first == nullptr ? nullptr : first + direction * weight_size(0);
    return others == nullptr ? nullptr : others + ((layer - 1) * directions + direction) * weight_size(layer);
  }

  // Whether the next layer reads the outputs as they were written.
  bool plain() const { return directions == 1 && mask == nullptr; }

  // Join a layer's outputs (D, T, B, H) as (T, B, D H), with dropout before the next layer.
  void join(const T* hidden, long layer, T* to) const {
    parallel_for(rows(), 1 + 16384 / (directions * size + 1), [&](long begin, long end) {
      for (long i = begin; i < end; i++)
        for (long d = 0; d < directions; d++)
          std::memcpy(to + (i * directions + d) * size, hidden + (d * rows() + i) * size, size * sizeof(T));
    });
    drop(to, layer);
  }

  // Dropout after a layer, also of gradients.
  void drop(T* values, long layer) const {
    if (mask == nullptr || layer == layers - 1) return;
    const bool* kept = mask + layer * width();
    parallel_for(width(), 16384, [&](long begin, long end) {
      for (long i = begin; i < end; i++) values[i] = values[i] * static_cast<T>(kept[i]) * scale;
    });
  }
};

// What forward writes. What is kept of each step has a place for each layer in training; else layers take turns.
template <class T>
struct Forward {
  Net<T> net;
  bool training;
  const T* bias = nullptr;
  T *y = nullptr, *last_h = nullptr, *last_c = nullptr, *gates = nullptr, *hidden = nullptr, *cells = nullptr;

  void operator()() const {
    const long L = net.layers, D = net.directions, H = net.size;
    std::unique_ptr<Scratch<T>> joined;
    if (L > 1 && !(net.plain() && training)) joined = std::make_unique<Scratch<T>>(net.width());
    const T* sequence = net.x;
    for (long layer = 0; layer < L; layer++) {
      T* outputs = hidden + (training ? layer * D * net.rows() * H : 0);
      for (long d = 0; d < D; d++) {
        const long number = layer * D + d, place = training ? number : d;
        RecurrentForward<T> l;
        net.describe(l, layer, d, sequence);
        if (bias != nullptr) l.bias = bias + number * net.shape.biases * H;
        l.gates = gates + place * net.rows() * net.shape.kept * H;
        l.hidden = hidden + place * net.rows() * H;
        l.cells = cells == nullptr ? nullptr : cells + place * net.rows() * H;
        l.last_h = last_h + number * net.one();
        l.last_c = last_c == nullptr ? nullptr : last_c + number * net.one();
        tables<T>().recurrent->forward(l);
      }
      const bool last = layer == L - 1;
      if (!last && joined == nullptr) {
        sequence = outputs;
      } else {
        T* to = last ? y : joined->data();
        net.join(outputs, layer, to);
        sequence = to;
      }
    }
  }
};

template <class T>
py::list forward(const Net<T>& net, Operands<T>& operands, const py::object& bias, bool training) {
  const long L = net.layers, D = net.directions, steps = net.steps, B = net.batch, H = net.size;
  const bool state = net.shape.state;
  const long places = training ? L * D : D;
  py::list results;
  Forward<T> pass{net, training};
  pass.bias = bias.is_none() ? nullptr : operands.values(bias, L * D * net.shape.biases * H);
  pass.y = operands.made(results, true, {steps, B, D * H});
  pass.last_h = operands.made(results, true, {L, D, B, H});
  pass.last_c = state ? operands.made(results, true, {L, D, B, H}) : nullptr;
  pass.gates = operands.made(results, training, {places, steps, B, net.shape.kept * H});
  pass.hidden = operands.made(results, training, {places, steps, B, H});
  pass.cells = state ? operands.made(results, training, {places, steps, B, H}) : nullptr;
  perform(net.work(), pass);
  return results;
}

// Which gradients are wanted.
struct Wanted {
  bool x, first_weight, weight, bias;
};

template <class T>
struct Backward {
  Net<T> net;
  const T *gates = nullptr, *hidden = nullptr, *cells = nullptr;
  const T *dy = nullptr, *last_dh = nullptr, *last_dc = nullptr;
  T *dx = nullptr, *dh = nullptr, *dc = nullptr, *dfirst = nullptr, *dweight = nullptr, *dbias = nullptr;

  void operator()() const {
    const long L = net.layers, D = net.directions, H = net.size, rows = net.rows();
    const bool state = net.shape.state;
    std::memcpy(dh, last_dh, L * D * net.one() * sizeof(T));
    if (state) std::memcpy(dc, last_dc, L * D * net.one() * sizeof(T));
    std::unique_ptr<Scratch<T>> joined, below[2];
    const T* dout = dy;
    for (long layer = L - 1; layer >= 0; layer--) {
      const T* sequence = net.x;
      T* dsequence = dx;
      if (layer > 0) {
        sequence = hidden + (layer - 1) * D * rows * H;
        if (!net.plain()) {
          if (joined == nullptr) joined = std::make_unique<Scratch<T>>(net.width());
          net.join(sequence, layer - 1, joined->data());
          sequence = joined->data();
        }
        auto& place = below[layer % 2];
        if (place == nullptr) place = std::make_unique<Scratch<T>>(net.width());
        dsequence = place->data();
      }
      for (long d = 0; d < D; d++) {
        const long number = layer * D + d;
        RecurrentBackward<T> l;
        net.describe(l, layer, d, sequence);
        l.gates = gates + number * rows * net.shape.kept * H;
        l.hidden = hidden + number * rows * H;
        l.cells = state ? cells + number * rows * H : nullptr;
        l.dy = dout + d * H;
        l.dy_step = D * H;
        l.dh = dh + number * net.one();
        l.dc = state ? dc + number * net.one() : nullptr;
        l.dx = dsequence;
        l.add_dx = d > 0;
        l.dweight = net.at_weight(dfirst, dweight, layer, d);
        l.dbias = dbias == nullptr ? nullptr : dbias + number * net.shape.biases * H;
        tables<T>().recurrent->backward(l);
      }
      if (layer > 0) net.drop(dsequence, layer - 1);
      dout = dsequence;
    }
  }
};

// Gradients of x, h, c, both weights and the bias; None where not wanted.
template <class T>
py::list backward(const Net<T>& net, Operands<T>& operands, const py::object& gates, const py::object& hidden,
                  const py::object& cells, const py::object& dy, const py::object& dh, const py::object& dc,
                  Wanted wanted) {
  const long L = net.layers, D = net.directions, steps = net.steps, B = net.batch, H = net.size, rows = net.rows();
  const bool state = net.shape.state;
  Backward<T> pass{net};
  pass.gates = operands.values(gates, L * D * rows * net.shape.kept * H);
  pass.hidden = operands.values(hidden, L * D * rows * H);
  pass.cells = state ? operands.values(cells, L * D * rows * H) : nullptr;
  pass.dy = operands.values(dy, net.width());
  pass.last_dh = operands.values(dh, L * D * net.one());
  pass.last_dc = state ? operands.values(dc, L * D * net.one()) : nullptr;
  py::list results;
  const auto result = [&](bool given, std::vector<py::ssize_t> shape) -> T* {
    if (given) return operands.made(results, true, std::move(shape));
    results.append(py::none());
    return nullptr;
  };
  // Weights and biases of cells of a single block have no dimension for it.
  const auto blocks = [](std::vector<py::ssize_t> shape, int count, std::vector<py::ssize_t> rest) {
    if (count > 1) shape.push_back(count);
    shape.insert(shape.end(), rest.begin(), rest.end());
    return shape;
  };
  const int count = net.shape.blocks;
  pass.dx = result(wanted.x, {steps, B, net.features});
  pass.dh = result(true, {L, D, B, H});
  pass.dc = result(state, {L, D, B, H});
  pass.dfirst = result(wanted.first_weight, blocks({D}, count, {H, net.features + H}));
  pass.dweight = result(wanted.weight && L > 1, blocks({L - 1, D}, count, {H, D * H + H}));
  pass.dbias = result(wanted.bias, blocks({L, D}, net.shape.biases, {H}));
  perform(net.work(), pass);
  return results;
}

py::list recurrent_forward(const std::string& cell, const py::array& x, const py::array& h, const py::object& c,
                           const py::array& w0, const py::object& w, const py::object& bias, const py::object& mask,
                           double scale, bool training) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    Operands<T> operands;
    return forward(Net<T>(cell_named(cell), operands, x, h, c, w0, w, mask, scale), operands, bias, training);
  });
}

py::list recurrent_backward(const std::string& cell, const py::array& x, const py::array& h, const py::object& c,
                            const py::array& w0, const py::object& w, const py::object& mask, double scale,
                            const py::object& gates, const py::object& hidden, const py::object& cells,
                            const py::object& dy, const py::object& dh, const py::object& dc,
                            const std::array<bool, 4>& need) {
  const Wanted wanted = {need[0], need[1], need[2], need[3]};
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    Operands<T> operands;
    const Net<T> net(cell_named(cell), operands, x, h, c, w0, w, mask, scale);
    return backward(net, operands, gates, hidden, cells, dy, dh, dc, wanted);
  });
}

}  // namespace

void bind_recurrent(py::module_& m) {
  m.def("recurrent_forward", recurrent_forward);
  m.def("recurrent_backward", recurrent_backward);
}

}  // namespace nnabla
