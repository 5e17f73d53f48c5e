// Random numbers and dropout: what a target offers.
#pragma once

#include <cstdint>

namespace nnabla {

// A stream of random words: those of Philox4x32-10 for a key and for counters from 0 on.
struct RandomState {
  std::uint64_t stream, draw;
  std::uint32_t lane;
};

template <class T>
struct RandomTable {
  // Integers drawn evenly from 0 to span - 1; span is 1 to 2^32.
  void (*integers)(RandomState state, long count, std::uint64_t span, std::uint32_t* to);
  // Numbers from 0 to 1, multiples of 2^-24.
  void (*uniform)(RandomState state, long count, T* to);
  // Numbers of the standard normal distribution, from two lanes (Box, Muller).
  void (*normal)(RandomState state, long count, T* to);
  // Logarithms of gamma variates (Marsaglia, Tsang) of the parameter `shape`, from 17 lanes, or 18 if it is below 1.
  void (*log_gamma)(RandomState state, double shape, long count, T* to);
  // mask = whether a number of 24 bits is `least` or more; y = x mask scale.
  void (*dropout)(RandomState state, long count, std::uint32_t least, T scale, const T* x, T* y, bool* mask);
  // dx = dy mask scale
  void (*dropout_backward)(long count, T scale, const T* dy, const bool* mask, T* dx);
};

}  // namespace nnabla
