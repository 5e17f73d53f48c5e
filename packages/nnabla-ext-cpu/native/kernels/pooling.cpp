#include "kernels/pooling.h"

#include "kernels/families.h"
#include "kernels/span.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

template <class T>
using Number = typename FloatFormat<T>::Int;

long grain_of_rows(const PoolingShape& s) { return larger(1, least_pooled / (s.out[2] * s.tail * s.taps())); }
long rows_of(const PoolingShape& s) { return s.outer * s.out[0] * s.out[1]; }

template <class T>
void clear(T* p, long n) {
  std::memset(p, 0, n * sizeof(T));
}

// -- largest -----------------------------------------------------------------------------------------------------
template <class T, class I>
void largest_of(const PoolingShape& s, const T* x, T* y, I* place) {
  parallel_for(rows_of(s), grain_of_rows(s), [&](long first, long last) {
    each_window<T>(s, first, last, [&](auto n, auto step, long from, long to, const Reach& reach) {
      constexpr int N = decltype(n)::value, Step = decltype(step)::value;
      typedef Few<T, N> V;
      V best = V{} - std::numeric_limits<T>::infinity();
      const long start = (reach.begin[0] * s.kernel[1] + reach.begin[1]) * s.kernel[2] + reach.begin[2];
      Few<Number<T>, N> number = Few<Number<T>, N>{} + static_cast<Number<T>>(start);
      reach.each(s, [&](long at, long offset) {
        const V v = load_apart<N, Step>(x + from + offset, s.stride[2]);
        // The first of equal ones stays; NaN comes through.
        const auto better = (v > best) | (v != v);
        const Few<Number<T>, N> here = Few<Number<T>, N>{} + static_cast<Number<T>>(at);
        number = better ? here : number;
        best = better ? v : best;
      });
      store_few<N>(y + to, best);
      if (place != nullptr) store_few<N>(place + to, __builtin_convertvector(number, Few<I, N>));
    });
  });
}

template <class T>
void largest(const PoolingShape& s, const T* x, T* y, std::uint8_t* small, std::int32_t* large) {
  if (large != nullptr) {
    largest_of<T>(s, x, y, large);
  } else {
    largest_of<T>(s, x, y, small);
  }
}

// -- sums ------------------------------------------------------------------------------------------------------
// Images of one window each, whose elements lie together.
template <class T>
void sum_rows(const T* x, long rows, long length, T divisor, T* y) {
  constexpr long block = 4096;
  parallel_for(rows, larger(1, least_pooled / length), [&](long begin, long end) {
    for (long r = begin; r < end; r++) {
      double total = 0;
      for (long i = 0; i < length; i += block) {
        TwoSums<T> sums;
        const T* p = x + r * length + i;
        sums.add(smaller(block, length - i),
                 [&](long at, auto tag, auto& a, auto&) { a += get<decltype(tag)>(p + at); });
        total += sums.first();
      }
      y[r] = static_cast<T>(total) / divisor;
    }
  });
}

// The same where channels lie together.
template <class T>
void sum_columns(const T* x, long images, long length, long width, T divisor, T* y) {
  constexpr long block = 256;
  parallel_for(images, larger(1, least_pooled / (length * width)), [&](long begin, long end) {
    Scratch<T> some(width);
    for (long n = begin; n < end; n++) {
      const T* image = x + n * length * width;
      T* total = y + n * width;
      clear(total, width);
      for (long from = 0; from < length; from += block) {
        clear<T>(some, width);
        const long rows = smaller(block, length - from);
        long r = 0;
        const auto add = [&](auto four) {
          const T* p = image + (from + r) * width;
          each_once<T>(width, [&](long i, auto tag) {
            using V = decltype(tag);
            V sum = get<V>(p + i);
            for (int k = 1; k < four; k++) sum += get<V>(p + k * width + i);
            put(some + i, V(get<V>(some + i) + sum));
          });
        };
        for (; r + 4 <= rows; r += 4) add(Constant<4>{});
        for (; r < rows; r++) add(Constant<1>{});
        for (long i = 0; i < width; i++) total[i] += some[i];
      }
      for (long i = 0; i < width; i++) total[i] /= divisor;
    }
  });
}

template <class T>
void sum_windows(const PoolingShape& s, const T* x, T* y, Divisor divisor) {
  if (s.exact() && s.windows() == s.tail) {
    const T count = divisor == Divisor::none ? T{1} : static_cast<T>(s.taps());
    if (s.tail == 1) {
      sum_rows(x, s.outer, s.taps(), count, y);
    } else {
      sum_columns(x, s.outer, s.taps(), s.tail, count, y);
    }
    return;
  }
  parallel_for(rows_of(s), grain_of_rows(s), [&](long first, long last) {
    each_window<T>(s, first, last, [&](auto n, auto step, long from, long to, const Reach& reach) {
      constexpr int N = decltype(n)::value, Step = decltype(step)::value;
      Few<T, N> total = {};
      for (long i = reach.begin[0]; i < reach.end[0]; i++)
        for (long j = reach.begin[1]; j < reach.end[1]; j++) {
          // Row by row, so that rounding errors of large windows do not add up.
          Few<T, N> row = {};
          const T* p = x + from + (i * s.size[1] + j) * s.size[2] * s.tail;
          for (long k = reach.begin[2]; k < reach.end[2]; k++) row += load_apart<N, Step>(p + k * s.tail, s.stride[2]);
          total += row;
        }
      if (divisor != Divisor::none) total /= static_cast<T>(reach.count(s, divisor));
      store_few<N>(y + to, total);
    });
  });
}

