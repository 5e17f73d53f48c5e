#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const ConvolutionTable<T>* convolution_table() {
  static constexpr ConvolutionTable<T> table = {};
  return &table;
}
template const ConvolutionTable<float>* convolution_table();
template const ConvolutionTable<double>* convolution_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
