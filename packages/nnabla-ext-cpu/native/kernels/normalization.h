// Standardization: how arrays are gone through, which forward and backward share.
//
// Either statistics by statistic, along rows of memory, or, where such rows are short, by columns: many statistics
// at a time, each lane of a vector for itself.
#pragma once

#include <type_traits>

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/span.h"
#include "kernels/tables/normalization.h"

namespace nnabla {
namespace NNABLA_TARGET {

// Elements below which a thread is not worth its start.
constexpr long least_elements = 16384;

// Elements of a block whose sums stay in registers: few enough that rounding errors do not add up.
constexpr long row_block = 2048;

// Columns that are gone through at a time, so that what is kept for each stays in the nearest cache.
constexpr long most_columns = 1024;

// Call f(row, rows, start, width) for blocks of about `row_block` elements of a matrix.
template <class F>
NNABLA_INLINE void each_block(long rows, long length, F&& f) {
  if (length > row_block) {
    for (long r = 0; r < rows; r++)
      for (long i = 0; i < length; i += row_block) f(r, 1L, i, smaller(row_block, length - i));
  } else {
    const long some = row_block / length;
    for (long r = 0; r < rows; r += some) f(r, smaller(some, rows - r), 0L, length);
  }
}

// Call f(row, count) for groups of four rows, then for single ones; count is a constant.
template <class F>
NNABLA_INLINE void row_groups(long rows, F&& f) {
  long r = 0;
  for (; r + 4 <= rows; r += 4) f(r, std::integral_constant<int, 4>{});
  for (; r < rows; r++) f(r, std::integral_constant<int, 1>{});
}

// Rows whose sums are taken together before they are added to those of other blocks: about the square root of all.
NNABLA_INLINE long column_block(long rows) {
  long most = 64;
  while (most * most < rows) most *= 2;
  return most;
}

inline long part_begin(long n, int part, int parts) { return n * part / parts; }
inline long part_end(long n, int part, int parts) { return n * (part + 1) / parts; }

// Columns that belong to whole statistics: rows of memory with the same statistics for each element.
struct ColumnBlock {
  long first, kept;        // number of the first statistic, how many
  long start, rows, step;  // offset of the first row, number of rows, distance
  long width;              // elements of a row
};

template <class T>
inline bool by_columns(const StandardShape& s) {
  return s.r0 > 1 && s.r1 < 2 * lanes<T>;
}

// Call f(block, parts) for all blocks: from several threads, or one after the other with threads left for its rows.
template <class T, class F>
void each_column_block(const StandardShape& s, F&& f) {
  const long some = smaller(s.k1, larger(1, most_columns / s.r1)), blocks = divide_up(s.k1, some);
  const long count = s.k0 * blocks, step = s.k1 * s.r1;
  const auto one = [&](long at, int parts) {
    const long outer = at / blocks, k = at % blocks * some, kept = smaller(some, s.k1 - k);
    f(ColumnBlock{outer * s.k1 + k, kept, outer * s.r0 * step + k * s.r1, s.r0, step, kept * s.r1}, parts);
  };
  const int threads = static_cast<int>(smaller(thread_count(), larger(1, s.size() / least_elements)));
  if (count >= threads) {
    parallel(threads, [&](int part, int parts) {
      for (long at = part_begin(count, part, parts); at < part_end(count, part, parts); at++) one(at, 1);
    });
  } else {
    const int parts = static_cast<int>(smaller(threads, s.r0));
    for (long at = 0; at < count; at++) one(at, parts);
  }
}

template <class T>
void standardization_gradient(const StandardizationGradient<T>&);

}  // namespace NNABLA_TARGET
}  // namespace nnabla
