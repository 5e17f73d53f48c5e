#include "kernels/tables/copy.h"

#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

constexpr long copy_grain = 16384;

// Columns of a turned copy that are one unit of work: a few lines of the cache on either side.
constexpr long turned_block = 64;

// The offsets of the units of work, which the outer axes of a walk number.
class Units {
 public:
  Units(const Walk& walk, int axes, long first) : walk_(walk), axes_(axes) {
    for (int a = axes - 1; a >= 0; a--) {
      at_[a] = first % walk.shape[a];
      first /= walk.shape[a];
      from += at_[a] * walk.from[a];
      to += at_[a] * walk.to[a];
    }
  }
  NNABLA_INLINE void next() {
    for (int a = axes_ - 1; a >= 0; a--) {
      from += walk_.from[a];
      to += walk_.to[a];
      if (++at_[a] < walk_.shape[a]) return;
      at_[a] = 0;
      from -= walk_.from[a] * walk_.shape[a];
      to -= walk_.to[a] * walk_.shape[a];
    }
  }
  long from = 0, to = 0;

 private:
  const Walk& walk_;
  int axes_;
  long at_[most_copied_axes];
};

template <class T>
NNABLA_INLINE Vec<T> reversed(Vec<T> v) {
#if defined(__clang__)
  Vec<T> r;
  for (int i = 0; i < lanes<T>; i++) r[i] = v[lanes<T> - 1 - i];
  return r;
#else
  typedef typename std::conditional<sizeof(T) == 4, std::int32_t, std::int64_t>::type I;
  Vec<I> order = {};
  for (int i = 0; i < lanes<T>; i++) order[i] = lanes<T> - 1 - i;
  return __builtin_shuffle(v, order);
#endif
}

// One row; `step` is the distance of its elements in x, those of y are `to_step` apart.
template <class T>
NNABLA_INLINE void move_row(long n, const T* __restrict x, long step, T* __restrict y, long to_step) {
  if (to_step != 1) {
    for (long i = 0; i < n; i++) y[i * to_step] = x[i * step];
  } else if (step == 1) {
    if (n >= 32) {
      std::memcpy(y, x, n * sizeof(T));
    } else {
      for (long i = 0; i < n; i++) y[i] = x[i];
    }
  } else if (step == 0) {
    const T value = *x;
    const Vec<T> values = broadcast(value);
    long i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) store(y + i, values);
    for (; i < n; i++) y[i] = value;
  } else if (step == -1) {
    long i = 0;
    for (; i + lanes<T> <= n; i += lanes<T>) store(y + i, reversed<T>(load(x - i - (lanes<T> - 1))));
    for (; i < n; i++) y[i] = x[-i];
  } else if (step == 2) {
    for (long i = 0; i < n; i++) y[i] = x[2 * i];
  } else {
    for (long i = 0; i < n; i++) y[i] = x[i * step];
  }
}

// The axis whose elements are neighbours in x, if rows of y take theirs from further apart; -1 if there is none.
int turned_axis(const Walk& w) {
  const int last = w.nd - 1;
  if (w.to[last] != 1 || w.from[last] == 1 || w.from[last] == 0) return -1;
  for (int a = last - 1; a >= 0; a--)
    if (w.from[a] == 1 && w.shape[a] > 1) return a;
  return -1;
}

template <class T>
void move_turned(const Walk& given, int axis, const T* x, T* y) {
  // The turned axis becomes one of blocks.
  const int last = given.nd - 1;
  Walk w = given;
  const long columns = w.shape[axis], step = w.to[axis];
  for (int a = axis; a < last - 1; a++) {
    w.shape[a] = w.shape[a + 1];
    w.from[a] = w.from[a + 1];
    w.to[a] = w.to[a + 1];
  }
  w.shape[last - 1] = divide_up(columns, turned_block);
  w.from[last - 1] = turned_block;
  w.to[last - 1] = turned_block * step;
  long units = 1;
  for (int a = 0; a < last; a++) units *= w.shape[a];
  const long rows = w.shape[last], blocks = w.shape[last - 1];
  parallel_for(units, larger(1, copy_grain / larger(rows * smaller(columns, turned_block), 1)),
               [&](long first, long end) {
                 Units at(w, last, first);
                 for (long u = first; u < end; u++, at.next()) {
                   const long left = columns - u % blocks * turned_block;
                   transpose(rows, smaller(left, turned_block), x + at.from, w.from[last], y + at.to, step);
                 }
               });
}

template <class T>
void move(const Walk& w, const T* x, T* y) {
  if (w.nd == 0) {
    *y = *x;
    return;
  }
  const int turned = turned_axis(w);
  if (turned >= 0) return move_turned(w, turned, x, y);
  const int last = w.nd - 1;
  const long n = w.shape[last], step = w.from[last], to_step = w.to[last];
  long rows = 1;
  for (int a = 0; a < last; a++) rows *= w.shape[a];
  if (rows == 1) {
    parallel_for(n, copy_grain, [&](long first, long end) {
      move_row(end - first, x + first * step, step, y + first * to_step, to_step);
    });
    return;
  }
  parallel_for(rows, larger(1, copy_grain / larger(n, 1)), [&](long first, long end) {
    Units at(w, last, first);
    for (long r = first; r < end; r++, at.next()) move_row(n, x + at.from, step, y + at.to, to_step);
  });
}

