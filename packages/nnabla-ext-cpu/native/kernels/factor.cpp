#include "kernels/tables/factor.h"

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// Multiplications that are worth a thread.
constexpr long factor_grain = 32768;

long matrices_of_a_thread(long n) { return larger(1, factor_grain / larger(n * n * n, 1)); }

// y -= factor x
template <class T>
NNABLA_INLINE void subtract(long n, T factor, const T* __restrict x, T* __restrict y) {
  long i = 0;
  for (; i + lanes<T> <= n; i += lanes<T>) store(y + i, load(y + i) - factor * load(x + i));
  for (; i < n; i++) y[i] -= factor * x[i];
}

template <class T>
NNABLA_INLINE void exchange_rows(long n, T* a, T* b) {
  for (long i = 0; i < n; i++) {
    const T held = a[i];
    a[i] = b[i];
    b[i] = held;
  }
}

// The row from `column` on whose element in that column is the largest; NaN counts as the largest.
template <class T>
long pivot_of(long n, long column, const T* a) {
  long best = column;
  T most = std::fabs(a[column * n + column]);
  for (long r = column + 1; r < n; r++) {
    const T size = std::fabs(a[r * n + column]);
    if (size > most || (size != size && most == most)) {
      most = size;
      best = r;
    }
  }
  return best;
}

template <class T>
void determinant(long count, long n, const T* x, T* sign, T* logarithm, T* value) {
  parallel_for(count, matrices_of_a_thread(n), [&](long first, long last) {
    Scratch<T> held(n * n);
    T* a = held.data();
    for (long m = first; m < last; m++) {
      std::memcpy(a, x + m * n * n, n * n * sizeof(T));
      // Each row is made a triangle's as it stands: the product of the pivots is the determinant.
      T product = 1, of_signs = 1;
      double sum = 0;
      for (long k = 0; k < n; k++) {
        const long best = pivot_of(n, k, a);
        if (best != k) {
          exchange_rows(n - k, a + k * n + k, a + best * n + k);
          product = -product;
          of_signs = -of_signs;
        }
        const T pivot = a[k * n + k];
        product *= pivot;
        if (pivot == 0) {
          of_signs = 0;
          sum = -std::numeric_limits<double>::infinity();
          break;
        }
        of_signs = pivot < 0 ? -of_signs : pivot != pivot ? pivot : of_signs;
        sum += std::log(std::fabs(static_cast<double>(pivot)));
        const T reciprocal = 1 / pivot;
        for (long r = k + 1; r < n; r++)
          subtract(n - k - 1, a[r * n + k] * reciprocal, a + k * n + k + 1, a + r * n + k + 1);
      }
      sign[m] = of_signs;
      logarithm[m] = static_cast<T>(sum);
      value[m] = product;
    }
  });
}

// Gauss and Jordan, in place, with exchanged rows; columns are put back at the end.
template <class T>
bool invert(long n, T* a, long* exchanged) {
  for (long k = 0; k < n; k++) {
    const long best = pivot_of(n, k, a);
    exchanged[k] = best;
    if (best != k) exchange_rows(n, a + k * n, a + best * n);
    T* row = a + k * n;
    const T pivot = row[k];
    if (pivot == 0) return false;
    const T reciprocal = 1 / pivot;
    row[k] = 1;
    for (long j = 0; j < n; j++) row[j] *= reciprocal;
    for (long r = 0; r < n; r++) {
      if (r == k) continue;
      T* other = a + r * n;
      const T factor = other[k];
      other[k] = 0;
      subtract(n, factor, row, other);
    }
  }
  for (long k = n - 1; k >= 0; k--) {
    const long from = exchanged[k];
    if (from == k) continue;
    for (long r = 0; r < n; r++) {
      const T held = a[r * n + k];
      a[r * n + k] = a[r * n + from];
      a[r * n + from] = held;
    }
  }
  return true;
}

template <class T>
bool inverse(long count, long n, const T* x, T* y) {
  int singular = 0;
  parallel_for(count, matrices_of_a_thread(n), [&](long first, long last) {
    Scratch<long> exchanged(n);
    for (long m = first; m < last; m++) {
      std::memcpy(y + m * n * n, x + m * n * n, n * n * sizeof(T));
      if (!invert(n, y + m * n * n, exchanged.data())) __atomic_store_n(&singular, 1, __ATOMIC_RELAXED);
    }
  });
  return singular == 0;
}

// Rows of L^T one after another: with row k done, what it contributes is taken from the rows below in the upper
// triangle, whose rows are neighbours in memory.
template <class T>
bool upper_factor(long n, T* a) {
  for (long k = 0; k < n; k++) {
    T* row = a + k * n;
    if (!(row[k] > 0)) return false;
    const T root = std::sqrt(row[k]), reciprocal = 1 / root;
    row[k] = root;
    for (long j = k + 1; j < n; j++) row[j] *= reciprocal;
    for (long r = k + 1; r < n; r++) subtract(n - r, row[r], row + r, a + r * n + r);
  }
  for (long r = 1; r < n; r++) std::memset(a + r * n, 0, r * sizeof(T));
  return true;
}

template <class T>
bool cholesky(long count, long n, bool upper, const T* x, T* y) {
  int failed = 0;
  parallel_for(count, matrices_of_a_thread(n), [&](long first, long last) {
    Scratch<T> held(n * n);
    for (long m = first; m < last; m++) {
      // As in NumPy it is the lower triangle that is read; it is turned here.
      T *to = y + m * n * n, *factor = upper ? to : held.data();
      transpose(n, n, x + m * n * n, n, factor, n);
      if (!upper_factor(n, factor)) __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
      if (!upper) transpose(n, n, factor, n, to, n);
    }
  });
  return failed == 0;
}

}  // namespace

template <class T>
const FactorTable<T>* factor_table() {
  static constexpr FactorTable<T> table = {determinant<T>, inverse<T>, cholesky<T>};
  return &table;
}
template const FactorTable<float>* factor_table();
template const FactorTable<double>* factor_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
