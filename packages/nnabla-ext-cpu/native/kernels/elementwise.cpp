#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const ElementwiseTable<T>* elementwise_table() {
  static constexpr ElementwiseTable<T> table = {};
  return &table;
}
template const ElementwiseTable<float>* elementwise_table();
template const ElementwiseTable<double>* elementwise_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
