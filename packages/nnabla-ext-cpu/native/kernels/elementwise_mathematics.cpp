// Elementary functions and the gradients that are more than one operation.
#include "kernels/elementwise_maps.h"
#include "kernels/functions.h"
#include "kernels/map.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

struct Plain {
  explicit Plain(const double*) {}
};

// A map without parameters from a function of vectors.
template <class T, Vec<T> (*Function)(Vec<T>)>
struct Of : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return Function(x); }
};
template <class T, Vec<T> (*Function)(Vec<T>, Vec<T>)>
struct OfTwo : Plain {
  using Plain::Plain;
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const { return Function(x, dy); }
};

template <class T>
NNABLA_INLINE Vec<T> abs_gradient(Vec<T> x, Vec<T> dy) {
  return x >= 0 ? dy : -dy;
}
template <class T>
NNABLA_INLINE Vec<T> sqrt_gradient(Vec<T> y, Vec<T> dy) {
  return static_cast<T>(0.5) * dy / y;
}
template <class T>
NNABLA_INLINE Vec<T> log1p_gradient(Vec<T> x, Vec<T> dy) {
  return dy / (1 + x);
}
template <class T>
NNABLA_INLINE Vec<T> expm1_gradient(Vec<T> y, Vec<T> dy) {
  return dy * (y + 1);
}

NNABLA_INLINE float library_sin(float x) { return __builtin_sinf(x); }
NNABLA_INLINE double library_sin(double x) { return __builtin_sin(x); }
NNABLA_INLINE float library_cos(float x) { return __builtin_cosf(x); }
NNABLA_INLINE double library_cos(double x) { return __builtin_cos(x); }

// A functor of sine, cosine and what they are multiplied with, for vectors and for single elements.
struct TakeSine {
  template <class V>
  static NNABLA_INLINE V of(V s, V, V) {
    return s;
  }
};
struct TakeCosine {
  template <class V>
  static NNABLA_INLINE V of(V, V c, V) {
    return c;
  }
};
struct TakeTangent {
  template <class V>
  static NNABLA_INLINE V of(V s, V c, V) {
    return s / c;
  }
};
struct SineGradient {
  template <class V>
  static NNABLA_INLINE V of(V, V c, V dy) {
    return dy * c;
  }
};
struct CosineGradient {
  template <class V>
  static NNABLA_INLINE V of(V s, V, V dy) {
    return -dy * s;
  }
};
struct TangentGradient {
  template <class V>
  static NNABLA_INLINE V of(V, V c, V dy) {
    return dy / (c * c);
  }
};

// Of x, or of x and dy. Far out, where the reduction would lose digits, the C library knows all of pi.
template <class T, class Take, int Inputs>
struct Circular : Plain {
  using Plain::Plain;

  NNABLA_INLINE Vec<T> operator()(Vec<T> x) const { return (*this)(x, x); }
  NNABLA_INLINE Vec<T> operator()(Vec<T> x, Vec<T> dy) const {
    Vec<T> s, c;
    sin_and_cos<T>(x, s, c);
    return Take::of(s, c, dy);
  }

  static void run(long n, const void* const* in, void* out, const double* parameters) {
    constexpr long block = 256;
    const T* x = static_cast<const T*>(in[0]);
    const T* dy = static_cast<const T*>(in[Inputs - 1]);
    T* y = static_cast<T*>(out);
    for (long at = 0; at < n; at += block) {
      const long length = smaller(block, n - at);
      const void* part[2] = {x + at, dy + at};
      VectorLoop<T, Circular, Inputs, 0>::run(length, part, y + at, parameters);
      int far = 0;
      for (long i = at; i < at + length; i++) far |= !(x[i] <= Circle<T>::most && x[i] >= -Circle<T>::most);
      if (!far) continue;
      for (long i = at; i < at + length; i++)
        if (!(x[i] <= Circle<T>::most && x[i] >= -Circle<T>::most))
          y[i] = Take::of(library_sin(x[i]), library_cos(x[i]), dy[i]);
    }
  }
};
template <class T, class Take, int Inputs>
constexpr Map circular(const char* name) {
  return {name, Inputs, 0, true, {Circular<T, Take, Inputs>::run}};
}

