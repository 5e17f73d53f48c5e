// The Python module: what is chosen and counted, and the families' functions.
#include <pybind11/pybind11.h>

#include <string>

#include "bindings/families.h"
#include "common/memory.h"
#include "common/options.h"
#include "common/threads.h"
#include "kernels/tables.h"

namespace py = pybind11;

PYBIND11_MODULE(_native, m) {
  using namespace nnabla;
  m.doc() = "Native kernels of NNabla's CPU backend.";
#if defined(__clang__)
  m.attr("compiler") = __VERSION__;
#else
  m.attr("compiler") = "GCC " __VERSION__;
#endif
  m.def("targets", [] {
    py::list names;
    for (int i = 0; i < target_count(); i++) names.append(target_at(i).name);
    return names;
  });
  m.def("target", [] { return target().name; });
  m.def("use_target", [](const std::string& name) { return use_target(name.c_str()); });
  m.def("thread_count", [] { return thread_count(); });
  m.def("set_thread_count", [](int count) { set_thread_count(count); });
  m.def("winograd_enabled", [] { return winograd_enabled(); });
  m.def("enable_winograd", [](bool enabled) { enable_winograd(enabled); });
  m.def("memory", [] {
    const MemoryUse use = memory_use();
    return py::make_tuple(use.used, use.kept);
  });
  m.def("release_memory", [] { release_memory(); });
  bind_gemm(m);
  bind_convolution(m);
  bind_winograd(m);
  bind_pooling(m);
  bind_normalization(m);
  bind_group_normalization(m);
  bind_softmax(m);
  bind_elementwise(m);
  bind_reduction(m);
  bind_movement(m);
  bind_copy(m);
  bind_factor(m);
  bind_selection(m);
  bind_recurrent(m);
  bind_solver(m);
  bind_random(m);
  bind_transfer(m);
  bind_recording(m);
  bind_sampling(m);
  bind_warping(m);
  bind_windows(m);
  bind_detection(m);
}
