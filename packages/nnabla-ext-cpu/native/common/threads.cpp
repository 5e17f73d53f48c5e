#include "common/threads.h"

#include <pthread.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

namespace nnabla {
namespace {

// How long a thread spins before it sleeps, waiting for the next loop: longer than what lies between two kernels of a
// network, much shorter than anybody notices.
constexpr auto spin_time = std::chrono::microseconds(50);

inline void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#endif
}

int usable_processors() {
#if defined(__linux__)
  cpu_set_t set;
  if (sched_getaffinity(0, sizeof set, &set) == 0 && CPU_COUNT(&set) > 0) return CPU_COUNT(&set);
#endif
  const unsigned count = std::thread::hardware_concurrency();
  return count > 0 ? static_cast<int>(count) : 1;
}

int chosen_by_environment() {
  for (const char* name : {"NNABLA_CPU_NUM_THREADS", "OMP_NUM_THREADS"}) {
    const char* text = std::getenv(name);
    if (text == nullptr) continue;
    const long value = std::strtol(text, nullptr, 10);
    if (value > 0 && value <= 1024) return static_cast<int>(value);
  }
  return usable_processors();
}

std::atomic<int> count{0};
thread_local bool inside = false;

class Pool {
 public:
  // Run all parts; false if the pool is in use or gets no threads. Throws what the first part threw that threw.
  bool run(int parts, void (*body)(void*, int, int), void* context) {
    std::unique_lock<std::mutex> owner(in_use_, std::try_to_lock);
    if (!owner.owns_lock()) return false;
    try {
      while (static_cast<int>(workers_.size()) < parts - 1) start();
    } catch (const std::system_error&) {
      return false;
    }
    body_ = body;
    context_ = context;
    parts_ = parts;
    left_.store(static_cast<int>(workers_.size()), std::memory_order_relaxed);
    {
      // Who goes to sleep looks at the generation under the same lock, so that no wake-up is lost.
      std::lock_guard<std::mutex> lock(sleep_);
      generation_.fetch_add(1, std::memory_order_release);
    }
    if (sleepers_.load(std::memory_order_acquire) > 0) wake_.notify_all();
    inside = true;
    run_part(0);
    inside = false;
    for (int spins = 0; left_.load(std::memory_order_acquire) > 0; spins++) {
      if (spins < 20000)
        pause();
      else
        std::this_thread::yield();
    }
    if (error_) {
      const std::exception_ptr error = std::move(error_);
      error_ = nullptr;
      std::rethrow_exception(error);
    }
    return true;
  }

 private:
  void run_part(int number) noexcept {
    try {
      body_(context_, number, parts_);
    } catch (...) {
      std::lock_guard<std::mutex> lock(sleep_);
      if (!error_) error_ = std::current_exception();
    }
  }

  void start() {
    const int number = static_cast<int>(workers_.size()) + 1;
    const long seen = generation_.load(std::memory_order_acquire);
    workers_.emplace_back([this, number, seen] { work(number, seen); });
    workers_.back().detach();
  }

  [[noreturn]] void work(int number, long seen) {
    inside = true;
    for (;;) {
      wait(seen);
      seen++;
      if (number < parts_) run_part(number);
      left_.fetch_sub(1, std::memory_order_acq_rel);
    }
  }

  void wait(long seen) {
    const auto end = std::chrono::steady_clock::now() + spin_time;
    for (int spins = 1; generation_.load(std::memory_order_acquire) == seen; spins++) {
      pause();
      if (spins % 64 == 0 && std::chrono::steady_clock::now() > end) break;
    }
    if (generation_.load(std::memory_order_acquire) != seen) return;
    std::unique_lock<std::mutex> lock(sleep_);
    sleepers_.fetch_add(1, std::memory_order_acq_rel);
    wake_.wait(lock, [&] { return generation_.load(std::memory_order_acquire) != seen; });
    sleepers_.fetch_sub(1, std::memory_order_acq_rel);
  }

  std::mutex in_use_, sleep_;
  std::condition_variable wake_;
  std::vector<std::thread> workers_;
  std::atomic<long> generation_{0};
  std::atomic<int> left_{0}, sleepers_{0};
  void (*body_)(void*, int, int) = nullptr;
  void* context_ = nullptr;
  int parts_ = 0;
  std::exception_ptr error_;
};

// Never destroyed: its threads may still look at it while the process ends.
Pool* pool = nullptr;
std::once_flag made;

void forget_pool() {
  // The child of a fork has none of the threads.
  pool = new Pool;
  inside = false;
}

Pool& the_pool() {
  std::call_once(made, [] {
    pool = new Pool;
    pthread_atfork(nullptr, nullptr, forget_pool);
  });
  return *pool;
}

}  // namespace

int thread_count() {
  int found = count.load(std::memory_order_relaxed);
  if (found == 0) {
    found = chosen_by_environment();
    count.store(found, std::memory_order_relaxed);
  }
  return found;
}

void set_thread_count(int wanted) { count.store(wanted > 0 ? wanted : chosen_by_environment()); }

void run_parts(int parts, void (*body)(void*, int, int), void* context) {
  if (!inside && the_pool().run(parts, body, context)) return;
  for (int part = 0; part < parts; part++) body(context, part, parts);
}

}  // namespace nnabla