// sqrt(1 - x^2) without losing digits near -1 and 1
template <class T>
NNABLA_INLINE Vec<T> leg(Vec<T> x) {
  return sqrt<T>((1 - x) * (1 + x));
}
template <class T>
NNABLA_INLINE Vec<T> asin(Vec<T> x) {
  return atan<T>(x / leg<T>(x));
}
template <class T>
NNABLA_INLINE Vec<T> acos(Vec<T> x) {
  return 2 * atan<T>(sqrt<T>((1 - x) / (1 + x)));
}
template <class T>
NNABLA_INLINE Vec<T> asin_gradient(Vec<T> x, Vec<T> dy) {
  return dy / leg<T>(x);
}
template <class T>
NNABLA_INLINE Vec<T> acos_gradient(Vec<T> x, Vec<T> dy) {
  return -dy / leg<T>(x);
}
template <class T>
NNABLA_INLINE Vec<T> atan_gradient(Vec<T> x, Vec<T> dy) {
  return dy / (1 + x * x);
}

// In halves, since e^|x| overflows a little before the results do.
template <class T>
NNABLA_INLINE Vec<T> sinh(Vec<T> x) {
  const Vec<T> size = abs<T>(x), half = exp<T>(static_cast<T>(0.5) * size);
  const Vec<T> near = exp_minus_one<T>(at_most<T>(size, 20));
  const Vec<T> small = static_cast<T>(0.5) * (near + near / (near + 1));
  return with_sign_of<T>(size > 20 ? (static_cast<T>(0.5) * half) * half : small, x);
}
template <class T>
NNABLA_INLINE Vec<T> cosh(Vec<T> x) {
  const Vec<T> half = exp<T>(static_cast<T>(0.5) * abs<T>(x));
  return (static_cast<T>(0.5) * half) * half + static_cast<T>(0.5) / (half * half);
}
template <class T>
NNABLA_INLINE Vec<T> sinh_gradient(Vec<T> x, Vec<T> dy) {
  return dy * cosh<T>(x);
}
template <class T>
NNABLA_INLINE Vec<T> cosh_gradient(Vec<T> x, Vec<T> dy) {
  return dy * sinh<T>(x);
}

// From 1e8 on the square of a value hides the 1 that is added to it.
constexpr double large = 1e8, ln2 = 0.69314718055994530942;
template <class T>
NNABLA_INLINE Vec<T> asinh(Vec<T> x) {
  const Vec<T> size = abs<T>(x), small = at_most<T>(size, large), square = small * small;
  const Vec<T> near = log1p<T>(small + square / (1 + sqrt<T>(square + 1)));
  return with_sign_of<T>(size > static_cast<T>(large) ? log<T>(size) + static_cast<T>(ln2) : near, x);
}
template <class T>
NNABLA_INLINE Vec<T> acosh(Vec<T> x) {
  const Vec<T> over = at_most<T>(x, large) - 1;
  const Vec<T> near = log1p<T>(over + sqrt<T>(over) * sqrt<T>(over + 2));
  return x > static_cast<T>(large) ? log<T>(x) + static_cast<T>(ln2) : near;
}
template <class T>
NNABLA_INLINE Vec<T> atanh(Vec<T> x) {
  const Vec<T> size = abs<T>(x);
  return with_sign_of<T>(static_cast<T>(0.5) * log1p<T>(2 * size / (1 - size)), x);
}
template <class T>
NNABLA_INLINE Vec<T> asinh_gradient(Vec<T> x, Vec<T> dy) {
  return dy / sqrt<T>(x * x + 1);
}
template <class T>
NNABLA_INLINE Vec<T> acosh_gradient(Vec<T> x, Vec<T> dy) {
  return dy / sqrt<T>((x - 1) * (x + 1));
}
template <class T>
NNABLA_INLINE Vec<T> atanh_gradient(Vec<T> x, Vec<T> dy) {
  return dy / ((1 - x) * (1 + x));
}

template <class T>
NNABLA_INLINE Vec<T> erf_gradient(Vec<T> x, Vec<T> dy) {
  return dy * (exp<T>(-x * x) * static_cast<T>(1.12837916709551257390));
}

