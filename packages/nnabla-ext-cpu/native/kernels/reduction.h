// Reductions of dense arrays: rows into one value each, or columns in registers, in blocks that keep sums accurate.
#pragma once

#include <type_traits>

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/tables/reduction.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

// What is taken of elements and how it is combined, for vectors and single values.
struct Adding {
  static constexpr double start = 0;
  template <class V>
  static NNABLA_INLINE V combine(V a, V b) {
    return a + b;
  }
};
struct Sum : Adding {
  template <class V>
  static NNABLA_INLINE V take(V x, V) {
    return x;
  }
};
struct SumOfSizes : Adding {
  template <class V>
  static NNABLA_INLINE V take(V x, V) {
    return x < 0 ? -x : x;
  }
};
struct SumOfSquares : Adding {
  template <class V>
  static NNABLA_INLINE V take(V x, V) {
    return x * x;
  }
};
struct SumOfProducts : Adding {
  template <class V>
  static NNABLA_INLINE V take(V x, V other) {
    return x * other;
  }
};
struct Largest {
  static constexpr double start = -std::numeric_limits<double>::infinity();
  template <class V>
  static NNABLA_INLINE V take(V x, V) {
    return x;
  }
  // NaN is larger than all.
  template <class V>
  static NNABLA_INLINE V combine(V a, V b) {
    return (a > b || a != a) ? a : b;
  }
};
struct Product {
  static constexpr double start = 1;
  template <class V>
  static NNABLA_INLINE V take(V x, V) {
    return x;
  }
  template <class V>
  static NNABLA_INLINE V combine(V a, V b) {
    return a * b;
  }
};

// Where an element of the axes outside of the innermost one lies.
class Steps {
 public:
  NNABLA_INLINE Steps(int axes, const long* shape, const long* step, long first)
      : axes_(axes), shape_(shape), step_(step) {
    for (int d = axes - 1; d >= 0; d--) {
      index_[d] = first % shape[d];
      first /= shape[d];
      offset += index_[d] * step[d];
    }
  }

  NNABLA_INLINE void next() {
    for (int d = axes_ - 1; d >= 0; d--) {
      offset += step_[d];
      if (++index_[d] < shape_[d]) return;
      offset -= step_[d] * shape_[d];
      index_[d] = 0;
    }
  }

  long offset = 0;

 private:
  int axes_;
  const long *shape_, *step_;
  long index_[Fold::most];
};

// -- rows --------------------------------------------------------------------------------------------------
template <class T, class Op>
NNABLA_INLINE double reduce_block(long n, const T* x, const T* other) {
  constexpr int ways = 4;
  T total = static_cast<T>(Op::start);
  long i = 0;
  if (n >= lanes<T>) {
    Vec<T> part[ways];
    for (int k = 0; k < ways; k++) part[k] = broadcast(total);
    for (; i + ways * lanes<T> <= n; i += ways * lanes<T>)
#pragma GCC unroll 4
      for (int k = 0; k < ways; k++)
        part[k] = Op::combine(part[k], Op::take(load(x + i + k * lanes<T>), load(other + i + k * lanes<T>)));
    for (; i + lanes<T> <= n; i += lanes<T>) part[0] = Op::combine(part[0], Op::take(load(x + i), load(other + i)));
    const Vec<T> all = Op::combine(Op::combine(part[0], part[1]), Op::combine(part[2], part[3]));
    alignas(vector_bytes) T value[lanes<T>];
    store(value, all);
    for (int k = lanes<T> / 2; k > 0; k /= 2)
      for (int j = 0; j < k; j++) value[j] = Op::combine(value[j], value[j + k]);
    total = value[0];
  }
  for (; i < n; i++) total = Op::combine(total, Op::take(x[i], other[i]));
  return total;
}

template <class T, class Op>
NNABLA_INLINE double reduce_row(long n, const T* x, const T* other) {
  constexpr long block = 2048;
  double total = Op::start;
  for (long at = 0; at < n; at += block)
    total = Op::combine(total, reduce_block<T, Op>(smaller(block, n - at), x + at, other + at));
  return total;
}

