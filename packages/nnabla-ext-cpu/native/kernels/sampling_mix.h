// Axes mixed anew: resizing, forwards and backwards.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/span.h"
#include "kernels/tables/sampling.h"
#include "kernels/transpose.h"

namespace nnabla {
namespace NNABLA_TARGET {

// One line whose entries are stretches of `inner` neighbours, `step` apart.
template <class T>
void mix_line(const Mixture<T>& m, long inner, long step, const T* x, T* y) {
  for (long r = 0; r < m.to; r++) {
    const long first = m.start[r], count = m.start[r + 1] - first;
    const std::int64_t* index = m.index + first;
    const T* weight = m.weight + first;
    T* to = y + r * step;
    if (count == 0) {
      each<T>(inner, [&](long i, auto v) { put(to + i, decltype(v){}); });
    } else if (count == 1 && weight[0] == 1) {
      std::memcpy(to, x + index[0] * step, inner * sizeof(T));
    } else if (count == 1) {
      const T* a = x + index[0] * step;
      const T p = weight[0];
      each<T>(inner, [&](long i, auto v) { put(to + i, get<decltype(v)>(a + i) * p); });
    } else {
      const T *a = x + index[0] * step, *b = x + index[1] * step;
      const T p = weight[0], q = weight[1];
      if (count == 2) {
        each<T>(inner, [&](long i, auto v) {
          using V = decltype(v);
          put(to + i, get<V>(a + i) * p + get<V>(b + i) * q);
        });
      } else {
        each<T>(inner, [&](long i, auto v) {
          using V = decltype(v);
          V sum = get<V>(a + i) * p + get<V>(b + i) * q;
          for (long k = 2; k < count; k++) sum += get<V>(x + index[k] * step + i) * weight[k];
          put(to + i, sum);
        });
      }
    }
  }
}

// Lines that are mixed together where their entries are single elements: they are turned first.
constexpr long mixed_lines = 32;

template <class T>
void mix_axis(const Mixture<T>& m, const T* x, T* y, T* turned) {
  if (m.inner > 1 || m.lines < 4) {
    for (long l = 0; l < m.lines; l++) mix_line(m, m.inner, m.inner, x + l * m.from * m.inner, y + l * m.to * m.inner);
    return;
  }
  T* turned_y = turned + m.from * mixed_lines;
  for (long l = 0; l < m.lines; l += mixed_lines) {
    const long width = smaller(mixed_lines, m.lines - l);
    transpose(width, m.from, x + l * m.from, m.from, turned, mixed_lines);
    mix_line(m, width, mixed_lines, turned, turned_y);
    transpose(m.to, width, turned_y, mixed_lines, y + l * m.to, m.to);
  }
}

template <class T>
void mix(long outer, int count, const Mixture<T>* mixtures, const T* x, T* y) {
  const auto size_in = [](const Mixture<T>& m) { return m.lines * m.from * m.inner; };
  const auto size_out = [](const Mixture<T>& m) { return m.lines * m.to * m.inner; };
  const long block_in = size_in(mixtures[0]), block_out = size_out(mixtures[count - 1]);
  long between = 0, turned = 0, work = block_in;
  for (int i = 0; i < count; i++) {
    work += size_out(mixtures[i]);
    if (i + 1 < count) between = larger(between, size_out(mixtures[i]));
    turned = larger(turned, (mixtures[i].from + mixtures[i].to) * mixed_lines);
  }
  parallel_for(outer, divide_up(16384, larger(work, 1)), [&](long first, long last) {
    Scratch<T> memory(turned + 2 * between);
    for (long o = first; o < last; o++) {
      const T* from = x + o * block_in;
      for (int i = 0; i < count; i++) {
        T* to = i + 1 == count ? y + o * block_out : memory.data() + turned + (i % 2) * between;
        mix_axis(mixtures[i], from, to, memory.data());
        from = to;
      }
    }
  });
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
