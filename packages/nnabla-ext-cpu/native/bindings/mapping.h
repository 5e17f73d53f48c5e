// Maps over arrays of any layout, with broadcasting.
#pragma once

#include <initializer_list>

#include "bindings/operands.h"
#include "kernels/tables.h"

namespace nnabla {

constexpr int most_inputs = 3;

// What apply_map throws where values have other types than the map takes.
struct OtherTypes : py::type_error {
  using py::type_error::type_error;
};

// Apply a map to arrays, with broadcasting; return a fresh array that lies as the first input of the full shape does.
// `leading`: the first input has the first dimensions of the result rather than the last. `twice`: numbers made of
// truth values alone are of double precision. Throws OtherTypes, and py::value_error if the shapes do not go together.
PyObject* apply_map(int list, int index, PyObject* const* inputs, const double* parameters, bool leading,
                    bool twice = false);

// Perform the map of that name over `count` elements of each input, one after another, in double precision or single.
void perform_map(const char* name, bool twice, long count, std::initializer_list<const void*> inputs, void* out);

// The place of a map in the tables; throws py::value_error if there is none of that name.
void find_map(const char* name, int& list, int& index);

// How many inputs it has.
int map_inputs(int list, int index);

}  // namespace nnabla
