#include "common/memory.h"

#include <pthread.h>

#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__GLIBC__)
#include <malloc.h>
#endif

namespace nnabla {
namespace {

constexpr std::size_t alignment = 64;
// From this size on, memory starts where a large page can, and asks for them.
constexpr std::size_t large = std::size_t{1} << 21;
// Of one size so much is kept at most.
constexpr std::size_t most_kept = std::size_t{1} << 30;
constexpr int classes = 64 * 8;

// Sizes are rounded up to eight steps between powers of two: at most an eighth is wasted.
int class_of(std::size_t bytes) {
  if (bytes < 1024) bytes = 1024;
  const int top = 63 - __builtin_clzll(bytes - 1);
  const int step = static_cast<int>((bytes - 1) >> (top - 3)) & 7;
  return top * 8 + step;
}

std::size_t size_of(int index) {
  const int top = index / 8, step = index % 8;
  return (std::size_t{1} << top) + (static_cast<std::size_t>(step + 1) << (top - 3));
}

struct Kept {
  std::mutex lock;
  std::vector<void*> free[classes];
  std::size_t kept = 0, used = 0;
};

Kept& kept();

// Never destroyed: arrays may give memory back while the process ends. A fork waits until no thread holds the lock,
// which nobody would release in the child.
Kept* make_kept() {
  pthread_atfork([] { kept().lock.lock(); }, [] { kept().lock.unlock(); }, [] { kept().lock.unlock(); });
  return new Kept;
}

Kept& kept() {
  static Kept* const all = make_kept();
  return *all;
}

void* allocate(std::size_t size) {
  void* memory = nullptr;
  if (posix_memalign(&memory, size >= large ? large : alignment, size) != 0) throw std::bad_alloc();
#if defined(__linux__)
  if (size >= large) madvise(memory, size, MADV_HUGEPAGE);
#endif
  return memory;
}

}  // namespace

void* take_memory(std::size_t bytes) {
  if (bytes > PTRDIFF_MAX / 2) throw std::bad_alloc();
  const int index = class_of(bytes);
  const std::size_t size = size_of(index);
  Kept& all = kept();
  {
    std::lock_guard<std::mutex> lock(all.lock);
    auto& free = all.free[index];
    if (!free.empty()) {
      void* memory = free.back();
      free.pop_back();
      all.kept -= size;
      all.used += size;
      return memory;
    }
  }
  void* memory;
  try {
    memory = allocate(size);
  } catch (const std::bad_alloc&) {
    release_memory();
    memory = allocate(size);
  }
  std::lock_guard<std::mutex> lock(all.lock);
  all.used += size;
  return memory;
}

void give_memory(void* memory, std::size_t bytes) noexcept {
  if (memory == nullptr) return;
  const int index = class_of(bytes);
  const std::size_t size = size_of(index);
  Kept& all = kept();
  {
    std::lock_guard<std::mutex> lock(all.lock);
    all.used -= size;
    bool keep = all.kept + size <= most_kept;
    if (keep) try {
        all.free[index].push_back(memory);
      } catch (const std::bad_alloc&) {
        keep = false;  // no room in the list: it goes back to the system
      }
    if (keep) {
      all.kept += size;
      return;
    }
  }
  std::free(memory);
}

void release_memory() {
  Kept& all = kept();
  std::lock_guard<std::mutex> lock(all.lock);
  for (auto& free : all.free) {
    for (void* memory : free) std::free(memory);
    free.clear();
  }
  all.kept = 0;
#if defined(__GLIBC__)
  malloc_trim(0);  // which otherwise keeps what lies between other blocks
#endif
}

MemoryUse memory_use() {
  Kept& all = kept();
  std::lock_guard<std::mutex> lock(all.lock);
  return {all.kept, all.used};
}

}  // namespace nnabla
