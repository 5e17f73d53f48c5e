// Solvers' updates: what a target offers.
#pragma once

namespace nnabla {

// What happens to each element; the numbers of a rule are in the order in which kernels/solver.cpp reads them.
enum class Rule {
  scale,       // p = n0 p
  add_scaled,  // p = p + n0 g
  momentum,    // states m; numbers: momentum, rate, share of p that decays (0 but for SgdW)
  nesterov,    // states m; momentum, rate
  adam,        // states mean, var; corrected rate, beta1, 1 - beta1, beta2, 1 - beta2, eps, share of p that decays
  adamax,      // states m, u; corrected rate, beta1, 1 - beta1, beta2, eps
  amsgrad,     // states m, v, v_hat; rate, beta1, 1 - beta1, beta2, 1 - beta2, eps
  adagrad,     // states v; rate, eps
  rmsprop,     // states v; rate, decay, 1 - decay, eps
  graves,      // states n, g, d; rate, decay, 1 - decay, momentum, eps
  adadelta,    // states e_sqr_grad, e_sqr_delta; rate, decay, 1 - decay, eps
  lion,        // states m; rate, beta1, 1 - beta1, beta2, 1 - beta2, decay
};

constexpr int most_states = 3, most_numbers = 8;

// A parameter: arrays of `size` elements, all in the same order in memory.
template <class T>
struct Updated {
  T* p;
  const T* g;
  T* states[most_states];
  long size;
  T numbers[most_numbers];
};

template <class T>
struct SolverTable {
  // Apply a rule to all parameters, on several threads if they are large together.
  void (*update)(Rule rule, const Updated<T>* list, long count);
  // sums[i] = the sum of squares of the parameter (p) of list[i].
  void (*sum_squares)(const Updated<T>* list, long count, double* sums);
};

}  // namespace nnabla
