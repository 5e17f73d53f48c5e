// Loops over stretches of elements, from functors of vectors or of single elements.
//
// A functor is made from the operator's parameters and called with one value of each input. Functors of vectors
// (`Vec<T>`) are what has no branch; those of single elements are for what the compiler turns into vectors itself,
// and for truth values.
#pragma once

#include <type_traits>

#include "kernels/tables/elementwise.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

typedef unsigned char Truth;

template <class T, class F, int Inputs, unsigned Singles>
struct VectorLoop {
  // One value of input i at p: a whole vector, or the one element that stands for all.
  template <int I, class Load>
  static NNABLA_INLINE Vec<T> value(const void* const* in, long at, Load load_at) {
    const T* p = static_cast<const T*>(in[I]);
    if constexpr ((Singles >> I) & 1)
      return broadcast(*p);
    else
      return load_at(p + at);
  }

  template <class Load>
  static NNABLA_INLINE Vec<T> at(const F& f, const void* const* in, long i, Load load_at) {
    if constexpr (Inputs == 1)
      return f(value<0>(in, i, load_at));
    else if constexpr (Inputs == 2)
      return f(value<0>(in, i, load_at), value<1>(in, i, load_at));
    else
      return f(value<0>(in, i, load_at), value<1>(in, i, load_at), value<2>(in, i, load_at));
  }

  static void run(long n, const void* const* in, void* out, const double* parameters) {
    const F f(parameters);
    const void* from[3] = {in[0], Inputs > 1 ? in[1] : nullptr, Inputs > 2 ? in[2] : nullptr};
    T* to = static_cast<T*>(out);
    long i = 0;
#pragma GCC unroll 2
    for (; i + lanes<T> <= n; i += lanes<T>) store(to + i, at(f, from, i, [](const T* p) { return load(p); }));
    if (i < n) store_part(to + i, at(f, from, i, [&](const T* p) { return load_part(p, n - i); }), n - i);
  }
};

template <class T, unsigned Truths, int I>
using Element = typename std::conditional<((Truths >> I) & 1) != 0, Truth, T>::type;

template <class T, class F, int Inputs, unsigned Truths, unsigned Singles>
struct ElementLoop {
  template <int I>
  static NNABLA_INLINE Element<T, Truths, I> value(const Element<T, Truths, I>* p, long i) {
    return p[(Singles >> I) & 1 ? 0 : i];
  }

  static void run(long n, const void* const* in, void* out, const double* parameters) {
    const F f(parameters);
    Element<T, Truths, Inputs>* __restrict to = static_cast<Element<T, Truths, Inputs>*>(out);
    const auto* a = static_cast<const Element<T, Truths, 0>*>(in[0]);
    if constexpr (Inputs == 1) {
      for (long i = 0; i < n; i++) to[i] = f(value<0>(a, i));
    } else {
      const auto* b = static_cast<const Element<T, Truths, 1>*>(in[1]);
      if constexpr (Inputs == 2) {
        for (long i = 0; i < n; i++) to[i] = f(value<0>(a, i), value<1>(b, i));
      } else {
        const auto* c = static_cast<const Element<T, Truths, 2>*>(in[2]);
        for (long i = 0; i < n; i++) to[i] = f(value<0>(a, i), value<1>(b, i), value<2>(c, i));
      }
    }
  }
};

enum Cost : bool { cheap = false, costly = true };

template <class T, class F>
constexpr Map unary(const char* name, Cost cost) {
  return {name, 1, 0, cost, {VectorLoop<T, F, 1, 0>::run}};
}

// Of two arrays of one shape: a gradient and what it reads.
template <class T, class F>
constexpr Map gradient(const char* name, Cost cost) {
  return {name, 2, 0, cost, {VectorLoop<T, F, 2, 0>::run}};
}

// Of two or three arrays, each of which may be spread from single elements.
template <class T, class F>
constexpr Map binary(const char* name, Cost cost) {
  return {name, 2, 0, cost, {VectorLoop<T, F, 2, 0>::run, VectorLoop<T, F, 2, 1>::run, VectorLoop<T, F, 2, 2>::run}};
}

template <class T, class F>
constexpr Map ternary(const char* name, Cost cost) {
  return {name, 3, 0, cost, {VectorLoop<T, F, 3, 0>::run}};
}

// Element by element; `Truths` as in Map.
template <class T, class F, unsigned Truths = 0>
constexpr Map unary_elements(const char* name, Cost cost) {
  return {name, 1, Truths, cost, {ElementLoop<T, F, 1, Truths, 0>::run}};
}

template <class T, class F, unsigned Truths>
constexpr Map binary_elements(const char* name, Cost cost) {
  return {name,
          2,
          Truths,
          cost,
          {ElementLoop<T, F, 2, Truths, 0>::run, ElementLoop<T, F, 2, Truths, 1>::run,
           ElementLoop<T, F, 2, Truths, 2>::run}};
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
