#include "kernels/tables/selection.h"

#if defined(__AVX512F__)
#include <immintrin.h>
#endif

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

constexpr long selection_grain = 4096;

// Rows of up to this many elements are sorted by insertion.
constexpr long few = 40;

template <class T>
struct KeyOf;
template <>
struct KeyOf<float> {
  typedef std::uint32_t type;
};
template <>
struct KeyOf<double> {
  typedef std::uint64_t type;
};

// An unsigned number that is ordered as the elements are.
template <class T>
NNABLA_INLINE typename KeyOf<T>::type key_of(T x) {
  typedef typename KeyOf<T>::type K;
  const T plain = x + T(0);  // a negative zero becomes a positive one
  K bits;
  std::memcpy(&bits, &plain, sizeof bits);
  constexpr K sign = K{1} << (8 * sizeof(K) - 1);
  const K key = bits & sign ? ~bits : bits | sign;
  return x == x ? key : ~K{0};
}

// The same for sizes.
template <class T>
NNABLA_INLINE typename KeyOf<T>::type size_key_of(T x) {
  typedef typename KeyOf<T>::type K;
  K bits;
  std::memcpy(&bits, &x, sizeof bits);
  return bits & ~(K{1} << (8 * sizeof(K) - 1));
}

template <class T>
struct Item {
  typename KeyOf<T>::type key, at;
};

template <class T>
void sort_few(long n, Item<T>* items) {
  for (long i = 1; i < n; i++) {
    const Item<T> item = items[i];
    long j = i;
    for (; j > 0 && items[j - 1].key > item.key; j--) items[j] = items[j - 1];
    items[j] = item;
  }
}

// Digit by digit, from the last one on; returns which of the two arrays holds the result.
template <class T>
Item<T>* sort_many(long n, Item<T>* items, Item<T>* other) {
  constexpr int bits = 8, digits = sizeof(T), size = 1 << bits;
  std::uint32_t counts[digits][size] = {};
  for (long i = 0; i < n; i++)
    for (int d = 0; d < digits; d++) counts[d][items[i].key >> (bits * d) & (size - 1)]++;
  for (int d = 0; d < digits; d++) {
    if (counts[d][items[0].key >> (bits * d) & (size - 1)] == n) continue;
    std::uint32_t start[size], sum = 0;
    for (int v = 0; v < size; v++) {
      start[v] = sum;
      sum += counts[d][v];
    }
    for (long i = 0; i < n; i++) other[start[items[i].key >> (bits * d) & (size - 1)]++] = items[i];
    Item<T>* held = items;
    items = other;
    other = held;
  }
  return items;
}

template <class T>
void sort(long rows, long n, bool descending, const T* x, std::int64_t* index, T* y) {
  typedef typename KeyOf<T>::type K;
  const K turned = descending ? ~K{0} : 0;
  parallel_for(rows, larger(1, selection_grain / larger(n, 1)), [&](long first, long last) {
    Scratch<Item<T>> scratch(2 * n);
    for (long r = first; r < last; r++) {
      const T* row = x + r * n;
      Item<T>* items = scratch.data();
      for (long i = 0; i < n; i++) items[i] = {static_cast<K>(key_of(row[i]) ^ turned), static_cast<K>(i)};
      if (n <= few)
        sort_few(n, items);
      else
        items = sort_many(n, items, items + n);
      for (long i = 0; i < n; i++) index[r * n + i] = items[i].at;
      for (long i = 0; i < n; i++) y[r * n + i] = row[items[i].at];
    }
  });
}

