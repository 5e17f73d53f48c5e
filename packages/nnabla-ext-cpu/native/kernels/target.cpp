#include "kernels/families.h"

#define NNABLA_TEXT_(x) #x
#define NNABLA_TEXT(x) NNABLA_TEXT_(x)

namespace nnabla {
namespace NNABLA_TARGET {

namespace {

template <class T>
Tables<T> all_tables() {
  return {gemm_table<T>(),          convolution_table<T>(), winograd_table<T>(),    pooling_table<T>(),
          normalization_table<T>(), softmax_table<T>(),     elementwise_table<T>(), reduction_table<T>(),
          movement_table<T>(),      copy_table<T>(),        factor_table<T>(),      selection_table<T>(),
          recurrent_table<T>(),     solver_table<T>(),      random_table<T>(),      sampling_table<T>()};
}

}  // namespace

const Target& target() {
  static const Target found = {NNABLA_TEXT(NNABLA_TARGET), all_tables<float>(), all_tables<double>()};
  return found;
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
