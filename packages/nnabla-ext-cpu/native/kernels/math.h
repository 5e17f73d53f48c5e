// Elementary functions of vectors, to a few units in the last place, with infinities and NaN as in the C library.
#pragma once

#include <type_traits>

#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
struct FloatFormat;

template <>
struct FloatFormat<float> {
  typedef std::int32_t Int;
  static constexpr int mantissa = 23, bias = 127, exp_terms = 8, log_terms = 5;
  static constexpr float round = 12582912.0f;  // 1.5 * 2^23: adding it rounds to an integer
  static constexpr float ln2_high = 0.693145751953125f, ln2_low = 1.42860682030941723e-6f;
  static constexpr float exp_least = -104.0f, exp_most = 89.0f, tanh_most = 10.0f;
};

template <>
struct FloatFormat<double> {
  typedef std::int64_t Int;
  static constexpr int mantissa = 52, bias = 1023, exp_terms = 14, log_terms = 12;
  static constexpr double round = 6755399441055744.0;  // 1.5 * 2^52
  static constexpr double ln2_high = 0.693147180369123816490, ln2_low = 1.90821492927058770002e-10;
  static constexpr double exp_least = -746.0, exp_most = 710.0, tanh_most = 20.0;
};

template <class T>
using VecInt = Vec<typename FloatFormat<T>::Int>;

template <class T>
NNABLA_INLINE VecInt<T> bits(Vec<T> x) {
  VecInt<T> i;
  std::memcpy(&i, &x, sizeof i);
  return i;
}

template <class T>
NNABLA_INLINE Vec<T> from_bits(VecInt<T> i) {
  Vec<T> x;
  std::memcpy(&x, &i, sizeof x);
  return x;
}

// a - b, which wraps around where it is too large.
template <class T>
NNABLA_INLINE VecInt<T> wrapped_difference(VecInt<T> a, VecInt<T> b) {
  typedef Vec<std::make_unsigned_t<typename FloatFormat<T>::Int>> Unsigned;
  return reinterpret_cast<VecInt<T>>(reinterpret_cast<Unsigned>(a) - reinterpret_cast<Unsigned>(b));
}

// 2^n for integers n of normal numbers.
template <class T>
NNABLA_INLINE Vec<T> power_of_two(VecInt<T> n) {
  typedef FloatFormat<T> F;
  return from_bits<T>((n + F::bias) << F::mantissa);
}

template <class T>
constexpr T reciprocal_factorial(int n) {
  double f = 1;
  for (int i = 2; i <= n; i++) f *= i;
  return static_cast<T>(1 / f);
}

// x = n ln 2 + r with |r| <= ln 2 / 2.
template <class T>
struct Reduced {
  VecInt<T> n;
  Vec<T> r;

  NNABLA_INLINE explicit Reduced(Vec<T> x) {
    typedef FloatFormat<T> F;
    const Vec<T> shifted = x * static_cast<T>(1.44269504088896340736) + F::round;
    n = bits<T>(shifted) - bits<T>(broadcast<T>(F::round));
    const Vec<T> whole = shifted - F::round;
    r = x - whole * F::ln2_high;
    r -= whole * F::ln2_low;
  }
};

// (exp(r) - 1) / r for small r, by its series.
template <class T>
NNABLA_INLINE Vec<T> exp_series(Vec<T> r) {
  Vec<T> p = broadcast(reciprocal_factorial<T>(FloatFormat<T>::exp_terms));
#pragma GCC unroll 16
  for (int k = FloatFormat<T>::exp_terms - 1; k >= 1; k--) p = p * r + reciprocal_factorial<T>(k);
  return p;
}

template <class T>
NNABLA_INLINE Vec<T> exp(Vec<T> x) {
  typedef FloatFormat<T> F;
  x = x > F::exp_most ? broadcast<T>(F::exp_most) : x;
  x = x < F::exp_least ? broadcast<T>(F::exp_least) : x;
  const Reduced<T> at(x);
  const Vec<T> p = exp_series<T>(at.r) * at.r + 1;
  // In two steps, so that results beyond the normal numbers come out right.
  const VecInt<T> half = at.n >> 1;
  return p * power_of_two<T>(half) * power_of_two<T>(at.n - half);
}

// exp(x) - 1 for x up to about 60, accurate where x is small.
template <class T>
NNABLA_INLINE Vec<T> exp_minus_one(Vec<T> x) {
  const Reduced<T> at(x);
  const Vec<T> scale = power_of_two<T>(at.n);
  return exp_series<T>(at.r) * at.r * scale + (scale - 1);
}

template <class T>
NNABLA_INLINE Vec<T> tanh(Vec<T> x) {
  typedef FloatFormat<T> F;
  Vec<T> a = x < 0 ? -x : x;
  a = a > F::tanh_most ? broadcast<T>(F::tanh_most) : a;
  const Vec<T> e = exp_minus_one<T>(a + a);
  const Vec<T> y = e / (e + 2);
  return x < 0 ? -y : y;
}

template <class T>
NNABLA_INLINE Vec<T> sigmoid(Vec<T> x) {
  return 1 / (1 + exp<T>(-x));
}

template <class T>
NNABLA_INLINE Vec<T> log(Vec<T> x) {
  typedef FloatFormat<T> F;
  typedef typename F::Int I;
  const Vec<T> infinity = broadcast(std::numeric_limits<T>::infinity());
  const Vec<T> nan = broadcast(std::numeric_limits<T>::quiet_NaN());
  const T tiny = std::numeric_limits<T>::min(), lift = static_cast<T>(I{1} << F::mantissa);
  const Vec<T> normal = x < tiny ? x * lift : x;
  const VecInt<T> shift = x < tiny ? VecInt<T>{} + F::mantissa : VecInt<T>{};
  // m in [sqrt(1/2), sqrt(2)), x = m 2^n; nonsense for x <= 0, whose result is replaced at the end
  const VecInt<T> root = bits<T>(broadcast(static_cast<T>(0.70710678118654752440)));
  const VecInt<T> n = wrapped_difference<T>(bits<T>(normal), root) >> F::mantissa;
  const Vec<T> m = from_bits<T>(wrapped_difference<T>(bits<T>(normal), n << F::mantissa));
  const Vec<T> s = (m - 1) / (m + 1), square = s * s;
  Vec<T> p = broadcast(static_cast<T>(2.0 / (2 * F::log_terms + 1)));
#pragma GCC unroll 16
  for (int k = F::log_terms - 1; k >= 1; k--) p = p * square + static_cast<T>(2.0 / (2 * k + 1));
  const Vec<T> exponent = __builtin_convertvector(n - shift, Vec<T>);
  // log m = 2 s + s^3 p: the first term is written by f - f s, which rounds less.
  const Vec<T> f = m - 1;
  Vec<T> y = f - s * (f - square * p) + exponent * F::ln2_low + exponent * F::ln2_high;
  y = x == infinity ? infinity : y;
  y = x == 0 ? -infinity : y;
  return x < 0 ? nan : (x == x ? y : x);
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