NNABLA_INLINE float down(float x) { return __builtin_floorf(x); }
NNABLA_INLINE double down(double x) { return __builtin_floor(x); }
NNABLA_INLINE float to_zero(float x) { return __builtin_truncf(x); }
NNABLA_INLINE double to_zero(double x) { return __builtin_trunc(x); }

template <class T>
struct Floor : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(T x) const { return down(x); }
};
template <class T>
struct Ceil : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(T x) const { return -down(-x); }
};
// Halves away from 0.
template <class T>
struct Round : Plain {
  using Plain::Plain;
  NNABLA_INLINE T operator()(T x) const {
    const T whole = to_zero(x), rest = x - whole;
    const T half = static_cast<T>(0.5);
    return whole + (rest >= half ? T{1} : T{0}) - (rest <= -half ? T{1} : T{0});
  }
};
template <class T>
struct Sign {
  explicit Sign(const double* p) : alpha(static_cast<T>(p[0])) {}
  NNABLA_INLINE T operator()(T x) const { return x > 0 ? T{1} : (x < 0 ? T{-1} : alpha); }
  T alpha;
};

template <class T>
constexpr Map maps[] = {
    unary<T, Of<T, abs<T>>>("Abs", cheap),
    gradient<T, OfTwo<T, abs_gradient<T>>>("Abs'", cheap),
    unary<T, Of<T, exp<T>>>("Exp", costly),
    unary<T, Of<T, expm1<T>>>("Expm1", costly),
    gradient<T, OfTwo<T, expm1_gradient<T>>>("Expm1'", cheap),
    unary<T, Of<T, log<T>>>("Log", costly),
    unary<T, Of<T, log1p<T>>>("Log1p", costly),
    gradient<T, OfTwo<T, log1p_gradient<T>>>("Log1p'", cheap),
    unary<T, Of<T, sqrt<T>>>("Sqrt", cheap),
    gradient<T, OfTwo<T, sqrt_gradient<T>>>("Sqrt'", cheap),
    unary_elements<T, Floor<T>>("Floor", cheap),
    unary_elements<T, Ceil<T>>("Ceil", cheap),
    unary_elements<T, Round<T>>("Round", cheap),
    unary_elements<T, Sign<T>>("Sign", cheap),
    circular<T, TakeSine, 1>("Sin"),
    circular<T, SineGradient, 2>("Sin'"),
    circular<T, TakeCosine, 1>("Cos"),
    circular<T, CosineGradient, 2>("Cos'"),
    circular<T, TakeTangent, 1>("Tan"),
    circular<T, TangentGradient, 2>("Tan'"),
    unary<T, Of<T, asin<T>>>("ASin", costly),
    gradient<T, OfTwo<T, asin_gradient<T>>>("ASin'", cheap),
    unary<T, Of<T, acos<T>>>("ACos", costly),
    gradient<T, OfTwo<T, acos_gradient<T>>>("ACos'", cheap),
    unary<T, Of<T, atan<T>>>("ATan", costly),
    gradient<T, OfTwo<T, atan_gradient<T>>>("ATan'", cheap),
    unary<T, Of<T, sinh<T>>>("Sinh", costly),
    gradient<T, OfTwo<T, sinh_gradient<T>>>("Sinh'", costly),
    unary<T, Of<T, cosh<T>>>("Cosh", costly),
    gradient<T, OfTwo<T, cosh_gradient<T>>>("Cosh'", costly),
    unary<T, Of<T, asinh<T>>>("ASinh", costly),
    gradient<T, OfTwo<T, asinh_gradient<T>>>("ASinh'", cheap),
    unary<T, Of<T, acosh<T>>>("ACosh", costly),
    gradient<T, OfTwo<T, acosh_gradient<T>>>("ACosh'", cheap),
    unary<T, Of<T, atanh<T>>>("ATanh", costly),
    gradient<T, OfTwo<T, atanh_gradient<T>>>("ATanh'", cheap),
    unary<T, Of<T, erf<T>>>("Erf", costly),
    gradient<T, OfTwo<T, erf_gradient<T>>>("Erf'", costly),
};

}  // namespace

template <class T>
MapList mathematics_maps() {
  return {maps<T>, sizeof maps<T> / sizeof(Map)};
}
template MapList mathematics_maps<float>();
template MapList mathematics_maps<double>();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
