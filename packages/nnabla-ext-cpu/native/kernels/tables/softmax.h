// Softmax and its losses: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct SoftmaxTable {};

}  // namespace nnabla
