// Arithmetic of arrays with arrays and with numbers, comparisons and choices.
#include "kernels/elementwise_maps.h"
#include "kernels/elementwise_truths.h"
#include "kernels/functions.h"
#include "kernels/map.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

template <class T>
struct Add : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return a + b; }
};
template <class T>
struct Subtract : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return a - b; }
};
template <class T>
struct Multiply : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return a * b; }
};
template <class T>
struct Divide : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return a / b; }
};
// The gradient of a quotient by its divisor: dividend, divisor, dy.
template <class T>
struct DivisorGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return -dy / b * a / b; }
};

// NaN where one of the values is.
template <class T>
struct Maximum : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return (a > b || a != a) ? a : b; }
};
template <class T>
struct Minimum : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return (a < b || a != a) ? a : b; }
};
template <class T>
struct IfGreater : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return a > b ? dy : Vec<T>{}; }
};
template <class T>
struct IfNotGreater : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return a > b ? Vec<T>{} : dy; }
};
template <class T>
struct IfLess : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return a < b ? dy : Vec<T>{}; }
};
template <class T>
struct IfNotLess : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const { return a < b ? Vec<T>{} : dy; }
};

template <class T>
struct Power : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return power(a, b); }
};

// x0 to the power 0 has slope 0 even where x0 is 0, and so has 0 to any positive power: x0, x1, dy.
template <class T>
struct BaseGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const {
    return b == 0 ? Vec<T>{} : dy * b * power(a, b - 1);
  }
};
template <class T>
struct ExponentGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b, Vec<T> dy) const {
    return (a == 0 && b > 0) ? Vec<T>{} : dy * log<T>(a) * power(a, b);
  }
};

// -- with a number -----------------------------------------------------------------------------------------
template <class T>
struct AddNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x + this->number; }
};
template <class T>
struct MultiplyNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x * this->number; }
};
template <class T>
struct SubtractFromNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return this->number - x; }
};
template <class T>
struct DivideNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return this->number / x; }
};
template <class T>
struct DivideNumberGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * -this->number / (x * x); }
};
template <class T>
struct MaximumNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return at_least<T>(x, this->number); }
};
template <class T>
struct MaximumNumberGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return x > this->number ? dy : Vec<T>{}; }
};
template <class T>
struct MinimumNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return at_most<T>(x, this->number); }
};
template <class T>
struct MinimumNumberGradient : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return x < this->number ? dy : Vec<T>{}; }
};

// x to the power Twice / 2: whole exponents up to 4 and halves need no logarithm.
template <class T, int Twice>
NNABLA_INLINE Vec<T> simple_power(Vec<T> x) {
  constexpr int size = Twice < 0 ? -Twice : Twice;
  Vec<T> y = broadcast(T{1}), factor = x;
  if constexpr (size % 2) {
    // -0 and -infinity have the roots that their sizes have; what is between has none.
    factor = abs<T>(x);
    y = sqrt<T>((x < 0 && factor != infinity<T>) ? x : factor);
  }
#pragma GCC unroll 4
  for (int i = 0; i < size / 2; i++) y = i == 0 && size % 2 == 0 ? factor : y * factor;
  return Twice < 0 ? 1 / y : y;
}
template <class T, int Twice>
struct SimplePower : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return simple_power<T, Twice>(x); }
};
// dy times the power times a number: parameters[0] is the number.
template <class T, int Twice>
struct SimplePowerTimes : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * (simple_power<T, Twice>(x) * this->number); }
};
// The gradient of the power 0: x, dy.
template <class T>
struct ZeroPower : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T>, Vec<T> dy) const { return dy * 0; }
};
template <class T>
struct PowerOfElement : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return power(x, broadcast(this->number)); }
};
template <class T>
struct PowerTimes {
  explicit PowerTimes(const double* p) : number(static_cast<T>(p[0])), exponent(static_cast<T>(p[0] - 1)) {}
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * (power(x, broadcast(exponent)) * number); }
  T number, exponent;
};
template <class T>
struct PowerOfNumber : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return power(broadcast(this->number), x); }
};