// -- gradients -------------------------------------------------------------------------------------------------
// Write value(number of the element in the window) for all elements of windows side by side that do not meet.
template <int N, int Step, class T, class F>
NNABLA_INLINE void fill_windows(const PoolingShape& s, T* to, const Reach& reach, F&& value) {
  if constexpr (N == 1 || Step == 1) {
    reach.each(s, [&](long at, long offset) { store_few<N>(to + offset, value(at)); });
  } else {
    for (long i = 0; i < s.kernel[0]; i++)
      for (long j = 0; j < s.kernel[1]; j++) {
        T* p = to + (i * s.size[1] + j) * s.size[2];
        const long at = (i * s.kernel[1] + j) * s.kernel[2];
        if constexpr (Step == 2) {
          const Few<T, N> a = value(at), b = value(at + 1);
          store_few<N>(p, shuffle(a, b, [](int l) { return l / 2 + l % 2 * N; }));
          store_few<N>(p + N, shuffle(a, b, [](int l) { return N / 2 + l / 2 + l % 2 * N; }));
        } else {
          for (long k = 0; k < s.kernel[2]; k++) {
            const Few<T, N> v = value(at + k);
            for (int l = 0; l < N; l++) p[l * s.stride[2] + k] = v[l];
          }
        }
      }
  }
}

// Rows of windows that are two elements wide and cover an image without channels: pairs of elements are written as
// whole vectors.
template <class T, class I>
void put_pairs(const PoolingShape& s, const T* dy, const I* place, T* dx, long first, long last) {
  constexpr int N = lanes<T>;
  for (long row = first; row < last; row++) {
    const long line = row / s.out[1] % s.out[0] * s.kernel[0] * s.size[1] + row % s.out[1] * s.kernel[1];
    T* image = dx + row / (s.out[0] * s.out[1]) * s.image() + line * s.size[2];
    const T* from = dy + row * s.out[2];
    const I* numbers = place + row * s.out[2];
    in_steps<N>(0, s.out[2], [&](long w) {
      const Few<T, N> v = load_few<N>(from + w);
      const auto number = __builtin_convertvector(load_few<N>(numbers + w), Few<Number<T>, N>);
      Number<T> at = 0;
      for (long i = 0; i < s.kernel[0]; i++)
        for (long j = 0; j < s.kernel[1]; j++, at += 2) {
          T* to = image + (i * s.size[1] + j) * s.size[2] + 2 * w;
          const Few<T, N> a = number == at ? v : Few<T, N>{}, b = number == at + 1 ? v : Few<T, N>{};
          store_few<N>(to, shuffle(a, b, [](int l) { return l / 2 + l % 2 * lanes<T>; }));
          store_few<N>(to + N, shuffle(a, b, [](int l) { return lanes<T> / 2 + l / 2 + l % 2 * lanes<T>; }));
        }
    });
  }
}

template <class T, class I>
void put_at(const PoolingShape& s, const T* dy, const I* place, T* dx) {
  if constexpr (lanes<T> >= 4) {
    if (s.exact() && s.tail == 1 && s.kernel[2] == 2 && s.out[2] >= lanes<T>) {
      parallel_for(rows_of(s), grain_of_rows(s),
                   [&](long first, long last) { put_pairs(s, dy, place, dx, first, last); });
      return;
    }
  }
  if (s.exact()) {
    parallel_for(rows_of(s), grain_of_rows(s), [&](long first, long last) {
      each_window<T>(s, first, last, [&](auto n, auto step, long to, long from, const Reach& reach) {
        constexpr int N = decltype(n)::value, Step = decltype(step)::value;
        const Few<T, N> v = load_few<N>(dy + from);
        const auto number = __builtin_convertvector(load_few<N>(place + from), Few<Number<T>, N>);
        fill_windows<N, Step>(s, dx + to, reach,
                              [&](long at) { return number == static_cast<Number<T>>(at) ? v : Few<T, N>{}; });
      });
    });
    return;
  }
  const long taps = s.taps();
  Scratch<long> offsets(taps);
  for (long i = 0, at = 0; i < s.kernel[0]; i++)
    for (long j = 0; j < s.kernel[1]; j++)
      for (long k = 0; k < s.kernel[2]; k++, at++) offsets[at] = ((i * s.size[1] + j) * s.size[2] + k) * s.tail;
  const long rows = s.out[0] * s.out[1];
  const Inside inside(s);
  parallel_for(s.outer, larger(1, least_pooled / s.image()), [&](long begin, long end) {
    clear(dx + begin * s.image(), (end - begin) * s.image());
    each_row(s, begin * rows, end * rows, [&](long row, long image, Reach& reach) {
      const bool whole_rows = reach.whole(s, 0) && reach.whole(s, 1);
      for (long w = 0; w < s.out[2]; w++) {
        reach.set(s, 2, w);
        const bool whole = whole_rows && w >= inside.low && w < inside.high;
        const long from = (row * s.out[2] + w) * s.tail;
        T* to = dx + image + reach.offset(s);
        if (whole && s.tail == 1) {
          for (; w < inside.high; w++, to += s.stride[2]) {
            const long number = static_cast<long>(place[row * s.out[2] + w]);
            if (number >= 0 && number < taps) to[offsets[number]] += dy[row * s.out[2] + w];
          }
          w--;
          continue;
        }
        for (long c = 0; c < s.tail; c++) {
          const long number = static_cast<long>(place[from + c]);
          // Elements in the padding have no gradient.
          if (number < 0 || number >= taps || (!whole && !reach.holds(s, number))) continue;
          to[offsets[number] + c] += dy[from + c];
        }
      }
    });
  });
}

