#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const RandomTable<T>* random_table() {
  static constexpr RandomTable<T> table = {};
  return &table;
}
template const RandomTable<float>* random_table();
template const RandomTable<double>* random_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
