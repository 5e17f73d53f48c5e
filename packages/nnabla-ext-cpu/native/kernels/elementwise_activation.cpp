// Activations and their gradients; a gradient takes what it reads, then the gradient of the result.
#include "kernels/elementwise_maps.h"
#include "kernels/functions.h"
#include "kernels/map.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

struct Plain {
  explicit Plain(const double*) {}
};

template <class T>
struct WithAlpha {
  explicit WithAlpha(const double* p) : alpha(static_cast<T>(p[0])) {}
  T alpha;
};

template <class T>
struct Relu : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return at_least<T>(x, 0); }
};
template <class T>
struct ReluGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> y, Vec<T> dy) const { return y > 0 ? dy : Vec<T>{}; }
};

template <class T>
struct LeakyRelu : WithAlpha<T> {
  using WithAlpha<T>::WithAlpha;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x > 0 ? x : x * this->alpha; }
};
template <class T>
struct LeakyReluGradient : WithAlpha<T> {
  using WithAlpha<T>::WithAlpha;
  NNABLA_INLINE Vec<T> operator()(Vec<T> y, Vec<T> dy) const { return y > 0 ? dy : dy * this->alpha; }
};

template <class T>
struct Relu6 : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return at_most<T>(at_least<T>(x, 0), 6); }
};
template <class T>
struct Relu6Gradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return (x > 0 && x < 6) ? dy : Vec<T>{}; }
};

template <class T>
struct Elu : WithAlpha<T> {
  using WithAlpha<T>::WithAlpha;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const {
    return x >= 0 ? x : this->alpha * expm1_below_zero<T>(at_most<T>(x, 0));
  }
};
template <class T>
struct EluGradient : WithAlpha<T> {
  using WithAlpha<T>::WithAlpha;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    return x >= 0 ? dy : dy * (this->alpha * exp<T>(at_most<T>(x, 0)));
  }
};

template <class T>
struct WithScale {
  explicit WithScale(const double* p) : scale(static_cast<T>(p[0])), steep(static_cast<T>(p[0] * p[1])) {}
  T scale, steep;
};
template <class T>
struct Selu : WithScale<T> {
  using WithScale<T>::WithScale;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const {
    return x > 0 ? this->scale * x : this->steep * expm1_below_zero<T>(at_most<T>(x, 0));
  }
};
template <class T>
struct SeluGradient : WithScale<T> {
  using WithScale<T>::WithScale;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    return dy * (x > 0 ? broadcast(this->scale) : this->steep * exp<T>(at_most<T>(x, 0)));
  }
};

template <class T>
struct Sigmoid : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return sigmoid<T>(x); }
};
template <class T>
struct SigmoidGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> y, Vec<T> dy) const { return dy * (y * (1 - y)); }
};

template <class T>
struct LogSigmoid : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return -softplus<T>(-x); }
};
template <class T>
struct LogSigmoidGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * sigmoid<T>(-x); }
};

template <class T>
struct WithBeta {
  explicit WithBeta(const double* p) : beta(static_cast<T>(p[0])), part(static_cast<T>(1 / p[0])) {}
  T beta, part;
};
template <class T>
struct SoftPlus : WithBeta<T> {
  using WithBeta<T>::WithBeta;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return this->part * softplus<T>(this->beta * x); }
};
template <class T>
struct SoftPlusGradient : WithBeta<T> {
  using WithBeta<T>::WithBeta;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * sigmoid<T>(this->beta * x); }
};

template <class T>
struct Swish : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x * sigmoid<T>(x); }
};
template <class T>
struct SwishGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    const Vec<T> s = sigmoid<T>(x);
    return dy * (s + x * s * (1 - s));
  }
};

// tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2); from 20 on it is 1.
template <class T>
struct Mish : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const {
    const Vec<T> e = exp<T>(at_most<T>(x, 20)), n = e * (e + 2);
    return x * (n / (n + 2));
  }
};
template <class T>
struct MishGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    // tanh and its slope from one exponential: 1 - t^2 = 4 (n + 1) / (n + 2)^2.
    const Vec<T> near = at_most<T>(x, 20), e = exp<T>(near), n = e * (e + 2), d = 1 / (n + 2);
    return dy * (n * d + near * (4 * (n + 1) * d * d) * (e / (1 + e)));
  }
};

// (1 + tanh u) / 2 is the logistic function of 2 u.
template <class T>
struct Gelu : Plain {
  using Plain::Plain;
  static constexpr T scale = static_cast<T>(2 * 0.79788456080286535588),
                     cubic = static_cast<T>(2 * 0.79788456080286535588 * 0.044715);
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x * sigmoid<T>(x * (x * x * cubic + scale)); }
};
template <class T>
struct GeluGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    typedef Gelu<T> G;
    // Beyond 20 the function is x, or 0.
    const Vec<T> near = at_least<T>(at_most<T>(x, 20), -20), square = near * near;
    const Vec<T> s = sigmoid<T>(near * (square * G::cubic + G::scale));
    return dy * (s + near * (s * (1 - s)) * (square * (3 * G::cubic) + G::scale));
  }
};

