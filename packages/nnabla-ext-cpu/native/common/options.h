// What users may switch.
#pragma once

namespace nnabla {

// Whether convolutions may use Winograd's algorithm, which is faster and less exact; NNABLA_CPU_WINOGRAD=0 starts
// without it.
bool winograd_enabled();
void enable_winograd(bool enabled);

}  // namespace nnabla
