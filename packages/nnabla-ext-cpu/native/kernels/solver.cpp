#include "common/memory.h"
#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// A thread of its own has at least so many elements: fewer are updated sooner than it starts.
constexpr long grain = 32768;

NNABLA_INLINE float root(float x) { return __builtin_sqrtf(x); }
NNABLA_INLINE double root(double x) { return __builtin_sqrt(x); }
template <class T>
NNABLA_INLINE T size_of(T x) {
  return x < 0 ? -x : x;
}

// NaN on either side stays, as in NumPy's maximum.
template <class T>
NNABLA_INLINE T larger_of(T a, T b) {
  return a > b || a != a ? a : b;
}

// Each rule changes one element; loops over it become vector code.
template <class T>
struct Scale {
  static constexpr int states = 0;
  static NNABLA_INLINE void step(const T* n, T& p, T) { p *= n[0]; }
};

template <class T>
struct AddScaled {
  static constexpr int states = 0;
  static NNABLA_INLINE void step(const T* n, T& p, T g) { p += n[0] * g; }
};

template <class T>
struct Momentum {
  static constexpr int states = 1;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& m) {
    m = n[0] * m + n[1] * g;
    p = p - m - n[2] * p;
  }
};

template <class T>
struct Nesterov {
  static constexpr int states = 1;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& m) {
    const T kept = n[0] * m;
    m = kept - n[1] * g;
    p = p - kept + (1 + n[0]) * m;
  }
};

template <class T>
struct Adam {
  static constexpr int states = 2;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& mean, T& var) {
    mean = n[1] * mean + n[2] * g;
    var = n[3] * var + n[4] * g * g;
    p = p - n[0] * mean / (root(var) + n[5]) - n[6] * p;
  }
};

template <class T>
struct Adamax {
  static constexpr int states = 2;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& m, T& u) {
    m = n[1] * m + n[2] * g;
    u = larger_of(n[3] * u, size_of(g));
    p -= n[0] * m / (u + n[4]);
  }
};

template <class T>
struct Amsgrad {
  static constexpr int states = 3;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& m, T& v, T& largest) {
    m = n[1] * m + n[2] * g;
    v = n[3] * v + n[4] * g * g;
    largest = larger_of(largest, v);
    p -= n[0] * m / (root(largest) + n[5]);
  }
};

template <class T>
struct Adagrad {
  static constexpr int states = 1;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& v) {
    v += g * g;
    p -= n[0] * g / (root(v) + n[1]);
  }
};

template <class T>
struct RmsProp {
  static constexpr int states = 1;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& v) {
    v = n[1] * v + n[2] * g * g;
    p -= n[0] * g / (root(v) + n[3]);
  }
};

template <class T>
struct Graves {
  static constexpr int states = 3;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& square, T& mean, T& d) {
    square = n[1] * square + n[2] * g * g;
    mean = n[1] * mean + n[2] * g;
    d = n[3] * d - n[0] * g / root(square - mean * mean + n[4]);
    p += d;
  }
};

template <class T>
struct Adadelta {
  static constexpr int states = 2;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& square, T& moved) {
    square = n[1] * square + n[2] * g * g;
    const T delta = g * root((moved + n[3]) / (square + n[3]));
    moved = n[1] * moved + n[2] * delta * delta;
    p -= n[0] * delta;
  }
};

template <class T>
struct Lion {
  static constexpr int states = 1;
  static NNABLA_INLINE void step(const T* n, T& p, T g, T& m) {
    const T at = n[1] * m + n[2] * g;
    const T sign = at != at ? at : (at > 0 ? T(1) : T(0)) - (at < 0 ? T(1) : T(0));
    m = n[3] * m + n[4] * g;
    p -= n[0] * (sign + n[5] * p);
  }
};

// Elements begin to end of one parameter.
template <class T, class Step>
void apply(const Updated<T>& at, long begin, long end) {
  T n[most_numbers];
  for (int i = 0; i < most_numbers; i++) n[i] = at.numbers[i];
  T* __restrict p = at.p;
  const T* __restrict g = at.g == nullptr ? at.p : at.g;
  if constexpr (Step::states == 0) {
#pragma GCC ivdep
    for (long i = begin; i < end; i++) Step::step(n, p[i], g[i]);
  } else {
    T* __restrict a = at.states[0];
    if constexpr (Step::states == 1) {
#pragma GCC ivdep
      for (long i = begin; i < end; i++) Step::step(n, p[i], g[i], a[i]);
    } else {
      T* __restrict b = at.states[1];
      if constexpr (Step::states == 2) {
#pragma GCC ivdep
        for (long i = begin; i < end; i++) Step::step(n, p[i], g[i], a[i], b[i]);
      } else {
        T* __restrict c = at.states[2];
#pragma GCC ivdep
        for (long i = begin; i < end; i++) Step::step(n, p[i], g[i], a[i], b[i], c[i]);
      }
    }
  }
}

