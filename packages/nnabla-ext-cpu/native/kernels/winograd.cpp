#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const WinogradTable<T>* winograd_table() {
  static constexpr WinogradTable<T> table = {};
  return &table;
}
template const WinogradTable<float>* winograd_table();
template const WinogradTable<double>* winograd_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
