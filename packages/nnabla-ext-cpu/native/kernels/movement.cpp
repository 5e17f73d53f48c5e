#include "common/memory.h"
#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

constexpr long movement_grain = 16384;

// Elements that lie one after the other are worked on together.
constexpr long strip = 256;

struct Adding {
  template <class T>
  static NNABLA_INLINE T combine(T a, T b) {
    return a + b;
  }
  static constexpr int start = 0;
};
struct Multiplying {
  template <class T>
  static NNABLA_INLINE T combine(T a, T b) {
    return a * b;
  }
  static constexpr int start = 1;
};

// Call f(offset, width) for strips of lines that lie side by side.
template <class F>
void for_strips(const Line& line, F&& f) {
  const long strips = divide_up(line.inner, strip), each = line.length * smaller(line.inner, strip);
  parallel_for(line.outer * strips, larger(1, movement_grain / larger(each, 1)), [&](long first, long last) {
    for (long s = first; s < last; s++) {
      const long at = s % strips * strip;
      f(s / strips * line.length * line.inner + at, smaller(strip, line.inner - at));
    }
  });
}

template <class T, class Op>
void running(const Line& line, bool exclusive, bool reverse, const T* x, T* y) {
  // Sums are kept in double precision, so that their errors do not grow along the line.
  for_strips(line, [&](long offset, long width) {
    double total[strip];
    for (long j = 0; j < width; j++) total[j] = Op::start;
    for (long i = 0; i < line.length; i++) {
      const long at = offset + (reverse ? line.length - 1 - i : i) * line.inner;
      const T* from = x + at;
      T* to = y + at;
      for (long j = 0; j < width; j++) {
        const double next = Op::combine(total[j], static_cast<double>(from[j]));
        to[j] = static_cast<T>(exclusive ? total[j] : next);
        total[j] = next;
      }
    }
  });
}

// y[i] = x[0] ... x[i]: with s[k] = dy[k] + x[k+1] s[k+1] the gradient at k is x[0] ... x[k-1] s[k]; exclusive ones
// have y[i] = x[0] ... x[i-1] and s[k] = dy[k+1] + x[k+1] s[k+1].
template <class T>
void running_product_gradient(const Line& line, bool exclusive, bool reverse, const T* x, const T* dy, T* dx) {
  for_strips(line, [&](long offset, long width) {
    double value[strip];
    const auto place = [&](long i) { return offset + (reverse ? line.length - 1 - i : i) * line.inner; };
    Scratch<double> later(line.length * width);
    for (long j = 0; j < width; j++) value[j] = 0;
    for (long i = line.length - 1; i >= 0; i--) {
      const bool more = i + 1 < line.length;
      const T* factor = x + place(more ? i + 1 : i);
      const T* given = dy + place(exclusive && more ? i + 1 : i);
      const double weight = exclusive && !more ? 0 : 1;
      for (long j = 0; j < width; j++) {
        value[j] = weight * given[j] + (more ? factor[j] * value[j] : 0.0);
        later[i * width + j] = value[j];
      }
    }
    for (long j = 0; j < width; j++) value[j] = 1;
    for (long i = 0; i < line.length; i++) {
      const long at = place(i);
      for (long j = 0; j < width; j++) {
        dx[at + j] = static_cast<T>(value[j] * later[i * width + j]);
        value[j] *= x[at + j];
      }
    }
  });
}

template <class T>
void one_hot(long count, int dimensions, const long* shape, const std::int64_t* index, T* y) {
  long size = 1;
  for (int d = 0; d < dimensions; d++) size *= shape[d];
  parallel_for(count, larger(1, movement_grain / larger(size, 1)), [&](long first, long last) {
    std::memset(y + first * size, 0, (last - first) * size * sizeof(T));
    for (long i = first; i < last; i++) {
      long at = 0;
      bool inside = true;
      for (int d = 0; d < dimensions; d++) {
        std::int64_t k = index[i * dimensions + d];
        if (k < 0) k += shape[d];
        inside &= k >= 0 && k < shape[d];
        at = at * shape[d] + k;
      }
      if (inside) y[i * size + at] = 1;
    }
  });
}

template <class T>
bool put_along(const Line& line, const std::int64_t* index, const T* x, T* y) {
  int outside = 0;
  parallel_for(line.outer, larger(1, movement_grain / larger(line.length * line.inner, 1)),
               [&](long first, long last) {
                 int bad = 0;
                 for (long o = first; o < last; o++) {
                   const long base = o * line.length * line.inner;
                   for (long i = 0; i < line.length; i++)
                     for (long j = 0; j < line.inner; j++) {
                       const long at = base + i * line.inner + j;
                       const std::int64_t k = index[at];
                       if (k < 0 || k >= line.length)
                         bad = 1;
                       else
                         y[base + k * line.inner + j] = x[at];
                     }
                 }
                 if (bad) __atomic_store_n(&outside, 1, __ATOMIC_RELAXED);
               });
  return outside == 0;
}

template <class T>
void add_rows(long count, long rows, long width, const std::int64_t* index, const T* x, T* target) {
  // Each thread has rows of the target of its own and adds to them in the order of the indices.
  const long parts = smaller(smaller(thread_count(), larger(1, count * width / movement_grain)), larger(rows, 1));
  parallel(static_cast<int>(parts), [&](int part, int total) {
    const long first = rows * part / total, last = rows * (part + 1) / total;
    for (long i = 0; i < count; i++) {
      const std::int64_t row = index[i];
      if (row < first || row >= last) continue;
      T* __restrict to = target + row * width;
      const T* from = x + i * width;
      for (long j = 0; j < width; j++) to[j] += from[j];
    }
  });
}

template <class T>
void transpose_all(long batch, long rows, long columns, const T* x, T* y) {
  constexpr long band = 4 * lanes<T>;
  const long bands = divide_up(columns, band);
  parallel_for(batch * bands, larger(1, movement_grain / larger(rows * band, 1)), [&](long first, long last) {
    for (long s = first; s < last; s++) {
      const long b = s / bands, column = s % bands * band;
      transpose(rows, smaller(band, columns - column), x + b * rows * columns + column, columns,
                y + b * rows * columns + column * rows, rows);
    }
  });
}

}  // namespace

template <class T>
const MovementTable<T>* movement_table() {
  static constexpr MovementTable<T> table = {running<T, Adding>, running<T, Multiplying>, running_product_gradient<T>,
                                             one_hot<T>,         put_along<T>,            add_rows<T>,
                                             transpose_all<T>};
  return &table;
}
template const MovementTable<float>* movement_table();
template const MovementTable<double>* movement_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
