#include "bindings/fusion.h"

#include <algorithm>
#include <cstring>

#include "common/memory.h"
#include "common/threads.h"

namespace nnabla {
namespace {

// Elements that are computed in one go; what lies between maps stays in the innermost cache.
constexpr long stretch = 1024;
constexpr long line = 64;
// With so many maps in one piece, more arrays are gone through at a time than caches tell apart.
constexpr std::size_t most_maps = 16;

// Where a map's arrays are: memory, or a place for what lies between maps.
struct Step {
  MapWork map;
  int in_slot[MapWork::most_inputs] = {-1, -1, -1};
  int out_slot = -1;
};

struct Chain {
  std::vector<Step> steps;
  int slots = 0;
  bool costly = false;

  void run(long first, long end, char* memory) const {
    for (long at = first; at < end; at += stretch) {
      const long n = std::min(stretch, end - at);
      for (const Step& step : steps) {
        const MapWork& m = step.map;
        const void* in[MapWork::most_inputs] = {};
        for (int i = 0; i < m.inputs; i++)
          in[i] = step.in_slot[i] >= 0 ? slot(memory, step.in_slot[i]) : m.in[i] + at * m.in_item[i];
        m.map->run[m.form](n, in, step.out_slot >= 0 ? slot(memory, step.out_slot) : m.out + at * m.out_item,
                           m.parameters);
      }
    }
  }

  void run() const {
    const long count = steps[0].map.count;
    parallel_for((count + line - 1) / line, (costly ? 4096 : 16384) / line, [&](long first, long end) {
      const Scratch<char> memory(slots * stretch * sizeof(double) + 1);
      run(first * line, std::min(end * line, count), memory);
    });
  }

 private:
  static char* slot(char* memory, int index) { return memory + index * stretch * sizeof(double); }
};

// Whether memory that work number `first` wrote, or some before it, is not needed any more once that before `end` is
// done.
bool is_over(const void* memory, std::size_t first, std::size_t end, const std::vector<Arena::End>& ended) {
  return std::any_of(ended.begin(), ended.end(),
                     [&](const Arena::End& e) { return e.memory == memory && e.time > first && e.time <= end; });
}

// Whether two stretches of memory have something in common but are not gone through in step.
bool out_of_step(const char* a, long a_item, const char* b, long b_item, long count) {
  if (a == b && a_item == b_item) return false;
  return a < b + std::max(b_item, 1L) * count && b < a + std::max(a_item, 1L) * count;
}

// Whether a map can be computed along with those before it.
bool fits(const std::vector<Work>& work, std::size_t first, std::size_t at) {
  const MapWork& m = work[at].map[0];
  for (std::size_t i = first; i < at; i++) {
    const MapWork& before = work[i].map[0];
    if (before.count != m.count || out_of_step(before.out, before.out_item, m.out, m.out_item, m.count)) return false;
    for (int k = 0; k < m.inputs; k++)
      if (out_of_step(before.out, before.out_item, m.in[k], m.in_item[k], m.count)) return false;
    for (int k = 0; k < before.inputs; k++)
      if (out_of_step(before.in[k], before.in_item[k], m.out, m.out_item, m.count)) return false;
  }
  return true;
}

std::shared_ptr<const Chain> chain_of(const std::vector<Work>& work, std::size_t first, std::size_t end,
                                      const std::vector<Arena::End>& ended) {
  auto chain = std::make_shared<Chain>();
  std::vector<std::pair<const char*, int>> places;  // what was written last, and to which slot (-1: memory)
  const auto slot_of = [&](const char* at) {
    for (auto it = places.rbegin(); it != places.rend(); ++it)
      if (it->first == at) return it->second;
    return -1;
  };
  for (std::size_t i = first; i < end; i++) {
    Step step{work[i].map[0]};
    for (int k = 0; k < step.map.inputs; k++)
      if (step.map.in_item[k] != 0) step.in_slot[k] = slot_of(step.map.in[k]);
    // It is not needed after the chain if it ends before the work behind that.
    if (is_over(step.map.out, i, end, ended)) step.out_slot = chain->slots++;
    places.emplace_back(step.map.out, step.out_slot);
    chain->costly |= step.map.map->costly;
    chain->steps.push_back(step);
  }
  return chain;
}

}  // namespace

void MapWork::run() const {
  Chain one;
  one.steps.push_back({*this});
  one.costly = map->costly;
  one.run();
}

bool MapWork::is(const char* name, long elements, long item) const {
  if (std::strcmp(map->name, name) != 0 || count != elements || out_item != item) return false;
  return std::all_of(in_item, in_item + inputs, [item](long step) { return step == item; });
}

bool apart(const Memory& place, const std::vector<Memory>& others) {
  const char* first = static_cast<const char*>(place.first);
  return std::all_of(others.begin(), others.end(), [&](const Memory& other) {
    const char* at = static_cast<const char*>(other.first);
    return at == nullptr || first + place.bytes <= at || at + other.bytes <= first;
  });
}

std::vector<Piece> fused(std::vector<Work>&& work, const std::vector<Arena::End>& ended) {
  std::vector<Piece> result;
  for (std::size_t at = 0; at < work.size();) {
    std::size_t end = at + 1;
    Piece piece;
    std::shared_ptr<const Fusible> joined = work[at].fusible;
    if (!work[at].map.empty() && end < work.size() && work[end].fusible != nullptr &&
        is_over(work[at].map[0].out, at, end + 1, ended)) {
      joined = work[end].fusible->after(work[at].map[0]);
      if (joined != nullptr) end++;
    }
    if (joined != nullptr) {
      while (end < work.size() && !work[end].map.empty() && is_over(joined->result(), end - 1, end + 1, ended)) {
        std::shared_ptr<const Fusible> next = joined->then(work[end].map[0]);
        if (next == nullptr) break;
        joined = std::move(next);
        end++;
      }
      piece.run = [joined] { joined->run(); };
    } else {
      if (!work[at].map.empty())
        while (end < work.size() && end - at < most_maps && !work[end].map.empty() && fits(work, at, end)) end++;
      if (end == at + 1) {
        piece.run = std::move(work[at].run);
      } else {
        piece.run = [chain = chain_of(work, at, end, ended)] { chain->run(); };
      }
    }
    for (; at < end; at++) {
      piece.kernel |= work[at].map.empty();
      for (const MapWork& map : work[at].map) piece.maps.push_back(map.map->name);
    }
    result.push_back(std::move(piece));
  }
  return result;
}

}  // namespace nnabla
