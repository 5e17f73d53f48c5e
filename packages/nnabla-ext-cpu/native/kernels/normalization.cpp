#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const NormalizationTable<T>* normalization_table() {
  static constexpr NormalizationTable<T> table = {};
  return &table;
}
template const NormalizationTable<float>* normalization_table();
template const NormalizationTable<double>* normalization_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
