#include "kernels/gemm.h"

#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

template <class T>
void multiply(long batch, long M, long N, long K, const T* A, long a_batch, long a_row, long a_column, const T* B,
              long b_batch, long b_row, long b_column, T* C, long c_batch, long ldc, bool add, const T* bias,
              bool rectify) {
  const Epilogue<T> epilogue{bias, rectify};
  const auto one = [&](long b, int threads) {
    gemm<T>(M, N, K, {A + b * a_batch, a_row, a_column}, {B + b * b_batch, b_row, b_column}, C + b * c_batch, ldc, add,
            epilogue, threads);
  };
  const int threads = M * N * K * batch <= small_product ? 1 : thread_count();
  if (batch >= threads) {
    parallel(threads, [&](int part, int parts) {
      for (long b = batch * part / parts; b < batch * (part + 1) / parts; b++) one(b, 1);
    });
  } else {
    for (long b = 0; b < batch; b++) one(b, threads);
  }
}

}  // namespace

template <class T>
const GemmTable<T>* gemm_table() {
  static constexpr GemmTable<T> table = {multiply<T>};
  return &table;
}
template const GemmTable<float>* gemm_table();
template const GemmTable<double>* gemm_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
