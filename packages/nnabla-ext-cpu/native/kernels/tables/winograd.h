// Convolutions of 3x3 by Winograd's algorithm: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct WinogradTable {};

}  // namespace nnabla
