#include "kernels/normalization.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

template <class T>
using Gradient = StandardizationGradient<T>;

// dy, or 0 where the rectified result is.
template <bool masked, class V, class T>
NNABLA_INLINE V seed_of(const T* dy, const T* y) {
  const V seed = get<V>(dy);
  if constexpr (masked) return get<V>(y) > 0 ? seed : V{};
  return seed;
}

template <class F>
void by_mask(bool masked, F&& f) {
  if (masked) {
    f(std::true_type{});
  } else {
    f(std::false_type{});
  }
}

// dx = factor * (dy - average - (x - center) * slope)
template <class T>
struct Coefficients {
  T factor, average, slope;

  Coefficients(const Gradient<T>& s, long at, double total, double along) {
    const double inverse = s.inverse[at], n = static_cast<double>(s.shape.reduced());
    factor = s.gamma == nullptr || s.along ? s.inverse[at] : s.inverse[at] * s.gamma[at];
    average = s.fixed ? T{} : static_cast<T>(total / n);
    slope = s.fixed ? T{} : static_cast<T>(along * inverse * inverse / n);
  }
};

template <class T>
void keep_sums(const Gradient<T>& s, long at, double total, double along) {
  if (s.dbeta != nullptr) s.dbeta[at] = static_cast<T>(total);
  if (s.dgamma != nullptr) s.dgamma[at] = static_cast<T>(along * s.inverse[at]);
}

// -- along rows ------------------------------------------------------------------------------------------------
template <class T>
void backward_rows(const Gradient<T>& s, long begin, long end) {
  const StandardShape& n = s.shape;
  const long step = n.k1 * n.r1;
  by_mask(s.y != nullptr, [&](auto masked) {
    constexpr bool mask = decltype(masked)::value;
    for (long k = begin; k < end; k++) {
      const long start = (k / n.k1) * n.r0 * step + (k % n.k1) * n.r1;
      const T center = s.center[k];
      double total = 0, along = 0;
      each_block(n.r0, n.r1, [&](long row, long rows, long from, long width) {
        TwoSums<T> sums;
        for (long r = row; r < row + rows; r++) {
          const long at = start + r * step + from;
          const T *x = s.x + at, *dy = s.dy + at, *y = mask ? s.y + at : nullptr;
          sums.add(width, [&](long i, auto tag, auto& a, auto& b) {
            using V = decltype(tag);
            const V seed = seed_of<mask, V>(dy + i, y + i);
            a += seed;
            b += seed * (get<V>(x + i) - center);
          });
        }
        total += sums.first();
        along += sums.second();
      });
      keep_sums(s, k, total, along);
      const Coefficients<T> c(s, k, total, along);
      for (long r = 0; r < n.r0; r++) {
        const long at = start + r * step;
        const T *x = s.x + at, *dy = s.dy + at, *y = mask ? s.y + at : nullptr;
        T *dx = s.dx == nullptr ? nullptr : s.dx + at, *dz = s.dz == nullptr ? nullptr : s.dz + at;
        each<T>(n.r1, [&](long i, auto tag) {
          using V = decltype(tag);
          const V seed = seed_of<mask, V>(dy + i, y + i);
          if (dx != nullptr) put(dx + i, ((seed - c.average) - (get<V>(x + i) - center) * c.slope) * c.factor);
          if (dz != nullptr) put(dz + i, seed);
        });
      }
    }
  });
}

