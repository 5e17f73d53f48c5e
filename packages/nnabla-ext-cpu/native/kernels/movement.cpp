#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const MovementTable<T>* movement_table() {
  static constexpr MovementTable<T> table = {};
  return &table;
}
template const MovementTable<float>* movement_table();
template const MovementTable<double>* movement_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
