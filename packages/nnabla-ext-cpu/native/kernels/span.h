// Loops over rows: whole vectors first, then what is left over.
#pragma once

#include "kernels/math.h"

namespace nnabla {
namespace NNABLA_TARGET {

// The element or the vector V at p.
template <class V, class T>
NNABLA_INLINE V get(const T* p) {
  if constexpr (sizeof(V) == sizeof(T)) {
    return *p;
  } else {
    return load(p);
  }
}

template <class T>
NNABLA_INLINE void put(T* p, T v) {
  *p = v;
}

template <class T>
NNABLA_INLINE void put(T* p, Vec<T> v) {
  store(p, v);
}

// Join all lanes by f, in pairs.
template <class T, int Step = lanes<T> / 2, class F>
NNABLA_INLINE T join_lanes(Vec<T> v, F&& f) {
  if constexpr (Step == 0) {
    return v[0];
  } else {
    const Vec<T> other = shuffle(v, v, [](int i) { return i ^ Step; });
    return join_lanes<T, Step / 2>(f(v, other), f);
  }
}

template <class T>
NNABLA_INLINE T sum_lanes(Vec<T> v) {
  return join_lanes<T>(v, [](Vec<T> a, Vec<T> b) { return a + b; });
}

// All ones in the last n lanes of a vector.
template <class T>
NNABLA_INLINE VecInt<T> last_lanes(long n) {
  VecInt<T> at;
  for (int i = 0; i < lanes<T>; i++) at[i] = i;
  return at >= static_cast<typename FloatFormat<T>::Int>(lanes<T> - n);
}

// Call f(i, tag) for 0 to n - 1 in steps of whole vectors (the tag a Vec<T>) and of elements (a T).
template <class T, class F>
NNABLA_INLINE void each_once(long n, F&& f) {
  long i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, Vec<T>{});
  for (; i < n; i++) f(i, T{});
}

// The same where doing elements twice does no harm: the last vector then overlaps the one before it.
template <class T, class F>
NNABLA_INLINE void each(long n, F&& f) {
  long i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, Vec<T>{});
  if (i == n) return;
  if (n >= lanes<T>) {
    f(n - lanes<T>, Vec<T>{});
  } else {
    for (; i < n; i++) f(i, T{});
  }
}

// Sums over rows: f(i, tag, a, b) adds what belongs to element or vector i to a and b.
//
// Vectors go to four pairs of sums in turn, so that additions do not wait for each other.
template <class T>
struct TwoSums {
  Vec<T> a[4] = {}, b[4] = {};
  T one = 0, two = 0;

  template <class F>
  NNABLA_INLINE void add(long n, F&& f) {
    constexpr int L = lanes<T>;
    long i = 0;
    for (; i + 4 * L <= n; i += 4 * L) {
#pragma GCC unroll 4
      for (int j = 0; j < 4; j++) f(i + j * L, Vec<T>{}, a[j], b[j]);
    }
    for (int j = 0; i + L <= n; i += L, j++) f(i, Vec<T>{}, a[j], b[j]);
    if (i == n) return;
    if (n >= L) {
      // The last vector overlaps the one before: only its last lanes are new.
      Vec<T> u = {}, v = {};
      f(n - L, Vec<T>{}, u, v);
      const VecInt<T> rest = last_lanes<T>(n - i);
      a[3] += rest ? u : Vec<T>{};
      b[3] += rest ? v : Vec<T>{};
    } else {
      for (; i < n; i++) f(i, T{}, one, two);
    }
  }
  T first() const { return sum_lanes<T>((a[0] + a[1]) + (a[2] + a[3])) + one; }
  T second() const { return sum_lanes<T>((b[0] + b[1]) + (b[2] + b[3])) + two; }
};

}  // namespace NNABLA_TARGET
}  // namespace nnabla