template <class T>
void put_places(const PoolingShape& s, const T* dy, const std::uint8_t* small, const std::int32_t* large, T* dx) {
  if (large != nullptr) {
    put_at<T>(s, dy, large, dx);
  } else {
    put_at<T>(s, dy, small, dx);
  }
}

// A row of windows of an image without channels: element by element of the windows, so that neighbours do not wait for
// each other.
template <class T>
void spread_row(const PoolingShape& s, Reach& reach, const T* dy, T* image, T* scaled, Divisor divisor) {
  const long step = s.stride[2];
  for (long w = 0; w < s.out[2]; w++) {
    reach.set(s, 2, w);
    scaled[w] = dy[w] / static_cast<T>(reach.count(s, divisor));
  }
  for (long i = reach.begin[0]; i < reach.end[0]; i++)
    for (long j = reach.begin[1]; j < reach.end[1]; j++) {
      T* line = image + ((reach.start[0] + i) * s.size[1] + reach.start[1] + j) * s.size[2];
      for (long k = 0; k < s.kernel[2]; k++) {
        const long shift = k - s.pad[2];
        const long low = shift < 0 ? divide_up(-shift, step) : 0;
        const long high = shift < s.size[2] ? smaller(s.out[2], (s.size[2] - 1 - shift) / step + 1) : 0;
        for (long w = low; w < high; w++) line[w * step + shift] += scaled[w];
      }
    }
}

template <class T>
void spread(const PoolingShape& s, const T* dy, T* dx, Divisor divisor) {
  if (s.exact() && s.windows() == 1 && s.tail == 1) {
    // One window is the image.
    const T count = divisor == Divisor::none ? T{1} : static_cast<T>(s.taps());
    parallel_for(s.outer, divide_up(least_pooled, s.image()), [&](long begin, long end) {
      for (long o = begin; o < end; o++) {
        const T value = dy[o] / count;
        T* to = dx + o * s.image();
        each<T>(s.image(), [&](long i, auto tag) { put(to + i, decltype(tag){} + value); });
      }
    });
    return;
  }
  if (s.exact()) {
    const T count = divisor == Divisor::none ? T{1} : static_cast<T>(s.taps());
    parallel_for(rows_of(s), grain_of_rows(s), [&](long first, long last) {
      each_window<T>(s, first, last, [&](auto n, auto step, long to, long from, const Reach& reach) {
        constexpr int N = decltype(n)::value, Step = decltype(step)::value;
        const Few<T, N> v = load_few<N>(dy + from) / count;
        fill_windows<N, Step>(s, dx + to, reach, [&](long) { return v; });
      });
    });
    return;
  }
  const long rows = s.out[0] * s.out[1];
  parallel_for(s.outer, larger(1, least_pooled / s.image()), [&](long begin, long end) {
    clear(dx + begin * s.image(), (end - begin) * s.image());
    Scratch<T> scaled(s.out[2]);
    each_row(s, begin * rows, end * rows, [&](long row, long image, Reach& reach) {
      const T* from = dy + row * s.out[2] * s.tail;
      if (s.tail == 1) {
        spread_row<T>(s, reach, from, dx + image, scaled, divisor);
        return;
      }
      for (long w = 0; w < s.out[2]; w++) {
        reach.set(s, 2, w);
        T* start = dx + image + reach.offset(s);
        const T scale = 1 / static_cast<T>(reach.count(s, divisor));
        reach.each(s, [&](long, long offset) {
          T* to = start + offset;
          each_once<T>(s.tail, [&](long c, auto tag) {
            using V = decltype(tag);
            put(to + c, V(get<V>(to + c) + get<V>(from + w * s.tail + c) * scale));
          });
        });
      }
    });
  });
}

}  // namespace

template <class T>
const PoolingTable<T>* pooling_table() {
  static constexpr PoolingTable<T> table = {largest<T>, put_places<T>, sum_windows<T>, spread<T>};
  return &table;
}
template const PoolingTable<float>* pooling_table();
template const PoolingTable<double>* pooling_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
