// One pool of threads behind parallel loops.
//
// Work is cut into as many parts as there are threads, always in the same way, so that results do not depend on
// which thread was faster. Threads that wait for work spin for some microseconds, then sleep. A forked child starts
// with a pool of its own; a loop inside a loop, and a loop while another thread of the process has the pool, run
// their parts one after the other.
#pragma once

namespace nnabla {

// Number of parts into which loops are cut; at least 1.
int thread_count();

// Set it; 0 takes the environment's choice (NNABLA_CPU_NUM_THREADS, OMP_NUM_THREADS), else the usable processors.
void set_thread_count(int count);

// Call body(context, part, parts) for each part from 0 to parts - 1, and return when all have returned; what one of
// them threw is thrown here.
void run_parts(int parts, void (*body)(void*, int, int), void* context);

// Call f(part, parts) on up to `parts` threads. Parts must not wait for each other.
template <class F>
inline void parallel(int parts, F&& f) {
  if (parts <= 1) {
    f(0, 1);
    return;
  }
  run_parts(parts, [](void* context, int part, int count) { (*static_cast<decltype(&f)>(context))(part, count); }, &f);
}

// Call f(begin, end) on ranges that make up 0 to n. No range is shorter than `grain` unless n is.
template <class F>
inline void parallel_for(long n, long grain, F&& f) {
  long parts = n / (grain > 0 ? grain : 1);
  const int most = parts > 1 ? thread_count() : 1;
  if (parts > most) parts = most;
  if (parts <= 1) {
    if (n > 0) f(0L, n);
    return;
  }
  parallel(static_cast<int>(parts), [&](int part, int count) {
    const long begin = n * part / count, end = n * (part + 1) / count;
    if (begin < end) f(begin, end);
  });
}

}  // namespace nnabla