template <class T>
constexpr Map maps[] = {
    binary<T, Add<T>>("Add2", cheap),
    binary<T, Subtract<T>>("Sub2", cheap),
    binary<T, Multiply<T>>("Mul2", cheap),
    binary<T, Divide<T>>("Div2", cheap),
    ternary<T, DivisorGradient<T>>("Div2'1", cheap),
    binary<T, Maximum<T>>("Maximum2", cheap),
    ternary<T, IfGreater<T>>("Maximum2'0", cheap),
    ternary<T, IfNotGreater<T>>("Maximum2'1", cheap),
    binary<T, Minimum<T>>("Minimum2", cheap),
    ternary<T, IfLess<T>>("Minimum2'0", cheap),
    ternary<T, IfNotLess<T>>("Minimum2'1", cheap),
    binary<T, Power<T>>("Pow2", costly),
    ternary<T, BaseGradient<T>>("Pow2'0", costly),
    ternary<T, ExponentGradient<T>>("Pow2'1", costly),
    unary<T, AddNumber<T>>("AddScalar", cheap),
    unary<T, MultiplyNumber<T>>("MulScalar", cheap),
    unary<T, SubtractFromNumber<T>>("RSubScalar", cheap),
    unary<T, DivideNumber<T>>("RDivScalar", cheap),
    gradient<T, DivideNumberGradient<T>>("RDivScalar'", cheap),
    unary<T, MaximumNumber<T>>("MaximumScalar", cheap),
    gradient<T, MaximumNumberGradient<T>>("MaximumScalar'", cheap),
    unary<T, MinimumNumber<T>>("MinimumScalar", cheap),
    gradient<T, MinimumNumberGradient<T>>("MinimumScalar'", cheap),
    unary<T, PowerOfElement<T>>("PowScalar", costly),
    gradient<T, PowerTimes<T>>("PowScalar'", costly),
    unary<T, PowerOfNumber<T>>("RPowScalar", costly),
    unary<T, SimplePower<T, -4>>("power -2", cheap),
    unary<T, SimplePower<T, -2>>("power -1", cheap),
    unary<T, SimplePower<T, -1>>("power -0.5", cheap),
    unary<T, SimplePower<T, 1>>("power 0.5", cheap),
    unary<T, SimplePower<T, 2>>("power 1", cheap),
    unary<T, SimplePower<T, 3>>("power 1.5", cheap),
    unary<T, SimplePower<T, 4>>("power 2", cheap),
    unary<T, SimplePower<T, 6>>("power 3", cheap),
    unary<T, SimplePower<T, 8>>("power 4", cheap),
    gradient<T, SimplePowerTimes<T, -6>>("power -2'", cheap),
    gradient<T, SimplePowerTimes<T, -4>>("power -1'", cheap),
    gradient<T, SimplePowerTimes<T, -3>>("power -0.5'", cheap),
    gradient<T, SimplePowerTimes<T, -1>>("power 0.5'", cheap),
    gradient<T, SimplePowerTimes<T, 0>>("power 1'", cheap),
    gradient<T, ZeroPower<T>>("PowScalar' 0", cheap),
    gradient<T, SimplePowerTimes<T, 1>>("power 1.5'", cheap),
    gradient<T, SimplePowerTimes<T, 2>>("power 2'", cheap),
    gradient<T, SimplePowerTimes<T, 4>>("power 3'", cheap),
    gradient<T, SimplePowerTimes<T, 6>>("power 4'", cheap),
    comparison<T, Equal<T>>("Equal"),
    comparison<T, NotEqual<T>>("NotEqual"),
    comparison<T, Greater<T>>("Greater"),
    comparison<T, GreaterEqual<T>>("GreaterEqual"),
    comparison<T, Less<T>>("Less"),
    comparison<T, LessEqual<T>>("LessEqual"),
    number_comparison<T, EqualNumber<T>>("EqualScalar"),
    number_comparison<T, NotEqualNumber<T>>("NotEqualScalar"),
    number_comparison<T, GreaterNumber<T>>("GreaterScalar"),
    number_comparison<T, GreaterEqualNumber<T>>("GreaterEqualScalar"),
    number_comparison<T, LessNumber<T>>("LessScalar"),
    number_comparison<T, LessEqualNumber<T>>("LessEqualScalar"),
    number_comparison<T, IsNaN<T>>("IsNaN"),
    number_comparison<T, IsInf<T>>("IsInf"),
    binary<T, EqualValue<T>>("Equal.float", cheap),
    binary<T, NotEqualValue<T>>("NotEqual.float", cheap),
    binary<T, GreaterValue<T>>("Greater.float", cheap),
    binary<T, GreaterEqualValue<T>>("GreaterEqual.float", cheap),
    binary<T, LessValue<T>>("Less.float", cheap),
    binary<T, LessEqualValue<T>>("LessEqual.float", cheap),
    unary<T, EqualNumberValue<T>>("EqualScalar.float", cheap),
    unary<T, NotEqualNumberValue<T>>("NotEqualScalar.float", cheap),
    unary<T, GreaterNumberValue<T>>("GreaterScalar.float", cheap),
    unary<T, GreaterEqualNumberValue<T>>("GreaterEqualScalar.float", cheap),
    unary<T, LessNumberValue<T>>("LessScalar.float", cheap),
    unary<T, LessEqualNumberValue<T>>("LessEqualScalar.float", cheap),
    unary<T, IsNaNValue<T>>("IsNaN.float", cheap),
    unary<T, IsInfValue<T>>("IsInf.float", cheap),
    binary<T, BinaryError<T>>("BinaryError", cheap),
    unary<T, BinarySigmoid<T>>("BinarySigmoid", cheap),
    gradient<T, BinarySigmoidGradient<T>>("BinarySigmoid'", cheap),
    unary<T, BinaryTanh<T>>("BinaryTanh", cheap),
    gradient<T, BinaryTanhGradient<T>>("BinaryTanh'", cheap),
    unary_elements<T, FixedPoint<T, true>>("fixed point", cheap),
    unary_elements<T, FixedPoint<T, false>>("fixed point from 0", cheap),
    gradient<T, Within<T>>("within'", cheap),
    unary<T, ResetNaN<T>>("ResetNaN", cheap),
    unary<T, ResetInf<T>>("ResetInf", cheap),
    binary_elements<T, And, 7>("LogicalAnd", cheap),
    binary_elements<T, Or, 7>("LogicalOr", cheap),
    binary_elements<T, Xor, 7>("LogicalXor", cheap),
    unary_elements<T, Not, 3>("LogicalNot", cheap),
    unary_elements<T, Chosen<T>, 1>("chosen", cheap),
    binary_elements<T, AndValue<T>, 3>("LogicalAnd.float", cheap),
    binary_elements<T, OrValue<T>, 3>("LogicalOr.float", cheap),
    binary_elements<T, XorValue<T>, 3>("LogicalXor.float", cheap),
    {"Where",
     3,
     1,
     false,
     {ElementLoop<T, Where<T>, 3, 1, 0>::run, nullptr, ElementLoop<T, Where<T>, 3, 1, 2>::run, nullptr,
      ElementLoop<T, Where<T>, 3, 1, 4>::run}},
};

}  // namespace

template <class T>
MapList arithmetic_maps() {
  return {maps<T>, sizeof maps<T> / sizeof(Map)};
}
template MapList arithmetic_maps<float>();
template MapList arithmetic_maps<double>();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
