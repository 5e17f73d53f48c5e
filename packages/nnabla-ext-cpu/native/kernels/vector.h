// Vectors of one register, from compiler extensions: the width follows from the target these sources are compiled for.
//
// Sources in this folder are compiled once per target, each time into the namespace NNABLA_TARGET. They use nothing
// whose code the linker could share between targets: no containers or algorithms of the standard library.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#ifndef NNABLA_TARGET
#error "NNABLA_TARGET names the target that kernels are compiled for"
#endif

#define NNABLA_INLINE inline __attribute__((always_inline))

// Before a loop: its turns do not read what others write.
#if defined(__clang__)
#define NNABLA_INDEPENDENT _Pragma("clang loop vectorize(assume_safety)")
#else
#define NNABLA_INDEPENDENT _Pragma("GCC ivdep")
#endif

namespace nnabla {
namespace NNABLA_TARGET {

#if defined(__AVX512F__)
constexpr int vector_bytes = 64;
constexpr int vector_registers = 32;
#elif defined(__AVX2__)
constexpr int vector_bytes = 32;
constexpr int vector_registers = 16;
#elif defined(__aarch64__)
constexpr int vector_bytes = 16;
constexpr int vector_registers = 32;
#else
constexpr int vector_bytes = 16;
constexpr int vector_registers = 16;
#endif

template <class T>
struct VectorOf {
  typedef T type __attribute__((vector_size(vector_bytes)));
  typedef T unaligned __attribute__((vector_size(vector_bytes), aligned(sizeof(T)), may_alias));
};

// A register full of T.
template <class T>
using Vec = typename VectorOf<T>::type;

// Number of T in a register.
template <class T>
constexpr int lanes = vector_bytes / sizeof(T);

template <class T>
NNABLA_INLINE Vec<T> load(const T* p) {
  return *reinterpret_cast<const typename VectorOf<T>::unaligned*>(p);
}

template <class T>
NNABLA_INLINE void store(T* p, Vec<T> v) {
  *reinterpret_cast<typename VectorOf<T>::unaligned*>(p) = v;
}

// The first n elements; the others are 0.
template <class T>
NNABLA_INLINE Vec<T> load_part(const T* p, long n) {
  Vec<T> v = {};
  std::memcpy(&v, p, n * sizeof(T));
  return v;
}

template <class T>
NNABLA_INLINE void store_part(T* p, Vec<T> v, long n) {
  std::memcpy(p, &v, n * sizeof(T));
}

template <class T>
NNABLA_INLINE Vec<T> broadcast(T x) {
  return x - Vec<T>{};
}

template <class T>
NNABLA_INLINE Vec<T> max(Vec<T> a, Vec<T> b) {
  return a > b ? a : b;
}

template <class T>
NNABLA_INLINE Vec<T> min(Vec<T> a, Vec<T> b) {
  return a < b ? a : b;
}

// Elements of a and b, those of b counted from their number N on, in the order that at(0) to at(N - 1) give: a lambda
// that captures nothing, so that the compiler knows all places.
template <class V, class F, std::size_t... I>
NNABLA_INLINE V shuffle_in_order(V a, V b, F at, std::index_sequence<I...>) {
#if defined(__clang__)
  return __builtin_shufflevector(a, b, at(static_cast<int>(I))...);
#else
  typedef decltype(a < b) Places;
  return __builtin_shuffle(a, b, Places{at(static_cast<int>(I))...});
#endif
}

template <class V, class F>
NNABLA_INLINE V shuffle(V a, V b, F at) {
  return shuffle_in_order(a, b, at, std::make_index_sequence<sizeof(V) / sizeof(a[0])>{});
}

// The sum of all lanes, pairwise, in an order that depends on the width alone.
template <class T>
NNABLA_INLINE T sum(Vec<T> v) {
  alignas(vector_bytes) T x[lanes<T>];
  store(x, v);
  for (int n = lanes<T> / 2; n > 0; n /= 2)
    for (int i = 0; i < n; i++) x[i] += x[i + n];
  return x[0];
}

template <class T>
NNABLA_INLINE T max_lane(Vec<T> v) {
  T m = v[0];
  for (int i = 1; i < lanes<T>; i++) m = v[i] > m ? v[i] : m;
  return m;
}

constexpr NNABLA_INLINE long smaller(long a, long b) { return a < b ? a : b; }
constexpr NNABLA_INLINE long larger(long a, long b) { return a > b ? a : b; }
constexpr NNABLA_INLINE long divide_up(long a, long b) { return (a + b - 1) / b; }
constexpr NNABLA_INLINE long round_up(long a, long b) { return divide_up(a, b) * b; }

}  // namespace NNABLA_TARGET
}  // namespace nnabla
