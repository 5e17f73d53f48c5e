// Square matrices in C order, one after another: determinants, inverses, triangular factors.
#pragma once

namespace nnabla {

template <class T>
struct FactorTable {
  // determinant[i] = sign[i] exp(logarithm[i]); where a matrix is singular the sign is 0 and the logarithm -infinity.
  void (*determinant)(long count, long n, const T* x, T* sign, T* logarithm, T* determinant);

  // y = the inverses; false if a matrix is singular.
  bool (*inverse)(long count, long n, const T* x, T* y);

  // y = lower triangular factors L of x = L L^T, of whose lower triangle they come, transposed if `upper`; false if a
  // matrix is not positive definite.
  bool (*cholesky)(long count, long n, bool upper, const T* x, T* y);
};

}  // namespace nnabla