template <class T>
void first(long rows, long n, long k, bool descending, bool of_sizes, const T* x, std::int64_t* index, T* y) {
  typedef typename KeyOf<T>::type K;
  constexpr long block = 64;
  const K turned = descending ? ~K{0} : 0;
  parallel_for(rows, larger(1, selection_grain / larger(n, 1)), [&](long begin, long last) {
    Scratch<K> held(n + block);
    Scratch<Item<T>> scratch(2 * n);
    K* keys = held.data();
    for (long r = begin; r < last; r++) {
      const T* row = x + r * n;
      if (of_sizes)
        for (long i = 0; i < n; i++) keys[i] = size_key_of(row[i]) ^ turned;
      else
        for (long i = 0; i < n; i++) keys[i] = key_of(row[i]) ^ turned;
      Item<T>* items = scratch.data();
      if (k > few) {
        for (long i = 0; i < n; i++) items[i] = {keys[i], static_cast<K>(i)};
        items = sort_many(n, items, items + n);
      } else {
        // The best so far, in order; most blocks have nothing that is better than the last of them.
        for (long i = 0; i < k; i++) items[i] = {keys[i], static_cast<K>(i)};
        sort_few(k, items);
        for (long i = n; i < n + block; i++) keys[i] = ~K{0};
        for (long at = k; at < n; at += block) {
          K least = ~K{0};
          for (long i = 0; i < block; i++) least = keys[at + i] < least ? keys[at + i] : least;
          if (least >= items[k - 1].key) continue;
          for (long i = at; i < smaller(at + block, n); i++) {
            if (keys[i] >= items[k - 1].key) continue;
            long j = k - 1;
            for (; j > 0 && items[j - 1].key > keys[i]; j--) items[j] = items[j - 1];
            items[j] = {keys[i], static_cast<K>(i)};
          }
        }
      }
      for (long i = 0; i < k; i++) {
        index[r * k + i] = items[i].at;
        y[r * k + i] = row[items[i].at];
      }
    }
  });
}

// The first place where a row has a value, which it has; of NaN if that is the value.
template <class T>
long place_of(long n, T value, const T* x) {
  constexpr long block = 64;
  long at = 0;
  if (value != value) {
    while (x[at] == x[at]) at++;
    return at;
  }
  for (; at + block <= n; at += block) {
    int found = 0;
    for (long i = 0; i < block; i++) found += x[at + i] == value;
    if (found > 0) break;
  }
  while (x[at] != value) at++;
  return at;
}

template <class T>
T largest_of(long n, T sign, const T* x) {
  constexpr long step = lanes<T>;
  T most = sign * x[0];
  bool numbers = most == most;
  long i = 0;
  if (n >= 4 * step) {
    Vec<T> m[4], sum = {};
    for (int k = 0; k < 4; k++) m[k] = broadcast(most);
    for (; i + 4 * step <= n; i += 4 * step) {
      for (int k = 0; k < 4; k++) {
        const Vec<T> v = load(x + i + k * step) * sign;
        m[k] = v > m[k] ? v : m[k];
        sum += v - v;  // 0, but NaN for infinity and NaN
      }
    }
    most = max_lane<T>(max<T>(max<T>(m[0], m[1]), max<T>(m[2], m[3])));
    for (int k = 0; k < step; k++) numbers &= sum[k] == 0;
  }
  for (; i < n; i++) {
    const T v = sign * x[i];
    most = v > most ? v : most;
    numbers &= v == v;
  }
  if (!numbers)
    for (i = 0; i < n; i++)
      if (x[i] != x[i]) return x[i];
  return sign * most;
}

template <class T>
void extreme(long rows, long n, bool smallest, const T* x, std::int64_t* index, T* y) {
  parallel_for(rows, larger(1, 16384 / larger(n, 1)), [&](long first, long last) {
    for (long r = first; r < last; r++) {
      const T* row = x + r * n;
      y[r] = largest_of(n, smallest ? T(-1) : T(1), row);
      index[r] = place_of(n, y[r], row);
    }
  });
}

template <class T>
void prune(long n, long at, const T* x, T* y) {
  typedef typename KeyOf<T>::type K;
  constexpr int bits = 11, size = 1 << bits;
  // The digits of the key of the element at `at`, one after the other.
  K prefix = 0, known = 0;
  long rank = at;
  for (int shift = 8 * sizeof(K); shift > 0;) {
    const int width = shift < bits ? shift : bits;
    shift -= width;
    // Four counts side by side: equal digits in a row need not wait for each other.
    std::uint32_t counts[4][size] = {};
    const K mask = (K{1} << width) - 1;
    if (known == 0) {
      for (long i = 0; i < n; i++) counts[i % 4][size_key_of(x[i]) >> shift & mask]++;
    } else {
      for (long i = 0; i < n; i++) {
        const K key = size_key_of(x[i]);
        if ((key & known) == prefix) counts[i % 4][key >> shift & mask]++;
      }
    }
    for (K digit = 0; digit <= mask; digit++) {
      const long here = static_cast<long>(counts[0][digit]) + counts[1][digit] + counts[2][digit] + counts[3][digit];
      if (rank < here) {
        prefix |= digit << shift;
        break;
      }
      rank -= here;
    }
    known |= mask << shift;
  }
  T threshold;
  std::memcpy(&threshold, &prefix, sizeof threshold);
  parallel_for(n, 16384, [&](long first, long last) {
    for (long i = first; i < last; i++) y[i] = std::fabs(x[i]) >= threshold ? x[i] : T(0);
  });
}

