// What each target offers: tables of functions, one a family, by element type.
//
// A family has its table in kernels/tables/<family>.h, common to all targets, and its functions in
// kernels/<family>.cpp, which is compiled once per target. Tables that are only declared here are included where they
// are used.
#pragma once

#include "kernels/tables/convolution.h"
#include "kernels/tables/elementwise.h"
#include "kernels/tables/gemm.h"
#include "kernels/tables/movement.h"
#include "kernels/tables/normalization.h"
#include "kernels/tables/pooling.h"
#include "kernels/tables/random.h"
#include "kernels/tables/recurrent.h"
#include "kernels/tables/reduction.h"
#include "kernels/tables/softmax.h"
#include "kernels/tables/solver.h"
#include "kernels/tables/winograd.h"

namespace nnabla {

template <class T>
struct CopyTable;
template <class T>
struct FactorTable;
template <class T>
struct SelectionTable;
template <class T>
struct SamplingTable;  // kernels/tables/sampling.h

template <class T>
struct Tables {
  const GemmTable<T>* gemm;
  const ConvolutionTable<T>* convolution;
  const WinogradTable<T>* winograd;
  const PoolingTable<T>* pooling;
  const NormalizationTable<T>* normalization;
  const SoftmaxTable<T>* softmax;
  const ElementwiseTable<T>* elementwise;
  const ReductionTable<T>* reduction;
  const MovementTable<T>* movement;
  const CopyTable<T>* copy;
  const FactorTable<T>* factor;
  const SelectionTable<T>* selection;
  const RecurrentTable<T>* recurrent;
  const SolverTable<T>* solver;
  const RandomTable<T>* random;
  const SamplingTable<T>* sampling;
};

struct Target {
  const char* name;
  Tables<float> f32;
  Tables<double> f64;
};

// The target in use: the best that this processor has, or the one that NNABLA_CPU_TARGET names.
const Target& target();

// Names of all targets that are built in and run on this processor, the best first.
int target_count();
const Target& target_at(int index);

// Use another target from now on; false if none of that name runs here.
bool use_target(const char* name);

template <class T>
inline const Tables<T>& tables();
template <>
inline const Tables<float>& tables<float>() {
  return target().f32;
}
template <>
inline const Tables<double>& tables<double>() {
  return target().f64;
}

}  // namespace nnabla