// With gamma and beta along the row, their gradients are sums over rows: those of some rows first, then of all.
template <class T>
void backward_along(const Gradient<T>& s, long begin, long end, T* dgamma, T* dbeta, T* some) {
  const long n = s.shape.r1;
  constexpr long rows = 64;
  T *some_gamma = some, *some_beta = some + n;
  const T* gamma = s.gamma;
  for (long i = 0; i < n; i++) dgamma[i] = dbeta[i] = some_gamma[i] = some_beta[i] = 0;
  for (long k = begin; k < end; k++) {
    const T *x = s.x + k * n, *dy = s.dy + k * n;
    T* dx = s.dx + k * n;
    const T center = s.center[k], inverse = s.inverse[k];
    double total = 0, along = 0;
    if (s.dx != nullptr)
      each_block(1, n, [&](long, long, long from, long width) {
        TwoSums<T> sums;
        sums.add(width, [&, x = x + from, dy = dy + from](long i, auto tag, auto& a, auto& b) {
          using V = decltype(tag);
          V seed = get<V>(dy + i);
          if (gamma != nullptr) seed *= get<V>(gamma + from + i);
          a += seed;
          b += seed * (get<V>(x + i) - center);
        });
        total += sums.first();
        along += sums.second();
      });
    const Coefficients<T> c(s, k, total, along);
    each_once<T>(n, [&](long i, auto tag) {
      using V = decltype(tag);
      const V g = get<V>(dy + i), shifted = get<V>(x + i) - center;
      if (s.dgamma != nullptr) put(some_gamma + i, V(get<V>(some_gamma + i) + g * (shifted * inverse)));
      if (s.dbeta != nullptr) put(some_beta + i, V(get<V>(some_beta + i) + g));
      if (s.dx != nullptr) {
        const V seed = gamma == nullptr ? g : g * get<V>(gamma + i);
        put(dx + i, V(((seed - c.average) - shifted * c.slope) * c.factor));
      }
    });
    if ((k - begin) % rows == rows - 1 || k == end - 1)
      for (long i = 0; i < n; i++) {
        dgamma[i] += some_gamma[i];
        dbeta[i] += some_beta[i];
        some_gamma[i] = some_beta[i] = 0;
      }
  }
}

template <class T>
void backward_along_rows(const Gradient<T>& s) {
  const long n = s.shape.r1, samples = s.shape.k1;
  const long most = smaller(samples, s.shape.size() / least_elements);
  const int parts = static_cast<int>(larger(1, smaller(thread_count(), most)));
  Scratch<T> sums(4 * n * parts);
  parallel(parts, [&](int part, int count) {
    T* own = sums + 4 * n * part;
    backward_along<T>(s, part_begin(samples, part, count), part_end(samples, part, count), own, own + n, own + 2 * n);
  });
  for (int p = 0; p < parts; p++) {
    const T* own = sums + 4 * n * p;
    for (long i = 0; i < n; i++) {
      if (s.dgamma != nullptr) s.dgamma[i] = p == 0 ? own[i] : s.dgamma[i] + own[i];
      if (s.dbeta != nullptr) s.dbeta[i] = p == 0 ? own[n + i] : s.dbeta[i] + own[n + i];
    }
  }
}

// -- by columns ------------------------------------------------------------------------------------------------
// `sums` has width elements for each of: sums of dy and of dy (x - center) over all rows, and over some.
template <class T>
void column_sums(const Gradient<T>& s, const ColumnBlock& b, long begin, long end, const T* center, T* sums) {
  const long width = b.width, most = column_block(end - begin);
  T *total = sums, *along = sums + width, *some_total = sums + 2 * width, *some_along = sums + 3 * width;
  for (long i = 0; i < width; i++) total[i] = along[i] = 0;
  by_mask(s.y != nullptr, [&](auto masked) {
    constexpr bool mask = decltype(masked)::value;
    for (long from = begin; from < end; from += most) {
      for (long i = 0; i < width; i++) some_total[i] = some_along[i] = 0;
      row_groups(smaller(most, end - from), [&](long r, auto four) {
        const long at = b.start + (from + r) * b.step;
        const T *x = s.x + at, *dy = s.dy + at, *y = mask ? s.y + at : nullptr;
        each_once<T>(width, [&](long i, auto tag) {
          using V = decltype(tag);
          const V c = get<V>(center + i);
          V a = get<V>(some_total + i), l = get<V>(some_along + i);
          for (int k = 0; k < four; k++) {
            const V seed = seed_of<mask, V>(dy + k * b.step + i, y + k * b.step + i);
            a += seed;
            l += seed * (get<V>(x + k * b.step + i) - c);
          }
          put(some_total + i, a);
          put(some_along + i, l);
        });
      });
      for (long i = 0; i < width; i++) {
        total[i] += some_total[i];
        along[i] += some_along[i];
      }
    }
  });
}

