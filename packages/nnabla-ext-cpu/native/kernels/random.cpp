// Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011, "Parallel random numbers: as easy as 1, 2, 3"), and what is made of
// its words while they are in the cache.
#if defined(__SSE2__)
#include <immintrin.h>
#endif

#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

typedef Vec<std::uint64_t> Words;  // one word of 32 bits in each lane, below what may be left of a product

// The products of the lower halves of all lanes.
NNABLA_INLINE Words multiply_words(Words a, std::uint64_t b) {
#if defined(__AVX512F__)
  // With a mask of all lanes: GCC 12 warns of the plain form, whose header leaves a value undefined.
  return reinterpret_cast<Words>(_mm512_maskz_mul_epu32(0xFF, reinterpret_cast<__m512i>(a), _mm512_set1_epi64(b)));
#elif defined(__AVX2__)
  return reinterpret_cast<Words>(_mm256_mul_epu32(reinterpret_cast<__m256i>(a), _mm256_set1_epi64x(b)));
#elif defined(__SSE2__)
  return reinterpret_cast<Words>(_mm_mul_epu32(reinterpret_cast<__m128i>(a), _mm_set1_epi64x(b)));
#else
  return (a & 0xFFFFFFFFu) * b;
#endif
}

// Words that are worked on together, and elements that are worth a thread.
constexpr long chunk = 1024, grain_chunks = 16;

// Counters that are worked on side by side, so that one's products hide the other's latency.
constexpr int chains = 2;
static_assert(chunk % (4 * chains * lanes<std::uint64_t>) == 0, "a chunk is made of whole vectors");

// The words of a chunk of counters from `counter` on.
void draw(RandomState state, std::uint64_t counter, std::uint32_t* to) {
  constexpr int n = lanes<std::uint64_t>;
  Words index = {};
  for (int i = 0; i < n; i++) index[i] = i;
  Words low_half = {}, high_half = {};
  for (int i = 0; i < n; i++) {
    low_half[i] = (i % 2) * n + i / 2;
    high_half[i] = low_half[i] + n / 2;
  }
  for (long at = 0; at < chunk; at += 4L * chains * n, counter += chains * n) {
    Words c[chains][4];
#pragma GCC unroll 2
    for (int k = 0; k < chains; k++) {
      c[k][0] = index + (counter + k * n);
      c[k][1] = Words{} + state.lane;
      c[k][2] = Words{} + static_cast<std::uint32_t>(state.draw);
      c[k][3] = Words{} + (state.draw >> 32);
    }
    std::uint32_t key0 = static_cast<std::uint32_t>(state.stream),
                  key1 = static_cast<std::uint32_t>(state.stream >> 32);
#pragma GCC unroll 10
    for (int round = 0; round < 10; round++) {
#pragma GCC unroll 2
      for (int k = 0; k < chains; k++) {
        const Words p0 = multiply_words(c[k][0], 0xD2511F53u), p1 = multiply_words(c[k][2], 0xCD9E8D57u);
        c[k][0] = (p1 >> 32) ^ c[k][1] ^ static_cast<std::uint64_t>(key0);
        c[k][1] = p1;
        c[k][2] = (p0 >> 32) ^ c[k][3] ^ static_cast<std::uint64_t>(key1);
        c[k][3] = p0;
      }
      key0 += 0x9E3779B9u;
      key1 += 0xBB67AE85u;
    }
#pragma GCC unroll 2
    for (int k = 0; k < chains; k++) {
      // Two words a lane, then the halves of each counter side by side.
      const Words first = (c[k][0] & 0xFFFFFFFFu) | c[k][1] << 32, second = (c[k][2] & 0xFFFFFFFFu) | c[k][3] << 32;
      std::uint64_t* out = reinterpret_cast<std::uint64_t*>(to + at + 4L * k * n);
#if defined(__clang__)
      for (int i = 0; i < n; i++) {
        out[2 * i] = first[i];
        out[2 * i + 1] = second[i];
      }
#else
      store(out, __builtin_shuffle(first, second, low_half));
      store(out + n, __builtin_shuffle(first, second, high_half));
#endif
    }
  }
}

// Call f(words, begin, n) for all words of a stream, on several threads if they are many.
template <class F>
void for_words(RandomState state, long count, F&& f) {
  parallel_for(divide_up(count, chunk), grain_chunks, [&](long first, long last) {
    alignas(64) std::uint32_t words[chunk];
    for (long i = first; i < last; i++) {
      draw(state, static_cast<std::uint64_t>(i) * (chunk / 4), words);
      f(words, i * chunk, smaller(chunk, count - i * chunk));
    }
  });
}

// Loops over a chunk that is full have a length that the compiler knows.
template <class F>
NNABLA_INLINE void each(long n, F&& f) {
  if (n == chunk) {
#pragma GCC ivdep
    for (long i = 0; i < chunk; i++) f(i);
  } else {
#pragma GCC ivdep
    for (long i = 0; i < n; i++) f(i);
  }
}

void integers(RandomState state, long count, std::uint64_t span, std::uint32_t* to) {
  for_words(state, count, [&](const std::uint32_t* words, long begin, long n) {
    std::uint32_t* __restrict out = to + begin;
    if (span >> 32) {
      std::memcpy(out, words, n * sizeof(std::uint32_t));
    } else {
      const std::uint32_t factor = static_cast<std::uint32_t>(span);
      each(n,
           [&](long i) { out[i] = static_cast<std::uint32_t>((static_cast<std::uint64_t>(words[i]) * factor) >> 32); });
    }
  });
}

// 24 bits as a number that converts by one instruction.
NNABLA_INLINE std::int32_t fraction(std::uint32_t word) { return static_cast<std::int32_t>(word >> 8); }

template <class T>
void uniform(RandomState state, long count, T* to) {
  for_words(state, count, [&](const std::uint32_t* words, long begin, long n) {
    T* __restrict out = to + begin;
    each(n, [&](long i) { out[i] = static_cast<T>(fraction(words[i])) * static_cast<T>(1.0 / (1 << 24)); });
  });
}

template <class T>
void dropout(RandomState state, long count, std::uint32_t least, T scale, const T* x, T* y, bool* mask) {
  const std::int32_t bound = static_cast<std::int32_t>(least);
  for_words(state, count, [&](const std::uint32_t* words, long begin, long n) {
    const T* __restrict from = x + begin;
    T* __restrict to = y + begin;
    std::uint8_t* __restrict kept = reinterpret_cast<std::uint8_t*>(mask) + begin;
    // Infinity and NaN times 0 are NaN, as in a product with the mask.
    each(n, [&](long i) { to[i] = from[i] * (fraction(words[i]) >= bound ? T(1) : T(0)) * scale; });
    each(n, [&](long i) { kept[i] = fraction(words[i]) >= bound; });
  });
}

template <class T>
void dropout_backward(long count, T scale, const T* dy, const bool* mask, T* dx) {
  const std::uint8_t* kept = reinterpret_cast<const std::uint8_t*>(mask);
  parallel_for(count, chunk * grain_chunks, [&](long begin, long end) {
    const T* __restrict from = dy;
    T* __restrict to = dx;
#pragma GCC ivdep
    for (long i = begin; i < end; i++) to[i] = from[i] * static_cast<T>(static_cast<std::int32_t>(kept[i])) * scale;
  });
}

}  // namespace

template <class T>
const RandomTable<T>* random_table() {
  static constexpr RandomTable<T> table = {integers, uniform<T>, dropout<T>, dropout_backward<T>};
  return &table;
}
template const RandomTable<float>* random_table();
template const RandomTable<double>* random_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
