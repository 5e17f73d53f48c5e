#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const PoolingTable<T>* pooling_table() {
  static constexpr PoolingTable<T> table = {};
  return &table;
}
template const PoolingTable<float>* pooling_table();
template const PoolingTable<double>* pooling_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
