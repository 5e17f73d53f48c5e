#include "kernels/elementwise_maps.h"
#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const ElementwiseTable<T>* elementwise_table() {
  static const ElementwiseTable<T> table = {activation_maps<T>(), mathematics_maps<T>(), arithmetic_maps<T>(),
                                            loss_maps<T>()};
  return &table;
}
template const ElementwiseTable<float>* elementwise_table();
template const ElementwiseTable<double>* elementwise_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
