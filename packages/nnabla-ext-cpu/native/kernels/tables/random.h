// Random numbers and dropout: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct RandomTable {};

}  // namespace nnabla
