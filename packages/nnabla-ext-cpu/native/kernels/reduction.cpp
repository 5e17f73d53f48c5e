#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const ReductionTable<T>* reduction_table() {
  static constexpr ReductionTable<T> table = {};
  return &table;
}
template const ReductionTable<float>* reduction_table();
template const ReductionTable<double>* reduction_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
