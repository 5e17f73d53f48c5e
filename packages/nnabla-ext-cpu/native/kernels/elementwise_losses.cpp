// Losses element by element, and the activation with learned slopes.
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
struct WithNumber {
  explicit WithNumber(const double* p) : number(static_cast<T>(p[0])) {}
  T number;
};

// dy where d is positive, else -dy.
template <class T>
NNABLA_INLINE Vec<T> by_sign(Vec<T> d, Vec<T> dy) {
  return d > 0 ? dy : -dy;
}

// |d|, NaN for NaN.
template <class T>
NNABLA_INLINE Vec<T> size_of(Vec<T> d) {
  return d < 0 ? -d : d;
}

// -- distances: of x0 and x1, and the gradient by x0 from x0, x1 and dy; that by x1 is its negative --------
template <class T>
struct SquaredError : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return (a - b) * (a - b); }
};
template <class T>
struct SquaredErrorGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return dy * (a - b) * 2; }
};

template <class T>
struct AbsoluteError : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return size_of<T>(a - b); }
};
template <class T>
struct AbsoluteErrorGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return a > b ? dy : -dy; }
};

template <class T>
struct HuberLoss : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const {
    const T delta = this->number;
    const Vec<T> size = size_of<T>(a - b);
    return delta > size ? size * size : (size * 2 - delta) * delta;
  }
};
template <class T>
struct HuberLossGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const {
    const T delta = this->number;
    const Vec<T> d = a - b;
    return (delta > size_of<T>(d) ? dy * d : by_sign<T>(d, dy * delta)) * 2;
  }
};

template <class T>
struct EpsilonInsensitiveLoss : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const {
    const Vec<T> y = size_of<T>(a - b) - this->number;
    return y < 0 ? Vec<T>{} : y;
  }
};
template <class T>
struct EpsilonInsensitiveLossGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const {
    const Vec<T> d = a - b;
    return size_of<T>(d) > this->number ? by_sign<T>(d, dy) : Vec<T>{};
  }
};

// -- two classes: probability, target and dy; what is divided by, and logarithms, are of no less than a number ----
template <class T>
NNABLA_INLINE Vec<T> at_least(Vec<T> x, T least) {
  return x < least ? broadcast(least) : x;
}

template <class T>
struct BinaryCrossEntropy : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> t) const {
    return -(t * log<T>(at_least<T>(x, this->number)) + (1 - t) * log<T>(at_least<T>(1 - x, this->number)));
  }
};
template <class T>
struct BinaryCrossEntropyGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> t, Vec<T> dy) const {
    return dy * (x - t) / at_least<T>(x - x * x, this->number);
  }
};
// By the target, from the probability and dy.
template <class T>
struct BinaryCrossEntropyTargetGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    return dy * (log<T>(at_least<T>(1 - x, this->number)) - log<T>(at_least<T>(x, this->number)));
  }
};

// Whether exactly one of them is 1/2 or more.
template <class T>
struct BinaryError : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> t) const {
    const T half = static_cast<T>(0.5);
    return ((x >= half) ^ (t >= half)) ? broadcast<T>(1) : Vec<T>{};
  }
};

// -- learned slopes ----------------------------------------------------------------------------------------
template <class T>
struct LearnedSlope : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> slope) const { return x >= 0 ? x : x * slope; }
};
template <class T>
struct LearnedSlopeGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> slope, Vec<T> dy) const { return x >= 0 ? dy : dy * slope; }
};
// What each element adds to the gradient of its slope.
template <class T>
struct SlopeGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return x >= 0 ? Vec<T>{} : dy * x; }
};

template <class T>
constexpr Map maps[] = {
    binary<T, SquaredError<T>>("SquaredError", cheap),
    ternary<T, SquaredErrorGradient<T>>("SquaredError'", cheap),
    binary<T, AbsoluteError<T>>("AbsoluteError", cheap),
    ternary<T, AbsoluteErrorGradient<T>>("AbsoluteError'", cheap),
    binary<T, HuberLoss<T>>("HuberLoss", cheap),
    ternary<T, HuberLossGradient<T>>("HuberLoss'", cheap),
    binary<T, EpsilonInsensitiveLoss<T>>("EpsilonInsensitiveLoss", cheap),
    ternary<T, EpsilonInsensitiveLossGradient<T>>("EpsilonInsensitiveLoss'", cheap),
    binary<T, BinaryCrossEntropy<T>>("BinaryCrossEntropy", costly),
    ternary<T, BinaryCrossEntropyGradient<T>>("BinaryCrossEntropy'", cheap),
    gradient<T, BinaryCrossEntropyTargetGradient<T>>("BinaryCrossEntropy'1", costly),
    binary<T, BinaryError<T>>("BinaryError", cheap),
    binary<T, LearnedSlope<T>>("PReLU", cheap),
    {"PReLU'",
     3,
     0,
     cheap,
     {VectorLoop<T, LearnedSlopeGradient<T>, 3, 0>::run, nullptr, VectorLoop<T, LearnedSlopeGradient<T>, 3, 2>::run}},
    gradient<T, SlopeGradient<T>>("PReLU'1", cheap),
};

}  // namespace

template <class T>
MapList loss_maps() {
  return {maps<T>, sizeof maps<T> / sizeof(Map)};
}
template MapList loss_maps<float>();
template MapList loss_maps<double>();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
