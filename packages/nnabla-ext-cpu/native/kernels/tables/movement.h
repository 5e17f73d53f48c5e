// Transposed, joined, split, padded and looked up arrays: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct MovementTable {};

}  // namespace nnabla
