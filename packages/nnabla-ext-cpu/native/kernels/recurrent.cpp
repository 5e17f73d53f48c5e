#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const RecurrentTable<T>* recurrent_table() {
  static constexpr RecurrentTable<T> table = {};
  return &table;
}
template const RecurrentTable<float>* recurrent_table();
template const RecurrentTable<double>* recurrent_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
