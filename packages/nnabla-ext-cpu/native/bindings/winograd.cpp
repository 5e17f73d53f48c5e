#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// Sizes and weights of a convolution, from arrays that have been looked at.
struct Sizes {
  long N, H, W, Ci, Co, pad, OH, OW;
  long work() const { return N * (OH > 0 ? OH : 0) * (OW > 0 ? OW : 0) * Ci * Co / 4; }
};

// Elements from one output, row, column and input to the next.
struct Steps {
  long out, row, column, in;
};

template <class T>
void check_dense(const py::array& x, int ndim, const char* name) {
  if (!holds<T>(x)) throw py::type_error(std::string("winograd: ") + name + " is of another dtype than the rest");
  if (x.ndim() != ndim || !(x.flags() & py::array::c_style))
    throw py::value_error(std::string("winograd: ") + name + " must be contiguous, of " + std::to_string(ndim) +
                          " dimensions, channels last; it has " + std::to_string(x.ndim()));
}

// Weights are (O, I, 3, 3) in whatever order of memory.
template <class T>
Steps weight_steps(const py::array& w) {
  if (!holds<T>(w)) throw py::type_error("winograd: w is of another dtype than the rest");
  if (w.ndim() != 4 || w.shape(2) != 3 || w.shape(3) != 3)
    throw py::value_error("winograd: w must have the shape (outputs, inputs, 3, 3)");
  const auto step = [&](int axis) {
    if (w.strides(axis) % static_cast<long>(sizeof(T)) != 0)
      throw py::value_error("winograd: the strides of w are no multiples of its elements");
    return static_cast<long>(w.strides(axis)) / static_cast<long>(sizeof(T));
  };
  return {step(0), step(2), step(3), step(1)};
}

Sizes sizes(long N, long H, long W, long Ci, long Co, long pad) {
  if (pad < 0 || pad > 2) throw py::value_error("winograd: pad is " + std::to_string(pad) + ", but must be 0, 1 or 2");
  const long OH = H + 2 * pad - 2, OW = W + 2 * pad - 2;
  if (OH < 0 || OW < 0)
    throw py::value_error("winograd: images of " + std::to_string(H) + " x " + std::to_string(W) + " with a pad of " +
                          std::to_string(pad) + " are smaller than 3 x 3; pad more");
  return {N, H, W, Ci, Co, pad, OH, OW};
}

void check_channels(long found, long expected) {
  if (found != expected)
    throw py::value_error("winograd: the array has " + std::to_string(found) + " channels, but the weights " +
                          std::to_string(expected));
}

template <class T>
const T* bias_of(const py::object& bias, long Co, py::array& held) {
  if (bias.is_none()) return nullptr;
  held = bias.cast<py::array>();
  check_dense<T>(held, 1, "bias");
  if (held.shape(0) != Co) throw py::value_error("winograd: bias must have one element an output channel");
  return data<T>(held);
}

py::array forward(const py::array& x, const py::array& w, long pad, const py::object& bias, bool rectify) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    check_dense<T>(x, 4, "x");
    const Steps at = weight_steps<T>(w);
    check_channels(x.shape(3), w.shape(1));
    const Sizes s = sizes(x.shape(0), x.shape(1), x.shape(2), w.shape(1), w.shape(0), pad);
    py::array held, y = fresh<T>({s.N, s.OH, s.OW, s.Co});
    const T *b = bias_of<T>(bias, s.Co, held), *from = data<T>(x), *weights = data<T>(w);
    T* to = mutable_data<T>(y);
    MaybeRelease released(s.work());
    tables<T>().winograd->forward(s.N, s.H, s.W, s.Ci, s.Co, pad, from, weights, at.out, at.row, at.column, at.in, b,
                                  rectify, to);
    return y;
  });
}

py::array data_gradient(const py::array& dy, const py::array& w, long H, long W, long pad) {
  return by_type(dy, [&](auto zero) {
    using T = decltype(zero);
    check_dense<T>(dy, 4, "dy");
    const Steps at = weight_steps<T>(w);
    check_channels(dy.shape(3), w.shape(0));
    const Sizes s = sizes(dy.shape(0), H, W, w.shape(1), w.shape(0), pad);
    if (dy.shape(1) != s.OH || dy.shape(2) != s.OW) throw py::value_error("winograd: dy does not fit H, W and pad");
    py::array dx = fresh<T>({s.N, H, W, s.Ci});
    const T *from = data<T>(dy), *weights = data<T>(w);
    T* to = mutable_data<T>(dx);
    MaybeRelease released(s.work());
    tables<T>().winograd->data_gradient(s.N, H, W, s.Ci, s.Co, pad, from, weights, at.out, at.row, at.column, at.in,
                                        to);
    return dx;
  });
}

