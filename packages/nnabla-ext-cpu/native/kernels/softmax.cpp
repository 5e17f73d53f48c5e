#include "common/memory.h"
#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/span.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// Exponentials below which a thread is not worth its start.
constexpr long least_elements = 8192;

// Columns that are gone through at a time where the classes do not lie together.
constexpr long most_columns = 256;

template <class T>
NNABLA_INLINE Vec<T> minus_infinity() {
  return broadcast(-std::numeric_limits<T>::infinity());
}

// The larger one; NaN where one is.
template <class T>
NNABLA_INLINE Vec<T> larger_or_nan(Vec<T> a, Vec<T> b) {
  return ((b > a) | (b != b)) ? b : a;
}

// What is left of a row behind its whole vectors, and `fill` in the other lanes.
template <class T>
NNABLA_INLINE Vec<T> rest_of(const T* p, long n, Vec<T> fill) {
  for (long i = 0; i < n; i++) fill[i] = p[i];
  return fill;
}

template <class T>
NNABLA_INLINE void store_rest(T* p, Vec<T> v, long n) {
  for (long i = 0; i < n; i++) p[i] = v[i];
}

// The first n lanes, 0 in the others.
template <class T>
NNABLA_INLINE Vec<T> first_lanes(Vec<T> v, long n) {
  const VecInt<T> last = last_lanes<T>(lanes<T> - n);
  return last ? Vec<T>{} : v;
}

template <class T>
T largest_of_row(const T* x, long n) {
  constexpr int L = lanes<T>;
  Vec<T> m[2] = {minus_infinity<T>(), minus_infinity<T>()};
  long i = 0;
  for (; i + 2 * L <= n; i += 2 * L) {
    m[0] = larger_or_nan<T>(m[0], load(x + i));
    m[1] = larger_or_nan<T>(m[1], load(x + i + L));
  }
  for (; i + L <= n; i += L) m[0] = larger_or_nan<T>(m[0], load(x + i));
  if (i < n) m[1] = larger_or_nan<T>(m[1], rest_of<T>(x + i, n - i, minus_infinity<T>()));
  return join_lanes<T>(larger_or_nan<T>(m[0], m[1]), [](Vec<T> a, Vec<T> b) { return larger_or_nan<T>(a, b); });
}

// Sum of exp(x - shift); the exponentials go to y unless it is null.
template <class T>
T exponentials_of_row(const T* x, long n, T shift, T* y) {
  constexpr int L = lanes<T>;
  Vec<T> total[2] = {};
  long i = 0;
  for (int j = 0; i + L <= n; i += L, j ^= 1) {
    const Vec<T> e = exp<T>(load(x + i) - shift);
    if (y != nullptr) store(y + i, e);
    total[j] += e;
  }
  if (i < n) {
    const Vec<T> e = first_lanes<T>(exp<T>(rest_of<T>(x + i, n - i, Vec<T>{} + shift) - shift), n - i);
    if (y != nullptr) store_rest(y + i, e, n - i);
    total[1] += e;
  }
  return sum_lanes<T>(total[0] + total[1]);
}

template <class T>
T log_of(T x) {
  return log<T>(broadcast(x))[0];
}

template <class T>
void log_softmax_of_row(const T* x, long n, T* y) {
  const T shift = largest_of_row(x, n);
  const T log_total = log_of(exponentials_of_row<T>(x, n, shift, nullptr));
  each<T>(n, [&](long i, auto tag) { put(y + i, get<decltype(tag)>(x + i) - shift - log_total); });
}

template <class T>
void softmax_of_row(const T* x, long n, T* y) {
  const T shift = largest_of_row(x, n);
  const T scale = 1 / exponentials_of_row(x, n, shift, y);
  each_once<T>(n, [&](long i, auto tag) { put(y + i, get<decltype(tag)>(y + i) * scale); });
}

