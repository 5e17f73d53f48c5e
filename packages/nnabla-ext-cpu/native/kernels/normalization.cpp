#include "kernels/normalization.h"

#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// -- statistics ------------------------------------------------------------------------------------------------
// Mean and squared deviations of what was added so far (Chan, Golub, LeVeque 1979).
struct Moments {
  double count = 0, mean = 0, squares = 0;

  // n elements whose differences from `shift` have these sums and sums of squares.
  void add(double n, double shift, double sums, double square_sums) {
    const double step = shift + sums / n - mean, total = count + n;
    mean += step * n / total;
    squares += square_sums - sums * sums / n + step * step * count * n / total;
    count = total;
  }
};

template <class T>
TwoSums<T> differences(const T* x, long rows, long step, long length, T shift) {
  TwoSums<T> sums;
  for (long r = 0; r < rows; r++)
    sums.add(length, [&, p = x + r * step](long i, auto tag, auto& a, auto& b) {
      const auto d = get<decltype(tag)>(p + i) - shift;
      a += d;
      b += d * d;
    });
  return sums;
}

// In one pass: the shift of each block is the mean of those before it, so that nothing cancels beyond what the
// variance has anyway; that of the first block is an element, or, where that is far off, the block's mean.
template <class T>
Moments row_moments(const T* x, long rows, long step, long length) {
  Moments found;
  each_block(rows, length, [&](long row, long count, long start, long width) {
    const T* p = x + row * step + start;
    const double n = static_cast<double>(count) * width;
    T shift = found.count == 0 ? *p : static_cast<T>(found.mean);
    const TwoSums<T> sums = differences(p, count, step, width, shift);
    double first = sums.first(), second = sums.second();
    if (found.count == 0 && first * first > 0.9 * n * second) {
      shift += static_cast<T>(first / n);
      const TwoSums<T> again = differences(p, count, step, width, shift);
      first = again.first(), second = again.second();
    }
    found.add(n, shift, first, second);
  });
  return found;
}

// Mean and squared deviations of each column, kept in arrays of the matrix's width.
template <class T>
struct ColumnMoments {
  long width;
  T *mean, *squares, *sums, *square_sums;

  ColumnMoments(T* memory, long width)
      : width(width),
        mean(memory),
        squares(memory + width),
        sums(memory + 2 * width),
        square_sums(memory + 3 * width) {}

  static long memory(long width) { return 4 * width; }

  void block(const T* x, long rows, long step, long before) {
    for (long i = 0; i < width; i++) sums[i] = square_sums[i] = 0;
    row_groups(rows, [&](long r, auto four) {
      each_once<T>(width, [&](long i, auto tag) {
        using V = decltype(tag);
        const V shift = get<V>(mean + i);
        V a = get<V>(sums + i), b = get<V>(square_sums + i);
        for (int k = 0; k < four; k++) {
          const V d = get<V>(x + (r + k) * step + i) - shift;
          a += d;
          b += d * d;
        }
        put(sums + i, a);
        put(square_sums + i, b);
      });
    });
    const T n = static_cast<T>(rows), total = static_cast<T>(before + rows);
    const T share = n / total, between = share * static_cast<T>(before);
    each_once<T>(width, [&](long i, auto tag) {
      using V = decltype(tag);
      const V s = get<V>(sums + i), d = s * (1 / n);
      put(mean + i, V(get<V>(mean + i) + d * share));
      put(squares + i, V(get<V>(squares + i) + (get<V>(square_sums + i) - s * d + d * d * between)));
    });
  }

  void add(const T* x, long rows, long step) {
    const long most = column_block(rows);
    for (long i = 0; i < width; i++) mean[i] = x[i], squares[i] = 0;
    block(x, smaller(most, rows), step, 0);
    for (long i = 0; i < width; i++) squares[i] = 0;
    for (long r = 0; r < rows; r += most) block(x + r * step, smaller(most, rows - r), step, r);
  }
};

// -- applying --------------------------------------------------------------------------------------------------
enum class Then { nothing, add, rectify, add_and_rectify };

template <Then then, class V, class T>
NNABLA_INLINE V finish(V v, const T* z) {
  if constexpr (then == Then::add || then == Then::add_and_rectify) v += get<V>(z);
  if constexpr (then == Then::rectify || then == Then::add_and_rectify) v = v < 0 ? V{} : v;
  return v;
}

template <class F>
void by_end(bool rectify, bool add, F&& f) {
  if (!rectify && !add) {
    f(std::integral_constant<Then, Then::nothing>{});
  } else if (!rectify) {
    f(std::integral_constant<Then, Then::add>{});
  } else if (add) {
    f(std::integral_constant<Then, Then::add_and_rectify>{});
  } else {
    f(std::integral_constant<Then, Then::rectify>{});
  }
}

template <class T>
void finish_statistics(const Standardization<T>& s, long at, const Moments& found) {
  const double variance = found.squares / found.count;
  s.center[at] = static_cast<T>(found.mean);
  s.variance[at] = static_cast<T>(variance);
  s.inverse[at] = static_cast<T>(1 / __builtin_sqrt(variance + s.eps));
}