template <class T>
long count(long n, const T* x) {
  long found = 0;
  for (long i = 0; i < n; i++) found += x[i] != 0;
  return found;
}

template <class T>
void nonzero(int nd, const long* shape, long found, const T* x, std::int64_t* y) {
  constexpr int most = 64;
  long at[most] = {};
  const long n = shape[nd - 1];
  long rows = 1;
  for (int d = 0; d < nd - 1; d++) rows *= shape[d];
  long p = 0;
  std::int64_t* last = y + (nd - 1) * found;
  for (long r = 0; r < rows; r++) {
    const T* row = x + r * n;
    const long begin = p;
    // What is written where there is none is written over by the next one, but must stay within the array.
    long j = 0;
    for (; j < n && p < found; j++) {
      last[p] = j;
      p += row[j] != 0;
    }
    for (int d = 0; d < nd - 1; d++)
      for (long i = begin; i < p; i++) y[d * found + i] = at[d];
    for (int d = nd - 2; d >= 0; d--) {
      if (++at[d] < shape[d]) break;
      at[d] = 0;
    }
  }
}

// How many bytes are not 0: counted in bytes as long as these suffice.
long set_in(long rows, const std::uint8_t* mask) {
  constexpr long width = 64, most = 255;
  long found = 0, r = 0;
  while (r + width <= rows) {
    std::uint8_t counts[width] = {};
    for (long i = 0; i < most && r + width <= rows; i++, r += width)
      for (long j = 0; j < width; j++) counts[j] += mask[r + j] != 0;
    for (long j = 0; j < width; j++) found += counts[j];
  }
  for (; r < rows; r++) found += mask[r] != 0;
  return found;
}

#if defined(__AVX512F__)
// Which of the next elements of a vector are chosen.
template <class T>
NNABLA_INLINE unsigned chosen(const std::uint8_t* mask) {
  if constexpr (sizeof(T) == 4) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(mask));
    return _mm_test_epi8_mask(bytes, bytes);
  } else {
    const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(mask));
    return _mm_test_epi8_mask(bytes, bytes) & 0xFF;
  }
}
NNABLA_INLINE Vec<float> packed(unsigned m, Vec<float> v) {
  return reinterpret_cast<Vec<float>>(_mm512_maskz_compress_ps(m, reinterpret_cast<__m512>(v)));
}
NNABLA_INLINE Vec<double> packed(unsigned m, Vec<double> v) {
  return reinterpret_cast<Vec<double>>(_mm512_maskz_compress_pd(m, reinterpret_cast<__m512d>(v)));
}
NNABLA_INLINE Vec<float> unpacked(Vec<float> base, unsigned m, Vec<float> v) {
  return reinterpret_cast<Vec<float>>(
      _mm512_mask_expand_ps(reinterpret_cast<__m512>(base), m, reinterpret_cast<__m512>(v)));
}
NNABLA_INLINE Vec<double> unpacked(Vec<double> base, unsigned m, Vec<double> v) {
  return reinterpret_cast<Vec<double>>(
      _mm512_mask_expand_pd(reinterpret_cast<__m512d>(base), m, reinterpret_cast<__m512d>(v)));
}
#endif

template <class T>
void compress_elements(long rows, const std::uint8_t* mask, const T* x, T* y) {
  long left = set_in(rows, mask), r = 0;
#if defined(__AVX512F__)
  for (; left >= lanes<T>; r += lanes<T>) {
    const unsigned m = chosen<T>(mask + r);
    store(y, packed(m, load(x + r)));
    const int count = __builtin_popcount(m);
    y += count;
    left -= count;
  }
#endif
  // Without branches, whose outcome nothing foretells: what is not to stay is written over by the next one.
  for (; left > 0; r++) {
    *y = x[r];
    const long taken = mask[r] != 0;
    y += taken;
    left -= taken;
  }
}

