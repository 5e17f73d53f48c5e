#include "bindings/fusion.h"

#include <algorithm>
#include <memory>
#include <utility>

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
    const bool between = std::any_of(ended.begin(), ended.end(), [&](const Arena::End& e) {
      return e.memory == step.map.out && e.time > i && e.time <= end;
    });
    if (between) step.out_slot = chain->slots++;
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

std::vector<std::function<void()>> fused(std::vector<Work>&& work, const std::vector<Arena::End>& ended) {
  std::vector<std::function<void()>> result;
  for (std::size_t at = 0; at < work.size();) {
    std::size_t end = at + 1;
    if (!work[at].map.empty())
      while (end < work.size() && end - at < most_maps && !work[end].map.empty() && fits(work, at, end)) end++;
    if (end == at + 1) {
      result.push_back(std::move(work[at].run));
    } else {
      result.emplace_back([chain = chain_of(work, at, end, ended)] { chain->run(); });
    }
    at = end;
  }
  return result;
}

}  // namespace nnabla