// dw lies in memory as (O, I, 3, 3) or, with channels_last, as (O, 3, 3, I).
py::array weight_gradient(const py::array& x, const py::array& dy, long pad, bool channels_last) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    check_dense<T>(x, 4, "x");
    check_dense<T>(dy, 4, "dy");
    const Sizes s = sizes(x.shape(0), x.shape(1), x.shape(2), x.shape(3), dy.shape(3), pad);
    if (dy.shape(0) != s.N || dy.shape(1) != s.OH || dy.shape(2) != s.OW)
      throw py::value_error("winograd: dy does not fit x and pad");
    std::vector<py::ssize_t> strides;
    if (channels_last) strides = {9 * s.Ci, 1, 3 * s.Ci, s.Ci};
    for (py::ssize_t& stride : strides) stride *= sizeof(T);
    py::array dw = fresh<T>({s.Co, s.Ci, 3, 3}, strides);
    const Steps at = channels_last ? Steps{9 * s.Ci, 3 * s.Ci, s.Ci, 1} : Steps{9 * s.Ci, 3, 1, 9};
    const T *from = data<T>(x), *gradient = data<T>(dy);
    T* to = mutable_data<T>(dw);
    MaybeRelease released(s.work());
    tables<T>().winograd->weight_gradient(s.N, s.H, s.W, s.Ci, s.Co, pad, from, gradient, to, at.out, at.row, at.column,
                                          at.in);
    return dw;
  });
}

py::array transform(const py::array& w) {
  return by_type(w, [&](auto zero) {
    using T = decltype(zero);
    const Steps at = weight_steps<T>(w);
    const long Co = w.shape(0), Ci = w.shape(1);
    py::array u = fresh<T>({tables<T>().winograd->transformed_size(Ci, Co)});
    const T* from = data<T>(w);
    T* to = mutable_data<T>(u);
    MaybeRelease released(w.size());
    tables<T>().winograd->transform(Ci, Co, from, at.out, at.row, at.column, at.in, to);
    return u;
  });
}

py::array forward_transformed(const py::array& x, const py::array& u, long Co, long pad, const py::object& bias,
                              bool rectify) {
  return by_type(x, [&](auto zero) {
    using T = decltype(zero);
    check_dense<T>(x, 4, "x");
    check_dense<T>(u, 1, "u");
    const Sizes s = sizes(x.shape(0), x.shape(1), x.shape(2), x.shape(3), Co, pad);
    if (Co < 0 || u.shape(0) != tables<T>().winograd->transformed_size(s.Ci, Co))
      throw py::value_error("winograd: u was not transformed for these channels and this target");
    py::array held, y = fresh<T>({s.N, s.OH, s.OW, Co});
    const T *b = bias_of<T>(bias, Co, held), *from = data<T>(x), *weights = data<T>(u);
    T* to = mutable_data<T>(y);
    MaybeRelease released(s.work());
    tables<T>().winograd->forward_transformed(s.N, s.H, s.W, s.Ci, Co, pad, from, weights, b, rectify, to);
    return y;
  });
}

}  // namespace

void bind_winograd(py::module_& m) {
  m.def("winograd_forward", forward, py::arg("x"), py::arg("w"), py::arg("pad"), py::arg("bias") = py::none(),
        py::arg("rectify") = false);
  m.def("winograd_data_gradient", data_gradient, py::arg("dy"), py::arg("w"), py::arg("H"), py::arg("W"),
        py::arg("pad"));
  m.def("winograd_weight_gradient", weight_gradient, py::arg("x"), py::arg("dy"), py::arg("pad"),
        py::arg("channels_last") = false);
  m.def("winograd_transform", transform, py::arg("w"));
  m.def("winograd_forward_transformed", forward_transformed, py::arg("x"), py::arg("u"), py::arg("outputs"),
        py::arg("pad"), py::arg("bias") = py::none(), py::arg("rectify") = false);
  m.def(
      "winograd_pays",
      [](long N, long H, long W, long Ci, long Co) { return tables<float>().winograd->pays(N, H, W, Ci, Co); },
      py::arg("N"), py::arg("H"), py::arg("W"), py::arg("Ci"), py::arg("Co"));
}

}  // namespace nnabla
