// Normalization over batches, layers and groups: what a target offers.
#pragma once

namespace nnabla {

template <class T>
struct NormalizationTable {};

}  // namespace nnabla