// Results from `first` to `last`, of the reduced axes' steps from `from` to `to`; `put` takes them.
template <class T, class Op, class Put>
void reduce_rows(const Fold& fold, const T* x, const T* other, long first, long last, long from, long to, Put put) {
  Steps at(fold.kept_axes, fold.kept, fold.kept_step, first);
  for (long k = first; k < last; k++, at.next()) {
    double total = Op::start;
    if (fold.reduced_axes == 0 && to > from) {
      total = reduce_row<T, Op>(fold.inner, x + at.offset, other + at.offset);
    } else {
      Steps step(fold.reduced_axes, fold.reduced, fold.reduced_step, from);
      for (long r = from; r < to; r++, step.next()) {
        const long offset = at.offset + step.offset;
        total = Op::combine(total, reduce_row<T, Op>(fold.inner, x + offset, other + offset));
      }
    }
    put(k, total);
  }
}

// -- columns -----------------------------------------------------------------------------------------------
// Width vectors of columns from x on; `part` of them, if not 0, is one vector of so many columns.
template <class T, class Op, int Width>
NNABLA_INLINE void reduce_columns(const Fold& fold, const T* x, const T* other, long from, long to, T* y, long part,
                                  const T* end) {
  constexpr long block = 32;
  Vec<T> total[Width], lost[Width];
  for (int k = 0; k < Width; k++) {
    total[k] = broadcast(static_cast<T>(Op::start));
    lost[k] = Vec<T>{};
  }
  const auto take = [&](long offset, int k) {
    const T *a = x + offset + k * lanes<T>, *b = other + offset + k * lanes<T>;
    if (part != 0 && a + lanes<T> > end) return Op::take(load_part(a, part), load_part(b, part));
    return Op::take(load(a), load(b));
  };
  Steps step(fold.reduced_axes, fold.reduced, fold.reduced_step, from);
  while (from < to) {
    Vec<T> sum[Width];
    for (int k = 0; k < Width; k++) sum[k] = broadcast(static_cast<T>(Op::start));
    for (const long stop = smaller(to, from + block); from < stop; from++, step.next())
#pragma GCC unroll 8
      for (int k = 0; k < Width; k++) sum[k] = Op::combine(sum[k], take(step.offset, k));
    for (int k = 0; k < Width; k++) {
      if constexpr (std::is_base_of<Adding, Op>::value) {
        // What adding a block's sum rounds away is kept (Knuth's two-sum).
        const Vec<T> grown = total[k] + sum[k], back = grown - total[k];
        const Vec<T> rest = (total[k] - (grown - back)) + (sum[k] - back);
        lost[k] += rest == rest ? rest : Vec<T>{};
        total[k] = grown;
      } else {
        total[k] = Op::combine(total[k], sum[k]);
      }
    }
  }
  for (int k = 0; k < Width; k++) {
    const Vec<T> result = total[k] + lost[k];
    if (part == 0)
      store(y + k * lanes<T>, result);
    else
      store_part(y, result, part);
  }
}

// Columns from `first` to `last` of all kept ones, counted over the outer axes.
template <class T, class Op>
void reduce_column_range(const Fold& fold, const T* x, const T* other, long first, long last, long from, long to,
                         T* y) {
  const T* end = x + fold.elements;
  while (first < last) {
    const long column = first % fold.inner, stop = smaller(last, first - column + fold.inner);
    const Steps at(fold.kept_axes, fold.kept, fold.kept_step, first / fold.inner);
    const long offset = at.offset + column, left = stop - first;
    const T *a = x + offset, *b = other + offset;
    long done;
    if (left >= 8 * lanes<T>) {
      reduce_columns<T, Op, 8>(fold, a, b, from, to, y + first, 0, end);
      done = 8 * lanes<T>;
    } else if (left >= 4 * lanes<T>) {
      reduce_columns<T, Op, 4>(fold, a, b, from, to, y + first, 0, end);
      done = 4 * lanes<T>;
    } else if (left >= lanes<T>) {
      reduce_columns<T, Op, 1>(fold, a, b, from, to, y + first, 0, end);
      done = lanes<T>;
    } else {
      reduce_columns<T, Op, 1>(fold, a, b, from, to, y + first, left, end);
      done = left;
    }
    first += done;
  }
}