template <class T>
void column_gradients(const Gradient<T>& s, const ColumnBlock& b, long begin, long end, const T* parameters) {
  const long width = b.width;
  const T *center = parameters, *factor = center + width, *average = factor + width, *slope = average + width;
  by_mask(s.y != nullptr, [&](auto masked) {
    constexpr bool mask = decltype(masked)::value;
    row_groups(end - begin, [&](long r, auto four) {
      const long at = b.start + (begin + r) * b.step;
      const T *x = s.x + at, *dy = s.dy + at, *y = mask ? s.y + at : nullptr;
      T *dx = s.dx == nullptr ? nullptr : s.dx + at, *dz = s.dz == nullptr ? nullptr : s.dz + at;
      each<T>(width, [&](long i, auto tag) {
        using V = decltype(tag);
        const V c = get<V>(center + i), f = get<V>(factor + i), a = get<V>(average + i), l = get<V>(slope + i);
        for (int k = 0; k < four; k++) {
          const long j = k * b.step + i;
          const V seed = seed_of<mask, V>(dy + j, y + j);
          if (dx != nullptr) put(dx + j, V(((seed - a) - (get<V>(x + j) - c) * l) * f));
          if (dz != nullptr) put(dz + j, seed);
        }
      });
    });
  });
}

template <class T>
void backward_columns(const Gradient<T>& s, const ColumnBlock& b, int parts) {
  const long width = b.width, r1 = s.shape.r1;
  Scratch<T> sums(4 * width * parts), parameters(4 * width);
  T *center = parameters, *factor = center + width, *average = factor + width, *slope = average + width;
  for (long k = 0; k < b.kept; k++)
    for (long i = k * r1; i < (k + 1) * r1; i++) center[i] = s.center[b.first + k];
  parallel(parts, [&](int part, int count) {
    column_sums<T>(s, b, part_begin(b.rows, part, count), part_end(b.rows, part, count), center,
                   sums + 4 * width * part);
  });
  for (long k = 0; k < b.kept; k++) {
    double total = 0, along = 0;
    for (int p = 0; p < parts; p++)
      for (long i = k * r1; i < (k + 1) * r1; i++) {
        total += sums[4 * width * p + i];
        along += sums[4 * width * p + width + i];
      }
    keep_sums(s, b.first + k, total, along);
    const Coefficients<T> c(s, b.first + k, total, along);
    for (long i = k * r1; i < (k + 1) * r1; i++) factor[i] = c.factor, average[i] = c.average, slope[i] = c.slope;
  }
  if (s.dx == nullptr && s.dz == nullptr) return;
  parallel(parts, [&](int part, int count) {
    column_gradients<T>(s, b, part_begin(b.rows, part, count), part_end(b.rows, part, count), parameters);
  });
}

}  // namespace

template <class T>
void standardization_gradient(const StandardizationGradient<T>& s) {
  if (s.along) {
    backward_along_rows(s);
  } else if (by_columns<T>(s.shape)) {
    each_column_block<T>(s.shape, [&](const ColumnBlock& b, int parts) { backward_columns(s, b, parts); });
  } else {
    const long grain = larger(1, least_elements / s.shape.reduced());
    parallel_for(s.shape.kept(), grain, [&](long begin, long end) { backward_rows(s, begin, end); });
  }
}
template void standardization_gradient(const StandardizationGradient<float>&);
template void standardization_gradient(const StandardizationGradient<double>&);

}  // namespace NNABLA_TARGET
}  // namespace nnabla
