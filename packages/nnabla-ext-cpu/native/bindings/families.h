// Each family adds its functions to the module.
#pragma once

#include <pybind11/pybind11.h>

namespace nnabla {

void bind_gemm(pybind11::module_& m);
void bind_convolution(pybind11::module_& m);
void bind_winograd(pybind11::module_& m);
void bind_pooling(pybind11::module_& m);
void bind_normalization(pybind11::module_& m);
void bind_group_normalization(pybind11::module_& m);
void bind_softmax(pybind11::module_& m);
void bind_elementwise(pybind11::module_& m);
void bind_reduction(pybind11::module_& m);
void bind_movement(pybind11::module_& m);
void bind_copy(pybind11::module_& m);
void bind_factor(pybind11::module_& m);
void bind_selection(pybind11::module_& m);
void bind_recurrent(pybind11::module_& m);
void bind_solver(pybind11::module_& m);
void bind_random(pybind11::module_& m);
void bind_transfer(pybind11::module_& m);
void bind_recording(pybind11::module_& m);
void bind_sampling(pybind11::module_& m);
void bind_warping(pybind11::module_& m);
void bind_windows(pybind11::module_& m);
void bind_detection(pybind11::module_& m);

}  // namespace nnabla