// Call f(offset of class 0, number of columns) for columns side by side.
template <class F>
void each_columns(const SoftmaxShape& s, F&& f) {
  const long groups = divide_up(s.inner, most_columns), work = s.classes * smaller(s.inner, most_columns);
  parallel_for(s.outer * groups, larger(1, least_elements / work), [&](long begin, long end) {
    for (long at = begin; at < end; at++) {
      const long first = at % groups * most_columns;
      f(at / groups * s.classes * s.inner + first, smaller(most_columns, s.inner - first));
    }
  });
}

// Call f(i, number of elements) for vectors: whole ones, then the rest.
template <class T, class F>
NNABLA_INLINE void each_some(long n, F&& f) {
  long i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) f(i, static_cast<long>(lanes<T>));
  if (i < n) f(i, n - i);
}

template <class T>
NNABLA_INLINE Vec<T> load_some(const T* p, long n) {
  return n == lanes<T> ? load(p) : rest_of<T>(p, n, Vec<T>{});
}

template <class T>
NNABLA_INLINE void store_some(T* p, Vec<T> v, long n) {
  if (n == lanes<T>) {
    store(p, v);
  } else {
    store_rest(p, v, n);
  }
}

template <class T>
void softmax_of_columns(const SoftmaxShape& s, const T* x, T* y, bool logarithm) {
  each_columns(s, [&](long start, long n) {
    alignas(vector_bytes) T shift[most_columns], total[most_columns];
    for (long i = 0; i < most_columns; i++) shift[i] = -std::numeric_limits<T>::infinity(), total[i] = 0;
    for (long c = 0; c < s.classes; c++)
      each_some<T>(n, [&, p = x + start + c * s.inner](long i, long some) {
        store<T>(shift + i, larger_or_nan<T>(load(shift + i), load_some(p + i, some)));
      });
    for (long c = 0; c < s.classes; c++)
      each_some<T>(n, [&, p = x + start + c * s.inner, to = y + start + c * s.inner](long i, long some) {
        const Vec<T> e = exp<T>(load_some(p + i, some) - load(shift + i));
        if (!logarithm) store_some<T>(to + i, e, some);
        store<T>(total + i, load(total + i) + e);
      });
    for (long i = 0; i < n; i += lanes<T>)
      store<T>(total + i, logarithm ? log<T>(load(total + i)) : 1 / load(total + i));
    for (long c = 0; c < s.classes; c++)
      each_some<T>(n, [&, p = x + start + c * s.inner, to = y + start + c * s.inner](long i, long some) {
        if (logarithm) {
          store_some<T>(to + i, load_some(p + i, some) - load(shift + i) - load(total + i), some);
        } else {
          store_some<T>(to + i, load_some(to + i, some) * load(total + i), some);
        }
      });
  });
}

template <class F>
void each_row(const SoftmaxShape& s, F&& f) {
  parallel_for(s.outer, larger(1, least_elements / s.classes), [&](long begin, long end) {
    for (long r = begin; r < end; r++) f(r, r * s.classes);
  });
}

// Rows of fewer elements are turned, so that vectors hold an element of each of many rows.
constexpr long short_row = 48, turned_rows = 64;

inline bool are_short(const SoftmaxShape& s) { return s.inner == 1 && s.classes < short_row && s.outer >= 8; }

// Call f(first row, offset of its class 0, shape of some rows turned, memory for three arrays of that shape).
template <class T, class F>
void each_turned(const SoftmaxShape& s, F&& f) {
  const long size = turned_rows * s.classes;
  parallel_for(divide_up(s.outer, turned_rows), larger(1, least_elements / size), [&](long begin, long end) {
    Scratch<T> memory(3 * size);
    T* const arrays[3] = {memory, memory + size, memory + 2 * size};
    for (long r = begin * turned_rows; r < smaller(end * turned_rows, s.outer); r += turned_rows)
      f(r, r * s.classes, SoftmaxShape{1, s.classes, smaller(turned_rows, s.outer - r)}, arrays);
  });
}

