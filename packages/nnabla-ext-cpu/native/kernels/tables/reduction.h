// Reductions: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct ReductionTable {};

}  // namespace nnabla
