// Recurrent layers: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct RecurrentTable {};

}  // namespace nnabla
