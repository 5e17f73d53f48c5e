// Elements copied from one array into another.
#pragma once

#include "bindings/arrays.h"

namespace nnabla {

// Write a source into a target of the same shape, on whatever strides; NumPy does it for dtypes that are not known
// here.
void copy_elements(const py::array& target, const py::array& source);

}  // namespace nnabla