template <class T>
void turn(const SoftmaxShape& turned, const T* rows, T* to) {
  transpose(turned.inner, turned.classes, rows, turned.classes, to, turned.inner);
}

template <class T>
void turn_back(const SoftmaxShape& turned, const T* from, T* rows) {
  transpose(turned.classes, turned.inner, from, turned.inner, rows, turned.classes);
}

template <class T>
void forward(const SoftmaxShape& s, const T* x, T* y, bool logarithm) {
  if (s.inner > 1) {
    softmax_of_columns(s, x, y, logarithm);
  } else if (are_short(s)) {
    each_turned<T>(s, [&](long, long at, const SoftmaxShape& turned, T* const* own) {
      turn(turned, x + at, own[0]);
      softmax_of_columns(turned, own[0], own[1], logarithm);
      turn_back(turned, own[1], y + at);
    });
  } else if (logarithm) {
    each_row(s, [&](long, long at) { log_softmax_of_row(x + at, s.classes, y + at); });
  } else {
    each_row(s, [&](long, long at) { softmax_of_row(x + at, s.classes, y + at); });
  }
}

// dx = y (dy - sum of y dy), or dy - exp(y) sum of dy.
template <class T>
void backward(const SoftmaxShape& s, const T* y, const T* dy, T* dx, bool logarithm) {
  if (s.inner > 1) {
    each_columns(s, [&](long start, long n) {
      alignas(vector_bytes) T total[most_columns] = {};
      for (long c = 0; c < s.classes; c++)
        each_some<T>(n, [&, at = start + c * s.inner](long i, long some) {
          const Vec<T> g = load_some(dy + at + i, some);
          store<T>(total + i, load(total + i) + (logarithm ? g : g * load_some(y + at + i, some)));
        });
      for (long c = 0; c < s.classes; c++)
        each_some<T>(n, [&, at = start + c * s.inner](long i, long some) {
          const Vec<T> g = load_some(dy + at + i, some), v = load_some(y + at + i, some), t = load(total + i);
          store_some<T>(dx + at + i, logarithm ? g - exp<T>(v) * t : v * (g - t), some);
        });
    });
    return;
  }
  if (are_short(s)) {
    each_turned<T>(s, [&](long, long at, const SoftmaxShape& turned, T* const* own) {
      turn(turned, y + at, own[0]);
      turn(turned, dy + at, own[1]);
      backward(turned, own[0], own[1], own[2], logarithm);
      turn_back(turned, own[2], dx + at);
    });
    return;
  }
  const long n = s.classes;
  each_row(s, [&](long, long at) {
    const T *v = y + at, *g = dy + at;
    T* to = dx + at;
    TwoSums<T> sums;
    if (!logarithm) {
      sums.add(n, [&](long i, auto tag, auto& a, auto&) {
        using V = decltype(tag);
        a += get<V>(g + i) * get<V>(v + i);
      });
      const T total = sums.first();
      each<T>(n, [&](long i, auto tag) {
        using V = decltype(tag);
        put(to + i, V(get<V>(v + i) * (get<V>(g + i) - total)));
      });
      return;
    }
    sums.add(n, [&](long i, auto tag, auto& a, auto&) { a += get<decltype(tag)>(g + i); });
    const T total = sums.first();
    long i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) store<T>(to + i, load(g + i) - exp<T>(load(v + i)) * total);
    if (i < n) {
      const Vec<T> e = exp<T>(rest_of<T>(v + i, n - i, Vec<T>{}));
      store_rest<T>(to + i, rest_of<T>(g + i, n - i, Vec<T>{}) - e * total, n - i);
    }
  });
}

