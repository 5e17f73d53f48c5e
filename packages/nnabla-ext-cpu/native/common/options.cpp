#include "common/options.h"

#include <atomic>
#include <cstdlib>
#include <cstring>

namespace nnabla {
namespace {

bool from_environment() {
  const char* text = std::getenv("NNABLA_CPU_WINOGRAD");
  return text == nullptr || std::strcmp(text, "0") != 0;
}

std::atomic<bool>& winograd() {
  static std::atomic<bool> enabled{from_environment()};
  return enabled;
}

}  // namespace

bool winograd_enabled() { return winograd().load(std::memory_order_relaxed); }
void enable_winograd(bool enabled) { winograd().store(enabled); }

}  // namespace nnabla