// Call f(parameter, begin, end) for what lies between two places in the row of all parameters' elements.
template <class T, class F>
NNABLA_INLINE void for_range(const Updated<T>* list, long count, long begin, long end, F&& f) {
  long start = 0;
  for (long i = 0; i < count && start < end; start += list[i].size, i++) {
    const long from = larger(begin - start, 0), to = smaller(end - start, list[i].size);
    if (from < to) f(i, from, to);
  }
}

template <class T>
long total_size(const Updated<T>* list, long count) {
  long total = 0;
  for (long i = 0; i < count; i++) total += list[i].size;
  return total;
}

template <class T, class Step>
void apply_all(const Updated<T>* list, long count) {
  parallel_for(total_size(list, count), grain, [&](long begin, long end) {
    for_range(list, count, begin, end, [&](long i, long from, long to) { apply<T, Step>(list[i], from, to); });
  });
}

template <class T>
void update(Rule rule, const Updated<T>* list, long count) {
  switch (rule) {
    case Rule::scale: return apply_all<T, Scale<T>>(list, count);
    case Rule::add_scaled: return apply_all<T, AddScaled<T>>(list, count);
    case Rule::momentum: return apply_all<T, Momentum<T>>(list, count);
    case Rule::nesterov: return apply_all<T, Nesterov<T>>(list, count);
    case Rule::adam: return apply_all<T, Adam<T>>(list, count);
    case Rule::adamax: return apply_all<T, Adamax<T>>(list, count);
    case Rule::amsgrad: return apply_all<T, Amsgrad<T>>(list, count);
    case Rule::adagrad: return apply_all<T, Adagrad<T>>(list, count);
    case Rule::rmsprop: return apply_all<T, RmsProp<T>>(list, count);
    case Rule::graves: return apply_all<T, Graves<T>>(list, count);
    case Rule::adadelta: return apply_all<T, Adadelta<T>>(list, count);
    case Rule::lion: return apply_all<T, Lion<T>>(list, count);
  }
}

// A short stretch in single vectors, whose sums go into a double.
template <class T>
double squares(const T* x, long size) {
  constexpr long block = 2048, chains = 4;
  double total = 0;
  for (long start = 0; start < size; start += block) {
    const long end = smaller(size, start + block);
    Vec<T> sums[chains] = {};
    long i = start;
    for (; i + chains * lanes<T> <= end; i += chains * lanes<T>)
#pragma GCC unroll 4
      for (int k = 0; k < chains; k++) {
        const Vec<T> v = load(x + i + k * lanes<T>);
        sums[k] += v * v;
      }
    T rest = 0;
    for (; i < end; i++) rest += x[i] * x[i];
    total += static_cast<double>(sum<T>((sums[0] + sums[1]) + (sums[2] + sums[3]))) + rest;
  }
  return total;
}

template <class T>
void sum_squares(const Updated<T>* list, long count, double* sums) {
  const long total = total_size(list, count);
  const int parts = static_cast<int>(larger(1, smaller(thread_count(), total / grain)));
  Scratch<double> partial(count * parts);
  for (long i = 0; i < count * parts; i++) partial[i] = 0;
  parallel(parts, [&](int part, int all) {
    for_range(list, count, total * part / all, total * (part + 1) / all,
              [&](long i, long from, long to) { partial[part * count + i] = squares(list[i].p + from, to - from); });
  });
  for (long i = 0; i < count; i++) {
    sums[i] = 0;
    for (int part = 0; part < parts; part++) sums[i] += partial[part * count + i];
  }
}

}  // namespace

template <class T>
const SolverTable<T>* solver_table() {
  static constexpr SolverTable<T> table = {update<T>, sum_squares<T>};
  return &table;
}
template const SolverTable<float>* solver_table();
template const SolverTable<double>* solver_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
