#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const SolverTable<T>* solver_table() {
  static constexpr SolverTable<T> table = {};
  return &table;
}
template const SolverTable<float>* solver_table();
template const SolverTable<double>* solver_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
