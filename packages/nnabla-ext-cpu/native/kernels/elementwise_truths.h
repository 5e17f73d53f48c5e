// Truth values, as such and as numbers, choices between values, and values on a grid.
#pragma once

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
NNABLA_INLINE float to_zero(float x) { return __builtin_truncf(x); }
NNABLA_INLINE double to_zero(double x) { return __builtin_trunc(x); }

template <class T, class M>
NNABLA_INLINE Vec<T> ones_where(M holds) {
  return holds ? broadcast(T{1}) : Vec<T>{};
}

#define NNABLA_COMPARISON(Name, operation)                                                              \
  template <class T>                                                                                    \
  struct Name : Plain {                                                                                 \
    using Plain::Plain;                                                                                 \
    NNABLA_INLINE Truth operator()(T a, T b) const { return a operation b; }                            \
  };                                                                                                    \
  template <class T>                                                                                    \
  struct Name##Number : WithNumber<T> {                                                                 \
    using WithNumber<T>::WithNumber;                                                                    \
    NNABLA_INLINE Truth operator()(T x) const { return x operation this->number; }                      \
  };                                                                                                    \
  template <class T>                                                                                    \
  struct Name##Value : Plain {                                                                          \
    using Plain::Plain;                                                                                 \
    NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const { return ones_where<T>(a operation b); }  \
  };                                                                                                    \
  template <class T>                                                                                    \
  struct Name##NumberValue : WithNumber<T> {                                                            \
    using WithNumber<T>::WithNumber;                                                                    \
    NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return ones_where<T>(x operation this->number); } \
  };
NNABLA_COMPARISON(Equal, ==)
NNABLA_COMPARISON(NotEqual, !=)
NNABLA_COMPARISON(Greater, >)
NNABLA_COMPARISON(GreaterEqual, >=)
NNABLA_COMPARISON(Less, <)
NNABLA_COMPARISON(LessEqual, <=)
#undef NNABLA_COMPARISON

template <class T>
struct IsNaN : Plain {
  using Plain::Plain;
  NNABLA_INLINE Truth operator()(T x) const { return x != x; }
};
template <class T>
struct IsInf : Plain {
  using Plain::Plain;
  NNABLA_INLINE Truth operator()(T x) const { return (x == infinity<T>) | (x == -infinity<T>); }
};
template <class T>
struct IsNaNValue : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return ones_where<T>(x != x); }
};
template <class T>
struct IsInfValue : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return ones_where<T>(abs<T>(x) == infinity<T>); }
};
template <class T>
struct ResetNaN : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x == x ? x : broadcast(this->number); }
};
template <class T>
struct ResetInf : WithNumber<T> {
  using WithNumber<T>::WithNumber;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return abs<T>(x) == infinity<T> ? broadcast(this->number) : x; }
};

struct And : Plain {
  using Plain::Plain;
  NNABLA_INLINE Truth operator()(Truth a, Truth b) const { return a & b; }
};
struct Or : Plain {
  using Plain::Plain;
  NNABLA_INLINE Truth operator()(Truth a, Truth b) const { return a | b; }
};
struct Xor : Plain {
  using Plain::Plain;
  NNABLA_INLINE Truth operator()(Truth a, Truth b) const { return a ^ b; }
};
struct Not : Plain {
  using Plain::Plain;
  NNABLA_INLINE Truth operator()(Truth a) const { return a ^ 1; }
};

// Truth values as the numbers as which they are kept: the first parameter for false, the second for true.
template <class T>
struct Chosen {
  explicit Chosen(const double* p) : of_false(static_cast<T>(p[0])), of_true(static_cast<T>(p[1])) {}
  NNABLA_INLINE T operator()(Truth x) const { return x ? of_true : of_false; }
  T of_false, of_true;
};
template <class T>
struct AndValue : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(Truth a, Truth b) const { return static_cast<T>(a & b); }
};
template <class T>
struct OrValue : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(Truth a, Truth b) const { return static_cast<T>(a | b); }
};
template <class T>
struct XorValue : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(Truth a, Truth b) const { return static_cast<T>(a ^ b); }
};

template <class T>
struct Where : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(Truth condition, T a, T b) const { return condition ? a : b; }
};

template <class T, class F>
constexpr Map number_comparison(const char* name) {
  return unary_elements<T, F, 2>(name, cheap);
}
template <class T, class F>
constexpr Map comparison(const char* name) {
  return binary_elements<T, F, 4>(name, cheap);
}

// -- quantization ------------------------------------------------------------------------------------------
template <class T>
struct BinaryError : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> a, Vec<T> b) const {
    return ones_where<T>((a >= static_cast<T>(0.5)) ^ (b >= static_cast<T>(0.5)));
  }
};
template <class T>
struct BinarySigmoid : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return ones_where<T>(x > 0); }
};
template <class T>
struct BinarySigmoidGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    return dy * (abs<T>(x) < 1 ? broadcast(static_cast<T>(0.5)) : Vec<T>{});
  }
};
template <class T>
struct BinaryTanh : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return x > 0 ? broadcast(T{1}) : broadcast(T{-1}); }
};
template <class T>
struct BinaryTanhGradient : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * ones_where<T>(abs<T>(x) < 1); }
};

// Multiples of a step, the second parameter, up to the first parameter, half away from 0.
template <class T, bool Signed>
struct FixedPoint {
  explicit FixedPoint(const double* p)
      : low(Signed ? static_cast<T>(-p[0]) : T(0)),
        high(static_cast<T>(p[0])),
        reciprocal(static_cast<T>(1 / p[1])),
        step(static_cast<T>(p[1])) {}
  NNABLA_INLINE T operator()(T x) const {
    x = x < low ? low : x;
    x = (x > high ? high : x) * reciprocal;
    const T whole = to_zero(x), rest = x - whole, half = static_cast<T>(0.5);
    return (whole + (rest >= half ? T{1} : T{0}) - (rest <= -half ? T{1} : T{0})) * step;
  }
  T low, high, reciprocal, step;
};
// The gradient where a value is from the first parameter to the second one.
template <class T>
struct Within {
  explicit Within(const double* p) : low(static_cast<T>(p[0])), high(static_cast<T>(p[1])) {}
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return dy * ones_where<T>((x <= high) & (x >= low)); }
  T low, high;
};

}  // namespace
}  // namespace NNABLA_TARGET
}  // namespace nnabla