// -- losses ----------------------------------------------------------------------------------------------------
// Call f(number of the label, offset of class 0) for all labels.
template <class F>
void each_label(const SoftmaxShape& s, long grain, F&& f) {
  parallel_for(s.outer * s.inner, grain, [&](long begin, long end) {
    if (s.inner == 1) {
      for (long at = begin; at < end; at++) f(at, at * s.classes);
    } else {
      for (long at = begin; at < end; at++) f(at, at / s.inner * s.classes * s.inner + at % s.inner);
    }
  });
}

template <class T>
void cross_entropy(const SoftmaxShape& s, const T* x, const std::int64_t* label, T* loss, T* log_p) {
  if (are_short(s)) {
    forward(s, x, log_p, true);
    each_label(s, least_elements, [&](long r, long at) {
      const std::int64_t chosen = label[r];
      loss[r] = chosen >= 0 && chosen < s.classes ? -log_p[at + chosen] : T{};
    });
    return;
  }
  if (s.inner == 1) {
    each_row(s, [&](long r, long at) {
      log_softmax_of_row(x + at, s.classes, log_p + at);
      const std::int64_t chosen = label[r];
      loss[r] = chosen >= 0 && chosen < s.classes ? -log_p[at + chosen] : T{};
    });
    return;
  }
  softmax_of_columns(s, x, log_p, true);
  each_label(s, least_elements, [&](long at, long start) {
    const std::int64_t chosen = label[at];
    loss[at] = chosen >= 0 && chosen < s.classes ? -log_p[start + chosen * s.inner] : T{};
  });
}

template <class T>
void cross_entropy_backward(const SoftmaxShape& s, const T* log_p, const std::int64_t* label, const T* dy, T* dx) {
  if (are_short(s)) {
    each_turned<T>(s, [&](long r, long at, const SoftmaxShape& turned, T* const* own) {
      turn(turned, log_p + at, own[0]);
      cross_entropy_backward(turned, own[0], label + r, dy + r, own[1]);
      turn_back(turned, own[1], dx + at);
    });
    return;
  }
  if (s.inner == 1) {
    const long n = s.classes;
    each_row(s, [&](long r, long at) {
      const std::int64_t chosen = label[r];
      const bool valid = chosen >= 0 && chosen < n;
      const T scale = valid ? dy[r] : T{};
      const T* p = log_p + at;
      T* to = dx + at;
      long i = 0;
      for (; i + lanes<T> <= n; i += lanes<T>) store<T>(to + i, exp<T>(load(p + i)) * scale);
      if (i < n) store_rest<T>(to + i, exp<T>(rest_of<T>(p + i, n - i, Vec<T>{})) * scale, n - i);
      if (valid) to[chosen] -= scale;
    });
    return;
  }
  each_columns(s, [&](long start, long n) {
    const long row = start / (s.classes * s.inner) * s.inner + start % s.inner;
    alignas(vector_bytes) T scale[most_columns] = {};
    for (long l = 0; l < n; l++) scale[l] = label[row + l] >= 0 && label[row + l] < s.classes ? dy[row + l] : T{};
    for (long c = 0; c < s.classes; c++)
      each_some<T>(n, [&, at = start + c * s.inner](long i, long some) {
        store_some<T>(dx + at + i, exp<T>(load_some(log_p + at + i, some)) * load(scale + i), some);
      });
    for (long l = 0; l < n; l++) {
      const std::int64_t chosen = label[row + l];
      if (chosen >= 0 && chosen < s.classes) dx[start + chosen * s.inner + l] -= scale[l];
    }
  });
}

template <class T>
void categorical(const SoftmaxShape& s, const T* x, const std::int64_t* label, T least, T* loss) {
  each_label(s, least_elements / 8, [&](long at, long start) {
    const std::int64_t chosen = label[at];
    const T p = chosen >= 0 && chosen < s.classes ? x[start + chosen * s.inner] : T{1};
    loss[at] = p < least ? least : p;
  });
  const long n = s.outer * s.inner;
  parallel_for(divide_up(n, lanes<T>), least_elements / lanes<T>, [&](long begin, long end) {
    for (long i = begin * lanes<T>; i < smaller(end * lanes<T>, n); i += lanes<T>) {
      const long some = smaller(lanes<T>, n - i);
      store_some<T>(loss + i, 0 - log<T>(load_some(loss + i, some)), some);
    }
  });
}

