// More elementary functions of vectors, over those of math.h.
#pragma once

#include "kernels/math.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
constexpr T infinity = std::numeric_limits<T>::infinity();
template <class T>
constexpr T not_a_number = std::numeric_limits<T>::quiet_NaN();

template <class T>
NNABLA_INLINE Vec<T> abs(Vec<T> x) {
  typedef typename FloatFormat<T>::Int I;
  return from_bits<T>(bits<T>(x) & std::numeric_limits<I>::max());
}

template <class T>
NNABLA_INLINE Vec<T> with_sign_of(Vec<T> size, Vec<T> x) {
  typedef typename FloatFormat<T>::Int I;
  return from_bits<T>(bits<T>(size) | (bits<T>(x) & std::numeric_limits<I>::min()));
}

NNABLA_INLINE float square_root(float x) { return __builtin_sqrtf(x); }
NNABLA_INLINE double square_root(double x) { return __builtin_sqrt(x); }

template <class T>
NNABLA_INLINE Vec<T> sqrt(Vec<T> x) {
#if defined(__AVX512F__)
  if constexpr (sizeof(T) == 4)
    return __builtin_ia32_sqrtps512_mask(x, x, -1, 4);
  else
    return __builtin_ia32_sqrtpd512_mask(x, x, -1, 4);
#elif defined(__AVX2__)
  if constexpr (sizeof(T) == 4)
    return __builtin_ia32_sqrtps256(x);
  else
    return __builtin_ia32_sqrtpd256(x);
#else
  for (int i = 0; i < lanes<T>; i++) x[i] = square_root(x[i]);
  return x;
#endif
}

// Clamped from below and from above; NaN stays.
template <class T>
NNABLA_INLINE Vec<T> at_least(Vec<T> x, T least) {
  return x < least ? broadcast(least) : x;
}
template <class T>
NNABLA_INLINE Vec<T> at_most(Vec<T> x, T most) {
  return x > most ? broadcast(most) : x;
}

// exp(x) - 1, for values that are not above 0 and for all.
template <class T>
NNABLA_INLINE Vec<T> expm1_below_zero(Vec<T> x) {
  return exp_minus_one<T>(at_least<T>(x, -60));
}
template <class T>
NNABLA_INLINE Vec<T> expm1(Vec<T> x) {
  const Vec<T> near = exp_minus_one<T>(at_least<T>(at_most<T>(x, 60), -60));
  return x > 60 ? exp<T>(x) : near;
}

// log(1 + x): what rounding 1 + x loses is put back.
template <class T>
NNABLA_INLINE Vec<T> log1p(Vec<T> x) {
  const Vec<T> u = 1 + x;
  const Vec<T> y = log<T>(u) + (x - (u - 1)) / u;
  return (u == 0 || x == infinity<T>) ? log<T>(u) : y;
}

// log(1 + x) for x from 0 to 1.
template <class T>
NNABLA_INLINE Vec<T> log1p_small(Vec<T> x) {
  const Vec<T> u = 1 + x;
  return log<T>(u) + (x - (u - 1)) / u;
}

// log(1 + exp(x))
template <class T>
NNABLA_INLINE Vec<T> softplus(Vec<T> x) {
  return at_least<T>(x, 0) + log1p_small<T>(exp<T>(-abs<T>(x)));
}

// -- circular ----------------------------------------------------------------------------------------------
template <class T>
struct Circle;

// The parts of pi / 2 have so few digits that their products with whole numbers are exact up to `most`.
template <>
struct Circle<float> {
  static constexpr float first = 1.5703125f, second = 4.837512969970703125e-4f, third = 7.549789954891882e-8f;
  static constexpr float most = 8192;
  static constexpr int terms = 4, arc_terms = 10;
};
template <>
struct Circle<double> {
  static constexpr double first = 1.57079625129699707031, second = 7.54978941586159635335e-8,
                          third = 5.39030285815811905290e-15;
  static constexpr double most = 1e6;
  static constexpr int terms = 9, arc_terms = 21;
};

// For sizes up to Circle<T>::most.
template <class T>
NNABLA_INLINE void sin_and_cos(Vec<T> x, Vec<T>& sine, Vec<T>& cosine) {
  typedef Circle<T> C;
  typedef FloatFormat<T> F;
  const Vec<T> shifted = x * static_cast<T>(0.63661977236758134308) + F::round;
  const VecInt<T> quarter = bits<T>(shifted) - bits<T>(broadcast<T>(F::round));
  const Vec<T> whole = shifted - F::round;
  Vec<T> r = x - whole * C::first;
  r -= whole * C::second;
  r -= whole * C::third;
  const Vec<T> square = r * r;
  Vec<T> s = {}, c = {};
#pragma GCC unroll 16
  for (int k = C::terms; k >= 1; k--) {
    const T sign = k % 2 ? -1 : 1;
    s = (s + sign * reciprocal_factorial<T>(2 * k + 1)) * square;
    c = (c + sign * reciprocal_factorial<T>(2 * k)) * square;
  }
  s = r + r * s;
  c = 1 + c;
  const VecInt<T> odd = -(quarter & 1);
  const Vec<T> first = odd ? c : s, second = odd ? s : c;
  sine = (quarter & 2) != 0 ? -first : first;
  cosine = ((quarter + 1) & 2) != 0 ? -second : second;
}