template <class T>
void fill(long count, T value, T* y) {
  parallel_for(count, copy_grain, [&](long first, long end) {
    if (value == 0 && !std::signbit(value)) {
      std::memset(y + first, 0, (end - first) * sizeof(T));
    } else {
      const Vec<T> values = broadcast(value);
      long i = first;
      for (; i + lanes<T> <= end; i += lanes<T>) store(y + i, values);
      for (; i < end; i++) y[i] = value;
    }
  });
}

template <class T>
void count_up(long count, long start, T* y) {
  parallel_for(count, copy_grain, [&](long first, long end) {
    for (long i = first; i < end; i++) y[i] = static_cast<T>(start + i);
  });
}

template <class T>
void spread(long count, T start, T stop, T* y) {
  // Weighted from both sides, so that both ends are exact.
  const T step = static_cast<T>(1.0 / static_cast<double>(count - 1));
  parallel_for(count, copy_grain, [&](long first, long end) {
    for (long i = first; i < end; i++)
      y[i] = static_cast<T>(count - 1 - i) * step * start + static_cast<T>(i) * step * stop;
  });
}

// -- dtypes ------------------------------------------------------------------------------------------------
struct Boolean {};  // kept as a byte that is 0 or 1

template <class A>
struct StoredAs {
  typedef A type;
};
template <>
struct StoredAs<Boolean> {
  typedef std::uint8_t type;
};

template <class A, class B>
struct Converted {
  static NNABLA_INLINE B of(A a) { return static_cast<B>(a); }
};
template <class A>
struct Converted<A, Boolean> {
  static NNABLA_INLINE std::uint8_t of(A a) { return a != 0; }
};
// What is no such integer becomes what the processor makes of it, and NumPy with it.
template <class A, class B>
NNABLA_INLINE B integer_of(A a, A least, A beyond) {
#if defined(__aarch64__)
  if (a != a) return 0;
  if (a >= beyond) return std::numeric_limits<B>::max();
#endif
  return a >= least && a < beyond ? static_cast<B>(a) : std::numeric_limits<B>::min();
}
template <>
struct Converted<float, std::int64_t> {
  static NNABLA_INLINE std::int64_t of(float a) { return integer_of<float, std::int64_t>(a, -0x1p63f, 0x1p63f); }
};
template <>
struct Converted<double, std::int64_t> {
  static NNABLA_INLINE std::int64_t of(double a) { return integer_of<double, std::int64_t>(a, -0x1p63, 0x1p63); }
};

template <class A, class B>
void convert(long count, const void* x, void* y) {
  typedef typename StoredAs<A>::type From;
  typedef typename StoredAs<B>::type To;
  parallel_for(count, copy_grain, [&](long first, long end) {
    const From* __restrict from = static_cast<const From*>(x);
    To* __restrict to = static_cast<To*>(y);
    NNABLA_INDEPENDENT
    for (long i = first; i < end; i++) to[i] = Converted<From, B>::of(from[i]);
  });
}

typedef void (*Convert)(long, const void*, void*);

// From one dtype to all of Kind, in its order.
template <class A>
struct Row {
  static constexpr Convert to_bool = convert<A, Boolean>, to_int64 = convert<A, std::int64_t>;
  static constexpr Convert to_float = convert<A, float>, to_double = convert<A, double>;
};

}  // namespace

template <class T>
const CopyTable<T>* copy_table() {
  typedef std::int32_t I;
  typedef std::int64_t L;
  typedef std::uint64_t U;
  static constexpr CopyTable<T> table = {
      move<T>,
      fill<T>,
      count_up<T>,
      spread<T>,
      {
          {nullptr, nullptr, Row<Boolean>::to_int64, nullptr, Row<Boolean>::to_float, Row<Boolean>::to_double},
          {Row<I>::to_bool, nullptr, Row<I>::to_int64, nullptr, Row<I>::to_float, Row<I>::to_double},
          {Row<L>::to_bool, nullptr, nullptr, convert<L, U>, Row<L>::to_float, Row<L>::to_double},
          {Row<U>::to_bool, nullptr, Row<U>::to_int64, nullptr, Row<U>::to_float, Row<U>::to_double},
          {Row<float>::to_bool, nullptr, Row<float>::to_int64, nullptr, nullptr, Row<float>::to_double},
          {Row<double>::to_bool, nullptr, Row<double>::to_int64, nullptr, Row<double>::to_float, nullptr},
      }};
  return &table;
}
template const CopyTable<float>* copy_table();
template const CopyTable<double>* copy_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
