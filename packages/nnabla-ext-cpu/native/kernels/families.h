// The tables that the families of this target define; each is instantiated for float and double in its own source.
#pragma once

#include "kernels/tables.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
const GemmTable<T>* gemm_table();
template <class T>
const ConvolutionTable<T>* convolution_table();
template <class T>
const WinogradTable<T>* winograd_table();
template <class T>
const PoolingTable<T>* pooling_table();
template <class T>
const NormalizationTable<T>* normalization_table();
template <class T>
const SoftmaxTable<T>* softmax_table();
template <class T>
const ElementwiseTable<T>* elementwise_table();
template <class T>
const ReductionTable<T>* reduction_table();
template <class T>
const MovementTable<T>* movement_table();
template <class T>
const CopyTable<T>* copy_table();
template <class T>
const FactorTable<T>* factor_table();
template <class T>
const SelectionTable<T>* selection_table();
template <class T>
const RecurrentTable<T>* recurrent_table();
template <class T>
const SolverTable<T>* solver_table();
template <class T>
const RandomTable<T>* random_table();
template <class T>
const SamplingTable<T>* sampling_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
