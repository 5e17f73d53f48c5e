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

// Call f(width, step, x, dy, y) for strips of lines that lie side by side, whose elements lie `step` apart. Lines of
// neighbouring elements are turned first: a running sum waits for itself, many side by side do not.
template <class T, class F>
void for_strips(const Line& line, const T* x, const T* dy, T* y, F&& f) {
  constexpr long group = 32;
  if (line.inner == 1 && line.outer >= lanes<T> && line.length * group <= (1L << 18)) {
    parallel_for(divide_up(line.outer, group), larger(1, movement_grain / larger(line.length * group, 1)),
                 [&](long first, long last) {
                   const long size = line.length * group;
                   Scratch<T> turned(size * 3);
                   T *own_x = turned.data(), *own_dy = own_x + size, *own_y = own_dy + size;
                   for (long g = first * group; g < smaller(last * group, line.outer); g += group) {
                     const long width = smaller(group, line.outer - g), at = g * line.length;
                     transpose(width, line.length, x + at, line.length, own_x, group);
                     if (dy != nullptr) transpose(width, line.length, dy + at, line.length, own_dy, group);
                     f(width, group, own_x, own_dy, own_y);
                     transpose(line.length, width, own_y, group, y + at, line.length);
                   }
                 });
    return;
  }
  const long strips = divide_up(line.inner, strip), each = line.length * smaller(line.inner, strip);
  parallel_for(line.outer * strips, larger(1, movement_grain / larger(each, 1)), [&](long first, long last) {
    for (long s = first; s < last; s++) {
      const long at = s % strips * strip, offset = s / strips * line.length * line.inner + at;
      f(smaller(strip, line.inner - at), line.inner, x + offset, dy == nullptr ? nullptr : dy + offset, y + offset);
    }
  });
}

template <class T, class Op>
void running(const Line& line, bool exclusive, bool reverse, const T* all_x, T* all_y) {
  // Sums are kept in double precision, so that their errors do not grow along the line.
  for_strips<T>(line, all_x, nullptr, all_y, [&](long width, long step, const T* x, const T*, T* y) {
    double total[strip];
    for (long j = 0; j < width; j++) total[j] = Op::start;
    for (long i = 0; i < line.length; i++) {
      const long at = (reverse ? line.length - 1 - i : i) * step;
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
void running_product_gradient(const Line& line, bool exclusive, bool reverse, const T* all_x, const T* all_dy,
                              T* all_dx) {
  for_strips<T>(line, all_x, all_dy, all_dx, [&](long width, long step, const T* x, const T* dy, T* dx) {
    double value[strip];
    const auto place = [&](long i) { return (reverse ? line.length - 1 - i : i) * step; };
    Scratch<double> later(line.length * width);
    for (long j = 0; j < width; j++) value[j] = 0;
    for (long i = line.length - 1; i >= 0; i--) {
      const bool more = i + 1 < line.length;
      const T* factor = x + place(more ? i + 1 : i);
      const T* given = dy + place(exclusive && more ? i + 1 : i);
      double* to = later.data() + i * width;
      if (more) {
        for (long j = 0; j < width; j++) to[j] = value[j] = given[j] + factor[j] * value[j];
      } else {
        for (long j = 0; j < width; j++) to[j] = value[j] = exclusive ? 0.0 : given[j];
      }
    }
    for (long j = 0; j < width; j++) value[j] = 1;
    for (long i = 0; i < line.length; i++) {
      const long at = place(i);
      const double* from = later.data() + i * width;
      for (long j = 0; j < width; j++) {
        dx[at + j] = static_cast<T>(value[j] * from[j]);
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
  const long each = line.length * line.inner;
  parallel_for(line.outer, larger(1, movement_grain / larger(each, 1)), [&](long first, long last) {
    for (long o = first; o < last; o++) {
      const std::int64_t* at = index + o * each;
      const T* from = x + o * each;
      T* to = y + o * each;
      // All are looked at before any is used: what follows needs no branch.
      std::int64_t wrong = 0;
      for (long i = 0; i < each; i++) wrong |= at[i] | (line.length - 1 - at[i]);
      if (wrong < 0) {
        __atomic_store_n(&outside, 1, __ATOMIC_RELAXED);
        return;
      }
      if (line.inner == 1) {
        for (long i = 0; i < each; i++) to[at[i]] = from[i];
        continue;
      }
      for (long i = 0; i < line.length; i++)
        for (long j = 0; j < line.inner; j++) to[at[i * line.inner + j] * line.inner + j] = from[i * line.inner + j];
    }
  });
  return outside == 0;
}

bool within(long count, long size, const std::int64_t* index) {
  std::uint64_t outside = 0;
  for (long i = 0; i < count; i++)
    outside |= static_cast<std::uint64_t>(index[i]) >= static_cast<std::uint64_t>(size) ? 1 : 0;
  return outside == 0;
}

template <class T>
void add_rows(long count, long rows, long width, const std::int64_t* index, const T* x, T* target) {
  // Each thread has rows of the target of its own and adds to them in the order of the indices.
  const long parts = smaller(smaller(thread_count(), larger(1, count * width / movement_grain)), larger(rows, 1));
  parallel(static_cast<int>(parts), [&](int part, int total) {
    const long first = rows * part / total, last = rows * (part + 1) / total;
    if (width == 1 && total == 1) {
      for (long i = 0; i < count; i++) target[index[i]] += x[i];
      return;
    }
    if (width == 1) {
      for (long i = 0; i < count; i++) {
        const std::int64_t row = index[i];
        if (row >= first && row < last) target[row] += x[i];
      }
      return;
    }
    for (long i = 0; i < count; i++) {
      const std::int64_t row = index[i];
      if (row < first || row >= last) continue;
      T* __restrict to = target + row * width;
      const T* from = x + i * width;
      for (long j = 0; j < width; j++) to[j] += from[j];
    }
  });
}

}  // namespace

template <class T>
const MovementTable<T>* movement_table() {
  static constexpr MovementTable<T> table = {
      running<T, Adding>, running<T, Multiplying>, running_product_gradient<T>, one_hot<T>, put_along<T>, within,
      add_rows<T>};
  return &table;
}
template const MovementTable<float>* movement_table();
template const MovementTable<double>* movement_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