constexpr long rows_ahead = 24;

template <class T>
void categorical_backward(const SoftmaxShape& s, const T* x, const std::int64_t* label, const T* dy, T least, T* dx) {
  const long image = s.classes * s.inner;
  parallel_for(s.outer, larger(1, 4 * least_elements / image), [&](long begin, long end) {
    // Some rows at a time, which stay in the cache between the zeros and the gradients.
    const long some = larger(1, least_elements / 2 / image);
    for (long first = begin; first < end; first += some) {
      const long last = smaller(first + some, end);
      std::memset(dx + first * image, 0, (last - first) * image * sizeof(T));
      if (s.inner == 1) {
        for (long r = first; r < last; r++) {
          // Which line of the row is read next, the processor does not guess.
          __builtin_prefetch(x + smaller(r + rows_ahead, last - 1) * image);
          const std::uint64_t chosen = static_cast<std::uint64_t>(label[r]);
          if (chosen >= static_cast<std::uint64_t>(s.classes)) continue;
          const T p = x[r * image + chosen];
          dx[r * image + chosen] = -dy[r] / (p < least ? least : p);
        }
        continue;
      }
      for (long r = first; r < last; r++)
        for (long i = 0; i < s.inner; i++) {
          const std::int64_t chosen = label[r * s.inner + i];
          if (chosen < 0 || chosen >= s.classes) continue;
          const long at = r * image + chosen * s.inner + i;
          dx[at] = -dy[r * s.inner + i] / (x[at] < least ? least : x[at]);
        }
    }
  });
}

// -- two classes ------------------------------------------------------------------------------------------------
// Call f(offset, number of elements) for vectors.
template <class T, class F>
void each_vector(long n, F&& f) {
  const long vectors = divide_up(n, lanes<T>);
  parallel_for(vectors, least_elements / lanes<T>, [&](long begin, long end) {
    for (long v = begin; v < end; v++) f(v * lanes<T>, smaller(lanes<T>, n - v * lanes<T>));
  });
}

template <class T>
void sigmoid_cross_entropy(long n, const T* x, const T* target, T* y) {
  each_vector<T>(n, [&](long i, long some) {
    const Vec<T> v = load_some(x + i, some), t = load_some(target + i, some);
    const Vec<T> positive = v < 0 ? Vec<T>{} : v, e = exp<T>(v - positive * 2);
    // log(1 + e) without what 1 + e has lost of e.
    const Vec<T> u = e + 1, rest = e - (u - 1);
    store_some<T>(y + i, positive - v * t + (log<T>(u) + rest / u), some);
  });
}

template <class T>
void sigmoid_cross_entropy_backward(long n, const T* x, const T* target, const T* dy, T* dx) {
  each_vector<T>(n, [&](long i, long some) {
    const Vec<T> v = load_some(x + i, some), t = load_some(target + i, some);
    store_some<T>(dx + i, load_some(dy + i, some) * (sigmoid<T>(v) - t), some);
  });
}

}  // namespace

template <class T>
const SoftmaxTable<T>* softmax_table() {
  static constexpr SoftmaxTable<T> table = {forward<T>,
                                            backward<T>,
                                            cross_entropy<T>,
                                            cross_entropy_backward<T>,
                                            categorical<T>,
                                            categorical_backward<T>,
                                            sigmoid_cross_entropy<T>,
                                            sigmoid_cross_entropy_backward<T>};
  return &table;
}
template const SoftmaxTable<float>* softmax_table();
template const SoftmaxTable<double>* softmax_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
