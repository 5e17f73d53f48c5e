// Solvers' updates: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct SolverTable {};

}  // namespace nnabla
