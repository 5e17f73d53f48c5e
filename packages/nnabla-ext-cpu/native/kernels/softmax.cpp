#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const SoftmaxTable<T>* softmax_table() {
  static constexpr SoftmaxTable<T> table = {};
  return &table;
}
template const SoftmaxTable<float>* softmax_table();
template const SoftmaxTable<double>* softmax_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
