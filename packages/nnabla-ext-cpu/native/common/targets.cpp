#include <atomic>
#include <cstdlib>
#include <cstring>

#include "kernels/tables.h"

namespace nnabla {

#define NNABLA_DECLARE(name) \
  namespace name {           \
  const Target& target();    \
  }
#if defined(NNABLA_HAS_X86)
NNABLA_DECLARE(avx512)
NNABLA_DECLARE(avx2)
#endif
NNABLA_DECLARE(baseline)
#undef NNABLA_DECLARE

namespace {

struct Found {
  const Target* at[3];
  int count = 0;

  Found() {
#if defined(NNABLA_HAS_X86)
    __builtin_cpu_init();
    const bool two = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (two && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512dq") &&
        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl"))
      at[count++] = &avx512::target();
    if (two) at[count++] = &avx2::target();
#endif
    at[count++] = &baseline::target();
  }
};

const Found& found() {
  static const Found all;
  return all;
}

const Target* named(const char* name) {
  for (int i = 0; i < found().count; i++)
    if (std::strcmp(found().at[i]->name, name) == 0) return found().at[i];
  return nullptr;
}

std::atomic<const Target*> chosen{nullptr};

}  // namespace

int target_count() { return found().count; }
const Target& target_at(int index) { return *found().at[index]; }

const Target& target() {
  const Target* now = chosen.load(std::memory_order_acquire);
  if (now == nullptr) {
    const char* name = std::getenv("NNABLA_CPU_TARGET");
    now = name == nullptr ? nullptr : named(name);
    if (now == nullptr) now = found().at[0];
    chosen.store(now, std::memory_order_release);
  }
  return *now;
}

bool use_target(const char* name) {
  const Target* wanted = named(name);
  if (wanted != nullptr) chosen.store(wanted, std::memory_order_release);
  return wanted != nullptr;
}

}  // namespace nnabla
