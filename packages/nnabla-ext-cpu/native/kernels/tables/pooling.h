// Pooling: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct PoolingTable {};

}  // namespace nnabla
