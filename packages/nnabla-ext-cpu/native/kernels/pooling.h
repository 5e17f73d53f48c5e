// Windows: how pooling goes through them, several at a time.
#pragma once

#include <type_traits>

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/math.h"
#include "kernels/tables/pooling.h"

namespace nnabla {
namespace NNABLA_TARGET {

// N numbers: channels of one window where they lie together, else windows side by side.
template <class T, int N>
struct FewOf {
  typedef T type __attribute__((vector_size(N * sizeof(T))));
  typedef T unaligned __attribute__((vector_size(N * sizeof(T)), aligned(sizeof(T)), may_alias));
};

template <class T, int N>
using Few = typename FewOf<T, N>::type;

template <int N, class T>
NNABLA_INLINE Few<T, N> load_few(const T* p) {
  return *reinterpret_cast<const typename FewOf<T, N>::unaligned*>(p);
}

template <int N, class T>
NNABLA_INLINE void store_few(T* p, Few<T, N> v) {
  *reinterpret_cast<typename FewOf<T, N>::unaligned*>(p) = v;
}

template <int N>
using Constant = std::integral_constant<int, N>;

// Elements of a and b, those of b counted from N on, in the order that `at` gives.
template <class T, int N, class F>
NNABLA_INLINE Few<T, N> pick(Few<T, N> a, Few<T, N> b, F&& at) {
#if defined(__clang__)
  Few<T, N> v = {};
  for (int i = 0; i < N; i++) v[i] = at(i) < N ? a[at(i)] : b[at(i) - N];
  return v;
#else
  Few<typename FloatFormat<T>::Int, N> order = {};
  for (int i = 0; i < N; i++) order[i] = at(i);
  return __builtin_shuffle(a, b, order);
#endif
}

// Every Step-th of the elements at p; where Step is 0, every step-th.
template <int N, int Step, class T>
NNABLA_INLINE Few<T, N> load_apart(const T* p, long step) {
  if constexpr (N == 1 || Step == 1) {
    return load_few<N>(p);
  } else if constexpr (Step == 2) {
    // The second load ends with the last element that is wanted.
    const Few<T, N> a = load_few<N>(p), b = load_few<N>(p + N - 1);
    return pick<T, N>(a, b, [](int i) { return i < N / 2 ? 2 * i : 2 * i + 1; });
  } else {
    Few<T, N> v;
    for (int i = 0; i < N; i++) v[i] = p[i * step];
    return v;
  }
}

// Where a window begins in each dimension, and which of its elements are inside the image.
struct Reach {
  long start[3], begin[3], end[3];

  NNABLA_INLINE void set(const PoolingShape& s, int dimension, long at) {
    start[dimension] = at * s.stride[dimension] - s.pad[dimension];
    begin[dimension] = larger(0, -start[dimension]);
    end[dimension] = smaller(s.kernel[dimension], s.size[dimension] - start[dimension]);
  }

  // Offset of the first element (which may be outside) from the image's.
  NNABLA_INLINE long offset(const PoolingShape& s) const {
    return ((start[0] * s.size[1] + start[1]) * s.size[2] + start[2]) * s.tail;
  }

  NNABLA_INLINE long count(const PoolingShape& s, Divisor divisor) const {
    long n = 1;
    for (int i = 0; i < 3; i++)
      n *= divisor == Divisor::inside ? larger(0, end[i] - begin[i])
                                      : smaller(s.kernel[i], s.size[i] + s.pad[i] - start[i]);
    return divisor == Divisor::none ? 1 : n;
  }

  NNABLA_INLINE bool whole(const PoolingShape& s, int dimension) const {
    return begin[dimension] == 0 && end[dimension] == s.kernel[dimension];
  }

  // Whether the element of this number is inside the image.
  NNABLA_INLINE bool holds(const PoolingShape& s, long number) const {
    const long at[3] = {number / (s.kernel[1] * s.kernel[2]), number / s.kernel[2] % s.kernel[1], number % s.kernel[2]};
    for (int i = 0; i < 3; i++)
      if (at[i] < begin[i] || at[i] >= end[i]) return false;
    return true;
  }

