// Products of matrices: what a target offers.
#pragma once

namespace nnabla {

// Products of matrices; see kernels/gemm.h. A matrix is given by its address and the steps of rows and columns.
template <class T>
struct GemmTable {
  // batch products C[b] = A[b] B[b] (+ C[b] if `add`), plus a bias for each column, negative values 0 if `rectify`.
  // Batches lie a_batch, b_batch and c_batch elements apart; rows of C ldc.
  void (*multiply)(long batch, long M, long N, long K, const T* A, long a_batch, long a_row, long a_column, const T* B,
                   long b_batch, long b_row, long b_column, T* C, long c_batch, long ldc, bool add, const T* bias,
                   bool rectify);
};

}  // namespace nnabla
