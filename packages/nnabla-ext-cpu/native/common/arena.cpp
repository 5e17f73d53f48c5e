#include "common/arena.h"

#include <algorithm>
#include <iterator>

#include "common/memory.h"

namespace nnabla {
namespace {

constexpr std::size_t line = 64;
// Slabs are at least so large, so that small arrays lie side by side.
constexpr std::size_t least_slab = std::size_t{1} << 16;

std::size_t in_lines(std::size_t bytes) { return (std::max<std::size_t>(bytes, 1) + line - 1) / line * line; }

}  // namespace

Arena::~Arena() {
  for (const Slab& slab : slabs_) give_memory(slab.memory, slab.bytes);
}

void* Arena::take(std::size_t bytes) {
  bytes = in_lines(bytes);
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it)
    if (it->second >= bytes && (best == free_.end() || it->second < best->second)) best = it;
  if (best == free_.end()) {
    const std::size_t size = std::max(bytes, least_slab);
    slabs_.reserve(slabs_.size() + 1);
    void* memory = take_memory(size);
    slabs_.push_back({memory, size});
    size_ += size;
    best = free_.emplace(static_cast<char*>(memory), size).first;
  }
  char* const at = best->first;
  const std::size_t rest = best->second - bytes;
  free_.erase(best);
  if (rest > 0) free_.emplace(at + bytes, rest);
  return at;
}

void Arena::give(void* memory, std::size_t bytes) noexcept {
  if (closed_) return;
  try {
    ended_.push_back({memory, time_});
    auto it = free_.emplace(static_cast<char*>(memory), in_lines(bytes)).first;
    const auto next = std::next(it);
    if (next != free_.end() && it->first + it->second == next->first) {
      it->second += next->second;
      free_.erase(next);
    }
    if (it != free_.begin()) {
      const auto before = std::prev(it);
      if (before->first + before->second == it->first) {
        before->second += it->second;
        free_.erase(it);
      }
    }
  } catch (...) {
    return;  // it is not taken again then
  }
}

void Arena::rewind(std::size_t time) noexcept {
  time_ = time;
  ended_.erase(std::remove_if(ended_.begin(), ended_.end(), [time](const End& e) { return e.time > time; }),
               ended_.end());
}

}  // namespace nnabla