  // Call f(number of the element in the window, offset from the window's first).
  template <class F>
  NNABLA_INLINE void each(const PoolingShape& s, F&& f) const {
    for (long i = begin[0]; i < end[0]; i++)
      for (long j = begin[1]; j < end[1]; j++)
        for (long k = begin[2]; k < end[2]; k++)
          f((i * s.kernel[1] + j) * s.kernel[2] + k, ((i * s.size[1] + j) * s.size[2] + k) * s.tail);
  }
};

// The largest of 1, 4, 8, ... up to the width of a register that is not more than n.
template <class T, class F>
NNABLA_INLINE void by_lanes(long n, F&& f) {
  if constexpr (lanes<T> >= 16) {
    if (n >= 16) return f(Constant<16>{});
  }
  if constexpr (lanes<T> >= 8) {
    if (n >= 8) return f(Constant<8>{});
  }
  if constexpr (lanes<T> >= 4) {
    if (n >= 4) return f(Constant<4>{});
  }
  f(Constant<1>{});
}

template <class F>
NNABLA_INLINE void by_step(long step, F&& f) {
  if (step == 1) {
    f(Constant<1>{});
  } else if (step == 2) {
    f(Constant<2>{});
  } else {
    f(Constant<0>{});
  }
}

// Call f(i) for i = begin, begin + N, ... so that steps of N cover begin to end; the last may overlap.
template <int N, class F>
NNABLA_INLINE void in_steps(long begin, long end, F&& f) {
  long i = begin;
  for (; i + N <= end; i += N) f(i);
  if (i < end) f(end - N);
}

// Call f(row, offset of its image, reach in all dimensions but the last) for some rows of windows: they count through
// images and all dimensions but the last.
template <class F>
NNABLA_INLINE void each_row(const PoolingShape& s, long first, long last, F&& f) {
  long at[2] = {first / s.out[1] % s.out[0], first % s.out[1]}, image = first / (s.out[0] * s.out[1]) * s.image();
  for (long row = first; row < last; row++) {
    Reach reach;
    reach.set(s, 0, at[0]);
    reach.set(s, 1, at[1]);
    f(row, image, reach);
    if (++at[1] < s.out[1]) continue;
    at[1] = 0;
    if (++at[0] < s.out[0]) continue;
    at[0] = 0;
    image += s.image();
  }
}

// The windows along the last dimension that are inside the image altogether.
struct Inside {
  long low, high;

  explicit Inside(const PoolingShape& s) : low(divide_up(s.pad[2], s.stride[2])) {
    const long room = s.size[2] + s.pad[2] - s.kernel[2];
    high = smaller(s.out[2], room < 0 ? 0 : room / s.stride[2] + 1);
    if (low >= high) low = high = 0;
  }
};

// Call f(lanes, step, offset of the window's first element, number of the result, reach) for all windows of some
// rows. Some windows come more than once.
template <class T, class F>
void each_window(const PoolingShape& s, long first, long last, F&& f) {
  const long windows = s.out[2];
  const long low = Inside(s).low, high = Inside(s).high;
  const auto rows = [&](auto&& row_of) {
    each_row(s, first, last, [&](long row, long image, Reach& reach) { row_of(row, image, reach); });
  };
  if (s.tail > 1) {
    by_lanes<T>(s.tail, [&](auto n) {
      rows([&](long row, long image, Reach& reach) {
        for (long w = 0; w < windows; w++) {
          reach.set(s, 2, w);
          const long from = image + reach.offset(s), to = (row * windows + w) * s.tail;
          in_steps<decltype(n)::value>(0, s.tail, [&](long c) { f(n, Constant<1>{}, from + c, to + c, reach); });
        }
      });
    });
    return;
  }
  by_lanes<T>(high - low, [&](auto n) {
    by_step(s.stride[2], [&](auto step) {
      rows([&](long row, long image, Reach& reach) {
        const long to = row * windows;
        for (long w = 0; w < windows; w++) {
          if (w == low && high > low) w = high;
          if (w == windows) break;
          reach.set(s, 2, w);
          f(Constant<1>{}, Constant<1>{}, image + reach.offset(s), to + w, reach);
        }
        if (high == low) return;
        in_steps<decltype(n)::value>(low, high, [&](long w) {
          reach.set(s, 2, w);
          f(n, step, image + reach.offset(s), to + w, reach);
        });
      });
    });
  });
}

// Elements below which a thread is not worth its start.
constexpr long least_pooled = 16384;

}  // namespace NNABLA_TARGET
}  // namespace nnabla