template <class T>
void compress(long rows, long width, const std::uint8_t* mask, const T* x, T* y) {
  if (width == 1) return compress_elements(rows, mask, x, y);
  for (long r = 0; r < rows;) {
    if (mask[r] == 0) {
      r++;
      continue;
    }
    // Neighbours go together.
    long end = r + 1;
    while (end < rows && mask[end] != 0) end++;
    const long n = (end - r) * width;
    std::memcpy(y, x + r * width, n * sizeof(T));
    y += n;
    r = end;
  }
}

template <class T>
void expand_elements(long rows, const std::uint8_t* mask, const T* x, const T* base, T* y) {
  typedef typename KeyOf<T>::type K;
  long left = set_in(rows, mask), r = 0;
#if defined(__AVX512F__)
  for (; left >= lanes<T>; r += lanes<T>) {
    const unsigned m = chosen<T>(mask + r);
    store(y + r, unpacked(base == nullptr ? Vec<T>{} : load(base + r), m, load(x)));
    const int count = __builtin_popcount(m);
    x += count;
    left -= count;
  }
#endif
  // x has an element for each place of the mask that is set; behind the last of these nothing of x is read.
  for (; left > 0; r++) {
    K value, other = 0;
    std::memcpy(&value, x, sizeof value);
    if (base != nullptr) std::memcpy(&other, base + r, sizeof other);
    const long taken = mask[r] != 0;
    const K all = K{0} - static_cast<K>(taken);
    const K bits = (value & all) | (other & ~all);
    std::memcpy(y + r, &bits, sizeof bits);
    x += taken;
    left -= taken;
  }
  if (base == nullptr)
    std::memset(y + r, 0, (rows - r) * sizeof(T));
  else
    std::memcpy(y + r, base + r, (rows - r) * sizeof(T));
}

template <class T>
void expand(long rows, long width, const std::uint8_t* mask, const T* x, const T* base, T* y) {
  if (width == 1) return expand_elements(rows, mask, x, base, y);
  for (long r = 0; r < rows; r++) {
    T* to = y + r * width;
    if (mask[r] != 0) {
      for (long i = 0; i < width; i++) to[i] = x[i];
      x += width;
    } else if (base == nullptr) {
      for (long i = 0; i < width; i++) to[i] = 0;
    } else {
      for (long i = 0; i < width; i++) to[i] = base[r * width + i];
    }
  }
}

template <class T>
void top_n_error(long rows, long classes, long n, const T* x, const std::int64_t* label, T* y) {
  parallel_for(rows, larger(1, 16384 / larger(classes, 1)), [&](long first, long last) {
    for (long r = first; r < last; r++) {
      const T* row = x + r * classes;
      const std::int64_t at = label[r];
      long above = 0;
      const bool known = at >= 0 && at < classes;
      const T score = known ? row[at] : T(0);
      for (long c = 0; c < classes; c++) above += row[c] >= score;
      y[r] = !known || above > n ? T(1) : T(0);
    }
  });
}

template <class T>
void confusion(long rows, long classes, const T* x, const std::int64_t* label, std::int32_t* y) {
  typedef Vec<typename KeyOf<T>::type> Places;
  std::memset(y, 0, classes * classes * sizeof *y);
  for (long r = 0; r < rows; r += lanes<T>) {
    // A lane for each row; those beyond the last one see that again.
    Vec<T> most = {};
    Places best = {};
    for (long c = 0; c < classes; c++) {
      Vec<T> value;
      for (long k = 0; k < lanes<T>; k++) value[k] = x[smaller(r + k, rows - 1) * classes + c];
      // The first of equal scores, and the first NaN before all.
      const auto more = (value > most) | ((value != value) & (most == most));
      const Places place = Places{} + static_cast<typename KeyOf<T>::type>(c);
      most = c == 0 ? value : (more ? value : most);
      best = more ? place : best;
    }
    for (long k = 0; k < lanes<T> && r + k < rows; k++)
      if (label[r + k] >= 0 && label[r + k] < classes) y[label[r + k] * classes + best[k]]++;
  }
}

}  // namespace

template <class T>
const SelectionTable<T>* selection_table() {
  static constexpr SelectionTable<T> table = {sort<T>, first<T>,    extreme<T>, prune<T>,       count<T>,    nonzero<T>,
                                              set_in,  compress<T>, expand<T>,  top_n_error<T>, confusion<T>};
  return &table;
}
template const SelectionTable<float>* selection_table();
template const SelectionTable<double>* selection_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
