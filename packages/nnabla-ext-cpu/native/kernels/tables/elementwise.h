// Arithmetic and activations: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct ElementwiseTable {};

}  // namespace nnabla