template <class T>
NNABLA_INLINE Vec<T> atan(Vec<T> x) {
  typedef Circle<T> C;
  const T half = static_cast<T>(1.57079632679489661923);
  const Vec<T> size = abs<T>(x);
  const VecInt<T> beyond = size > 1;
  const Vec<T> inner = beyond ? 1 / size : size;
  // Above tan(pi / 8) the angle is measured from pi / 4.
  const VecInt<T> turned = inner > static_cast<T>(0.41421356237309504880);
  const Vec<T> z = turned ? (inner - 1) / (inner + 1) : inner;
  const Vec<T> square = z * z;
  Vec<T> p = {};
#pragma GCC unroll 32
  for (int k = C::arc_terms; k >= 1; k--) p = (p + static_cast<T>((k % 2 ? -1.0 : 1.0) / (2 * k + 1))) * square;
  Vec<T> angle = z + z * p;
  angle = turned ? angle + half / 2 : angle;
  angle = beyond ? half - angle : angle;
  return with_sign_of<T>(angle, x);
}

// -- powers ------------------------------------------------------------------------------------------------
// Single precision by logarithm and exponential in double precision, of as many terms as that needs.
NNABLA_INLINE Vec<double> rough_power(Vec<double> x, Vec<double> y) {
  typedef FloatFormat<double> F;
  typedef VecInt<double> Ints;
  const Vec<double> size = abs<double>(x);
  const Ints root = bits<double>(broadcast(0.70710678118654752440));
  const Ints n = (bits<double>(size) - root) >> F::mantissa;
  const Vec<double> m = from_bits<double>(bits<double>(size) - (n << F::mantissa));
  const Vec<double> s = (m - 1) / (m + 1), square = s * s;
  Vec<double> p = broadcast(2.0 / 13);
#pragma GCC unroll 8
  for (int k = 5; k >= 0; k--) p = p * square + 2.0 / (2 * k + 1);
  Vec<double> logarithm = s * p + __builtin_convertvector(n, Vec<double>) * 0.69314718055994530942;
  logarithm = size == infinity<double> ? size : logarithm;
  logarithm = size == 0 ? broadcast(-infinity<double>) : logarithm;
  const Reduced<double> at(at_least<double>(at_most<double>(y * logarithm, 200), -200));
  Vec<double> e = broadcast(reciprocal_factorial<double>(9));
#pragma GCC unroll 8
  for (int k = 8; k >= 0; k--) e = e * at.r + reciprocal_factorial<double>(k);
  Vec<double> result = e * power_of_two<double>(at.n);
  result = size != size ? size : result;

  // Whole exponents, of which the odd ones keep a sign; all large ones are even.
  const Vec<double> reach = abs<double>(y), half = 0.5 * y;
  const Ints whole = reach > 1e9 || (y + F::round) - F::round == y;
  const Ints odd = whole && reach < 1e9 && (half + F::round) - F::round != half;
  result = size == 1 && y == y ? broadcast(1.0) : result;
  result = odd ? with_sign_of<double>(result, x) : result;
  result = x < 0 && size != infinity<double> && !whole ? broadcast(not_a_number<double>) : result;
  return y == 0 || x == 1 ? broadcast(1.0) : result;
}

NNABLA_INLINE Vec<float> power(Vec<float> x, Vec<float> y) {
  typedef float Half __attribute__((vector_size(vector_bytes / 2)));
  Half a[2], b[2];
  std::memcpy(a, &x, sizeof x);
  std::memcpy(b, &y, sizeof y);
  for (int i = 0; i < 2; i++)
    a[i] = __builtin_convertvector(
        rough_power(__builtin_convertvector(a[i], Vec<double>), __builtin_convertvector(b[i], Vec<double>)), Half);
  std::memcpy(&x, a, sizeof x);
  return x;
}

NNABLA_INLINE Vec<double> power(Vec<double> x, Vec<double> y) {
  for (int i = 0; i < lanes<double>; i++) x[i] = __builtin_pow(x[i], y[i]);
  return x;
}

// -- error function ----------------------------------------------------------------------------------------
template <class T, int N>
NNABLA_INLINE Vec<T> polynomial(const double (&coefficients)[N], Vec<T> x) {
  Vec<T> y = broadcast(static_cast<T>(coefficients[0]));
#pragma GCC unroll 16
  for (int i = 1; i < N; i++) y = y * x + static_cast<T>(coefficients[i]);
  return y;
}

// Cody 1969, "Rational Chebyshev approximations for the error function".
constexpr double erf_near_top[] = {1.85777706184603153e-1, 3.16112374387056560, 113.864154151050156,
                                   377.485237685302021, 3209.37758913846947};
constexpr double erf_near_bottom[] = {1.0, 23.6012909523441209, 244.024637934444173, 1282.61652607737228,
                                      2844.23683343917062};
constexpr double erf_far_top[] = {2.15311535474403846e-8, 0.564188496988670089, 8.88314979438837594,
                                  66.1191906371416295,    298.635138197400131,  881.952221241769090,
                                  1712.04761263407058,    2051.07837782607147,  1230.33935479799725};
constexpr double erf_far_bottom[] = {1.0,
                                     15.7449261107098347,
                                     117.693950891312499,
                                     537.181101862009858,
                                     1621.38957456669019,
                                     3290.79923573345963,
                                     4362.61909014324716,
                                     3439.36767414372164,
                                     1230.33935480374942};

template <class T>
NNABLA_INLINE Vec<T> erf(Vec<T> x) {
  const Vec<T> size = at_most<T>(abs<T>(x), 6);
  const Vec<T> square = size * size;
  const Vec<T> near = x * (polynomial<T>(erf_near_top, square) / polynomial<T>(erf_near_bottom, square));
  const Vec<T> far = 1 - exp<T>(-square) * (polynomial<T>(erf_far_top, size) / polynomial<T>(erf_far_bottom, size));
  return size < static_cast<T>(0.46875) ? near : (x < 0 ? -far : far);
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
