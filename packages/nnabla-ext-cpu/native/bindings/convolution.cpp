#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {

void bind_convolution(py::module_& m) { (void)m; }

}  // namespace nnabla