template <class T>
void forward_rows(const Standardization<T>& s, long begin, long end) {
  const StandardShape& n = s.shape;
  const long step = n.k1 * n.r1;
  for (long k = begin; k < end; k++) {
    const long start = (k / n.k1) * n.r0 * step + (k % n.k1) * n.r1;
    if (!s.fixed) finish_statistics(s, k, row_moments(s.x + start, n.r0, step, n.r1));
    const T center = s.center[k], inverse = s.inverse[k];
    if (s.along) {
      const T *x = s.x + start, *gamma = s.gamma, *beta = s.beta;
      T* y = s.y + start;
      each<T>(n.r1, [&](long i, auto tag) {
        using V = decltype(tag);
        V v = (get<V>(x + i) - center) * inverse;
        if (gamma != nullptr) v *= get<V>(gamma + i);
        if (beta != nullptr) v += get<V>(beta + i);
        put(y + i, v);
      });
      continue;
    }
    const long channel = k;
    const T scale = s.gamma == nullptr ? inverse : inverse * s.gamma[channel];
    const T offset = s.beta == nullptr ? T{} : s.beta[channel];
    by_end(s.rectify, s.z != nullptr, [&](auto then) {
      for (long r = 0; r < n.r0; r++) {
        const long at = start + r * step;
        const T *x = s.x + at, *z = s.z + (s.z == nullptr ? 0 : at);
        T* y = s.y + at;
        each<T>(n.r1, [&](long i, auto tag) {
          using V = decltype(tag);
          put(y + i, finish<decltype(then)::value>((get<V>(x + i) - center) * scale + offset, z + i));
        });
      }
    });
  }
}

// Columns k of a block, each statistic's r1 times.
template <class T>
void spread_parameters(const Standardization<T>& s, const ColumnBlock& b, T* center, T* scale, T* offset) {
  const long r1 = s.shape.r1;
  for (long k = 0; k < b.kept; k++) {
    const long at = b.first + k;
    const T a = s.gamma == nullptr ? s.inverse[at] : s.inverse[at] * s.gamma[at];
    const T o = s.beta == nullptr ? T{} : s.beta[at];
    for (long i = k * r1; i < (k + 1) * r1; i++) center[i] = s.center[at], scale[i] = a, offset[i] = o;
  }
}

template <class T>
void apply_columns(const Standardization<T>& s, const ColumnBlock& b, long begin, long end, const T* parameters) {
  const long width = b.width;
  const T *center = parameters, *scale = parameters + width, *offset = parameters + 2 * width;
  by_end(s.rectify, s.z != nullptr, [&](auto then) {
    row_groups(end - begin, [&](long r, auto four) {
      const long start = b.start + (begin + r) * b.step;
      const T *x = s.x + start, *z = s.z + (s.z == nullptr ? 0 : start);
      T* y = s.y + start;
      each<T>(width, [&](long i, auto tag) {
        using V = decltype(tag);
        const V c = get<V>(center + i), a = get<V>(scale + i), o = get<V>(offset + i);
        for (int k = 0; k < four; k++)
          put(y + k * b.step + i,
              finish<decltype(then)::value>((get<V>(x + k * b.step + i) - c) * a + o, z + k * b.step + i));
      });
    });
  });
}

inline double rows_of(const ColumnBlock& b, int part, int parts) {
  return static_cast<double>(part_end(b.rows, part, parts) - part_begin(b.rows, part, parts));
}

// The statistics of a block from those of its columns, found by `parts` threads for a part of the rows each.
template <class T>
void join_columns(const Standardization<T>& s, const ColumnBlock& b, const T* memory, int parts) {
  const long r1 = s.shape.r1, each_part = ColumnMoments<T>::memory(b.width);
  for (long k = 0; k < b.kept; k++) {
    Moments found;
    found.count = static_cast<double>(b.rows * r1);
    for (int p = 0; p < parts; p++) {
      const T* mean = memory + p * each_part + k * r1;
      double total = 0;
      for (long i = 0; i < r1; i++) total += mean[i];
      found.mean += total * rows_of(b, p, parts) / found.count;
    }
    for (int p = 0; p < parts; p++) {
      const T *mean = memory + p * each_part + k * r1, *squares = mean + b.width;
      double within = 0, between = 0;
      for (long i = 0; i < r1; i++) {
        const double d = mean[i] - found.mean;
        within += squares[i];
        between += d * d;
      }
      found.squares += within + between * rows_of(b, p, parts);
    }
    finish_statistics(s, b.first + k, found);
  }
}

template <class T>
void forward_columns(const Standardization<T>& s, const ColumnBlock& b, int parts) {
  Scratch<T> memory(ColumnMoments<T>::memory(b.width) * parts);
  Scratch<T> parameters(3 * b.width);
  if (!s.fixed) {
    parallel(parts, [&](int part, int count) {
      const long begin = part_begin(b.rows, part, count), end = part_end(b.rows, part, count);
      ColumnMoments<T> moments(memory + ColumnMoments<T>::memory(b.width) * part, b.width);
      moments.add(s.x + b.start + begin * b.step, end - begin, b.step);
    });
    join_columns<T>(s, b, memory, parts);
  }
  spread_parameters<T>(s, b, parameters, parameters + b.width, parameters + 2 * b.width);
  parallel(parts, [&](int part, int count) {
    apply_columns<T>(s, b, part_begin(b.rows, part, count), part_end(b.rows, part, count), parameters);
  });
}

template <class T>
void forward(const Standardization<T>& s) {
  if (s.along || !by_columns<T>(s.shape)) {
    const long grain = larger(1, least_elements / s.shape.reduced());
    parallel_for(s.shape.kept(), grain, [&](long begin, long end) { forward_rows(s, begin, end); });
  } else {
    each_column_block<T>(s.shape, [&](const ColumnBlock& b, int parts) { forward_columns(s, b, parts); });
  }
}

}  // namespace

template <class T>
const NormalizationTable<T>* normalization_table() {
  static constexpr NormalizationTable<T> table = {forward<T>, standardization_gradient<T>};
  return &table;
}
template const NormalizationTable<float>* normalization_table();
template const NormalizationTable<double>* normalization_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
