// Convolutions, direct: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct ConvolutionTable {};

}  // namespace nnabla
