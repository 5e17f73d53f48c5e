#include "kernels/reduction.h"

#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const ReductionTable<T>* reduction_table() {
  static constexpr ReductionTable<T> table = {{reduce<T, Sum>, reduce<T, SumOfSizes>, reduce<T, SumOfSquares>,
                                               reduce<T, SumOfProducts>, reduce<T, Largest>, reduce<T, Product>},
                                              arg_max<T>};
  return &table;
}
template const ReductionTable<float>* reduction_table();
template const ReductionTable<double>* reduction_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