template <class T>
struct Tanh : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return tanh<T>(x); }
};
template <class T>
struct TanhGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> y, Vec<T> dy) const { return dy * (1 - y * y); }
};

template <class T>
struct TanhShrink : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x - tanh<T>(x); }
};
template <class T>
struct TanhShrinkGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    const Vec<T> t = tanh<T>(x);
    return dy * (t * t);
  }
};

template <class T>
struct SoftSign : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x / (1 + abs<T>(x)); }
};
template <class T>
struct SoftSignGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    const Vec<T> d = 1 + abs<T>(x);
    return dy / (d * d);
  }
};

template <class T>
struct HardTanh : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return at_most<T>(at_least<T>(x, -1), 1); }
};
template <class T>
struct HardTanhGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return abs<T>(x) <= 1 ? dy : Vec<T>{}; }
};

template <class T>
struct HardSigmoid : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const {
    return at_most<T>(at_least<T>(x * static_cast<T>(0.2) + static_cast<T>(0.5), 0), 1);
  }
};
template <class T>
struct HardSigmoidGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    return abs<T>(x) <= static_cast<T>(2.5) ? dy * static_cast<T>(0.2) : Vec<T>{};
  }
};

// Slopes for negative values that are learned: x, slopes.
template <class T>
struct Prelu : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> slope) const { return x >= 0 ? x : x * slope; }
};
template <class T>
struct PreluGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> slope, Vec<T> dy) const { return x >= 0 ? dy : dy * slope; }
};
template <class T>
struct PreluSlopeGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return x >= 0 ? Vec<T>{} : dy * x; }
};

template <class T>
constexpr Map maps[] = {
    unary<T, Relu<T>>("ReLU", cheap),
    gradient<T, ReluGradient<T>>("ReLU'", cheap),
    unary<T, LeakyRelu<T>>("LeakyReLU", cheap),
    gradient<T, LeakyReluGradient<T>>("LeakyReLU'", cheap),
    unary<T, Relu6<T>>("ReLU6", cheap),
    gradient<T, Relu6Gradient<T>>("ReLU6'", cheap),
    unary<T, Elu<T>>("ELU", costly),
    gradient<T, EluGradient<T>>("ELU'", costly),
    unary<T, Selu<T>>("SELU", costly),
    gradient<T, SeluGradient<T>>("SELU'", costly),
    unary<T, Sigmoid<T>>("Sigmoid", costly),
    gradient<T, SigmoidGradient<T>>("Sigmoid'", cheap),
    unary<T, LogSigmoid<T>>("LogSigmoid", costly),
    gradient<T, LogSigmoidGradient<T>>("LogSigmoid'", costly),
    unary<T, SoftPlus<T>>("SoftPlus", costly),
    gradient<T, SoftPlusGradient<T>>("SoftPlus'", costly),
    unary<T, Swish<T>>("Swish", costly),
    gradient<T, SwishGradient<T>>("Swish'", costly),
    unary<T, Mish<T>>("Mish", costly),
    gradient<T, MishGradient<T>>("Mish'", costly),
    unary<T, Gelu<T>>("GELU", costly),
    gradient<T, GeluGradient<T>>("GELU'", costly),
    unary<T, Tanh<T>>("Tanh", costly),
    gradient<T, TanhGradient<T>>("Tanh'", cheap),
    unary<T, TanhShrink<T>>("TanhShrink", costly),
    gradient<T, TanhShrinkGradient<T>>("TanhShrink'", costly),
    unary<T, SoftSign<T>>("SoftSign", cheap),
    gradient<T, SoftSignGradient<T>>("SoftSign'", cheap),
    unary<T, HardTanh<T>>("HardTanh", cheap),
    gradient<T, HardTanhGradient<T>>("HardTanh'", cheap),
    unary<T, HardSigmoid<T>>("HardSigmoid", cheap),
    gradient<T, HardSigmoidGradient<T>>("HardSigmoid'", cheap),
    binary<T, Prelu<T>>("PReLU", cheap),
    ternary<T, PreluGradient<T>>("PReLU'0", cheap),
    gradient<T, PreluSlopeGradient<T>>("PReLU'1", cheap),
};

}  // namespace

template <class T>
MapList activation_maps() {
  return {maps<T>, sizeof maps<T> / sizeof(Map)};
}
template MapList activation_maps<float>();
template MapList activation_maps<double>();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
