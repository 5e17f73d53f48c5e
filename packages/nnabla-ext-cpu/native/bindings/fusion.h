// Maps over arrays of one size that follow each other, computed together: stretch by stretch rather than array by
// array, so that what one gives is in the cache when the next reads it, and is not written at all if nobody else reads
// it.
#pragma once

#include <functional>
#include <vector>

#include "common/arena.h"
#include "kernels/tables/elementwise.h"

namespace nnabla {

// One map over arrays whose elements lie one after another in the same order, but for inputs that are single numbers.
struct MapWork {
  static constexpr int most_inputs = 3;

  const Map* map;
  unsigned form;  // which inputs are single numbers, as bits
  int inputs;
  long count;
  const char* in[most_inputs];
  long in_item[most_inputs];  // bytes from one element to the next, 0 of a single number
  char* out;
  long out_item;
  double parameters[2];

  void run() const;
};

// Work as it was done. `map` is what `run` does, if that is a map.
struct Work {
  std::function<void()> run;
  std::vector<MapWork> map;  // one or none
};

// The same work, with maps that follow each other as one. `ended` tells whose memory nobody reads any more.
std::vector<std::function<void()>> fused(std::vector<Work>&& work, const std::vector<Arena::End>& ended);

}  // namespace nnabla
