// The maps of this target, a list for each source.
#pragma once

#include "kernels/tables/elementwise.h"

namespace nnabla {
namespace NNABLA_TARGET {

template <class T>
MapList activation_maps();
template <class T>
MapList mathematics_maps();
template <class T>
MapList arithmetic_maps();
template <class T>
MapList loss_maps();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
