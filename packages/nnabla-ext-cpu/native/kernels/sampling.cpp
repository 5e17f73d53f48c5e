#include "kernels/families.h"
#include "kernels/sampling_mix.h"
#include "kernels/sampling_roi.h"
#include "kernels/sampling_warp.h"
#include "kernels/sampling_windows.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// How a line of positions goes.
enum class Run { forwards, backwards, otherwise };

Run run_of(const std::int64_t* index, long n) {
  bool up = index[0] >= 0, down = index[0] >= 0;
  for (long i = 1; i < n; i++) {
    up = up && index[i] == index[0] + i;
    down = down && index[i] == index[0] - i;
  }
  return up ? Run::forwards : down && index[n - 1] >= 0 ? Run::backwards : Run::otherwise;
}

// Call f(line of the input, line of the result, positions, run) for the lines along the last axis of a sample; the
// line of the input is -1 where it lies outside.
template <class F>
void each_line(const PlacesShape& s, const std::int64_t* index, F&& f) {
  const std::int64_t* axis[64];
  long count[64], lines = 1;
  for (int a = 0; a < s.nd; a++) {
    axis[a] = index;
    index += s.to[a];
    count[a] = 0;
    if (a + 1 < s.nd) lines *= s.to[a];
  }
  const int last = s.nd - 1;
  const Run run = run_of(axis[last], s.to[last]);
  for (long line = 0; line < lines; line++) {
    long from = 0;
    bool inside = true;
    for (int a = 0; a < last; a++) {
      const long at = axis[a][count[a]];
      inside &= at >= 0;
      from = from * s.from[a] + at;
    }
    f(inside ? from : -1, line, axis[last], run);
    for (int a = last - 1; a >= 0; a--) {
      if (++count[a] < s.to[a]) break;
      count[a] = 0;
    }
  }
}

struct Sizes {
  long from = 1, to = 1, index = 0;

  explicit Sizes(const PlacesShape& s) {
    for (int a = 0; a < s.nd; a++) {
      from *= s.from[a];
      to *= s.to[a];
      index += s.to[a];
    }
  }
};

template <class T>
void take_places(const PlacesShape& s, const T* x, T outside, T* y) {
  const Sizes sizes(s);
  const long width = s.from[s.nd - 1], n = s.to[s.nd - 1];
  parallel_for(s.batch, divide_up(16384, larger(sizes.to, 1)), [&](long begin, long end) {
    for (long b = begin; b < end; b++) {
      each_line(s, s.index + b * sizes.index, [&](long line, long row, const std::int64_t* at, Run run) {
        const T* from = x + b * sizes.from + line * width;
        T* to = y + b * sizes.to + row * n;
        if (line < 0) {
          for (long i = 0; i < n; i++) to[i] = outside;
        } else if (run == Run::forwards) {
          std::memcpy(to, from + at[0], n * sizeof(T));
        } else if (run == Run::backwards) {
          from += at[0];
          for (long i = 0; i < n; i++) to[i] = from[-i];
        } else {
          for (long i = 0; i < n; i++) to[i] = at[i] < 0 ? outside : from[at[i]];
        }
      });
    }
  });
}

template <class T>
void put_places(const PlacesShape& s, const T* dy, T* dx) {
  const Sizes sizes(s);
  const long width = s.from[s.nd - 1], n = s.to[s.nd - 1];
  parallel_for(s.batch, divide_up(16384, larger(sizes.to, 1)), [&](long begin, long end) {
    for (long b = begin; b < end; b++) {
      std::memset(dx + b * sizes.from, 0, sizes.from * sizeof(T));
      each_line(s, s.index + b * sizes.index, [&](long line, long row, const std::int64_t* at, Run run) {
        if (line < 0) return;
        const T* from = dy + b * sizes.to + row * n;
        T* to = dx + b * sizes.from + line * width;
        if (run == Run::forwards) {
          to += at[0];
          each_once<T>(n, [&](long i, auto v) {
            using V = decltype(v);
            put(to + i, get<V>(to + i) + get<V>(from + i));
          });
        } else if (run == Run::backwards) {
          to += at[0];
          for (long i = 0; i < n; i++) to[-i] += from[i];
        } else {
          for (long i = 0; i < n; i++)
            if (at[i] >= 0) to[at[i]] += from[i];
        }
      });
    }
  });
}

}  // namespace

template <class T>
const SamplingTable<T>* sampling_table() {
  static const SamplingTable<T> table = {
      mix<T>,        warp<T>,      warp_gradient<T>,      roi_align<T>, roi_align_gradient<T>, take_places<T>,
      put_places<T>, separable<T>, separable_gradient<T>, correlate<T>, correlate_gradient<T>};
  return &table;
}
template const SamplingTable<float>* sampling_table();
template const SamplingTable<double>* sampling_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