// -- threads -----------------------------------------------------------------------------------------------
constexpr long reduction_grain = 16384;

template <class T, class Op>
void reduce(const Fold& fold, const T* x, const T* other, T* y) {
  const long outputs = fold.kept_count * (fold.inner_reduced ? 1 : fold.inner);
  const long work = larger(1, fold.elements / larger(outputs, 1));
  const long parts = smaller(thread_count(), larger(1, fold.elements / reduction_grain));
  // Columns are shared out in whole vectors of 256 bytes.
  const long unit = fold.inner_reduced ? 1 : 4 * lanes<T>;
  if (parts == 1 || outputs >= parts * 2 * unit) {
    parallel_for(divide_up(outputs, unit), larger(1, reduction_grain / work / unit), [&](long first, long last) {
      first *= unit;
      last = smaller(last * unit, outputs);
      if (fold.inner_reduced)
        reduce_rows<T, Op>(fold, x, other, first, last, 0, fold.reduced_count,
                           [&](long k, double value) { y[k] = static_cast<T>(value); });
      else
        reduce_column_range<T, Op>(fold, x, other, first, last, 0, fold.reduced_count, y);
    });
    return;
  }
  // Few results: each thread reduces a part of what they are made of.
  if (fold.inner_reduced) {
    Fold cut = fold;
    const long block = 2048;
    if (fold.reduced_axes == 0 && fold.inner >= parts * block) {
      // One row is cut into pieces, and what is left after them.
      cut.reduced_axes = 1;
      cut.reduced[0] = cut.reduced_count = fold.inner / block;
      cut.reduced_step[0] = cut.inner = block;
    }
    const long rest = fold.reduced_axes == 0 && cut.reduced_axes == 1 ? fold.inner % block : 0;
    Scratch<double> partial(parts * outputs);
    parallel(static_cast<int>(parts), [&](int part, int count) {
      double* mine = partial.data() + part * outputs;
      reduce_rows<T, Op>(cut, x, other, 0, outputs, cut.reduced_count * part / count,
                         cut.reduced_count * (part + 1) / count, [&](long k, double value) { mine[k] = value; });
    });
    Steps at(fold.kept_axes, fold.kept, fold.kept_step, 0);
    for (long k = 0; k < outputs; k++, at.next()) {
      double total = partial[k];
      for (long part = 1; part < parts; part++) total = Op::combine(total, partial[part * outputs + k]);
      const long offset = at.offset + fold.inner - rest;
      if (rest > 0) total = Op::combine(total, reduce_row<T, Op>(rest, x + offset, other + offset));
      y[k] = static_cast<T>(total);
    }
    return;
  }
  Scratch<T> partial(parts * outputs);
  parallel(static_cast<int>(parts), [&](int part, int count) {
    reduce_column_range<T, Op>(fold, x, other, 0, outputs, fold.reduced_count * part / count,
                               fold.reduced_count * (part + 1) / count, partial.data() + part * outputs);
  });
  for (long k = 0; k < outputs; k++) {
    double total = partial[k];
    for (long part = 1; part < parts; part++)
      total = Op::combine(total, static_cast<double>(partial[part * outputs + k]));
    y[k] = static_cast<T>(total);
  }
}

template <class T>
void arg_max(long rows, long n, const T* x, std::int64_t* y) {
  parallel_for(rows, larger(1, reduction_grain / larger(n, 1)), [&](long first, long last) {
    for (long r = first; r < last; r++) {
      const T* row = x + r * n;
      const T most = static_cast<T>(reduce_row<T, Largest>(n, row, row));
      long at = 0;
      if (most != most)
        while (row[at] == row[at]) at++;
      else
        while (row[at] != most) at++;
      y[r] = at;
    }
  });
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
