// Prints how many floating-point operations per second, in units of 1e9, fused multiply-adds in single
// precision reach on so many threads: fma_peak THREADS
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>
#include <vector>

#if defined(__AVX512F__)
constexpr int kBytes = 64;
#elif defined(__AVX__)
constexpr int kBytes = 32;
#else
constexpr int kBytes = 16;
#endif
typedef float Vector __attribute__((vector_size(kBytes)));

// Enough independent sums to hide the latency of two units, few enough to stay in 16 registers.
constexpr int kSums = 12;
constexpr long kRepeats = 10'000'000;

static void accumulate(float start, float *result) {
  const Vector factor = Vector{} + 0.5f, addend = Vector{} + start;
  Vector sums[kSums];
  for (int j = 0; j < kSums; ++j) sums[j] = Vector{} + (start + j);  // no two alike, or the compiler makes them one
  for (long i = 0; i < kRepeats; ++i)
    for (int j = 0; j < kSums; ++j) sums[j] = sums[j] * factor + addend;
  for (int j = 1; j < kSums; ++j) sums[0] += sums[j];
  *result = sums[0][0];
}

int main(int, char **arguments) {
  const int count = std::atoi(arguments[1]);
  const double operations = 2.0 * kRepeats * kSums * (kBytes / sizeof(float)) * count;
  double best = 0;
  for (int round = 0; round < 5; ++round) {
    std::vector<float> results(count);
    std::vector<std::thread> threads;
    const auto start = std::chrono::steady_clock::now();
    for (float &result : results) threads.emplace_back(accumulate, arguments[1][0], &result);
    for (std::thread &thread : threads) thread.join();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::max(best, operations / seconds.count() / 1e9);
  }
  std::printf("%.1f\n", best);
}
