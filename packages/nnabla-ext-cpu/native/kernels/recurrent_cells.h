// One step of recurrent cells, unit by unit, forwards and backwards.
#pragma once

#include "kernels/math.h"
#include "kernels/tables/recurrent.h"

namespace nnabla {
namespace NNABLA_TARGET {

// The first n elements of a row; n is at most the number of lanes.
template <class T>
NNABLA_INLINE Vec<T> get(const T* p, long n) {
  return n == lanes<T> ? load(p) : load_part(p, n);
}

template <class T>
NNABLA_INLINE void put(T* p, Vec<T> v, long n) {
  if (n == lanes<T>)
    store(p, v);
  else
    store_part(p, v, n);
}

// n units of one sample. `kept` has the sums of products, blocks `size` apart, and gets what is kept of the step.
// `h` is the output before and becomes the one after; `c` the same for the state.
template <class T, Cell cell>
NNABLA_INLINE void cell_forward(T* kept, long size, Vec<T>& h, Vec<T>& c, long n) {
  if constexpr (cell == Cell::lstm) {
    const Vec<T> i = sigmoid<T>(get(kept, n)), f = sigmoid<T>(get(kept + size, n));
    const Vec<T> o = sigmoid<T>(get(kept + 2 * size, n)), g = tanh<T>(get(kept + 3 * size, n));
    put(kept, i, n);
    put(kept + size, f, n);
    put(kept + 2 * size, o, n);
    put(kept + 3 * size, g, n);
    c = f * c + i * g;
    h = o * tanh<T>(c);
  } else if constexpr (cell == Cell::gru) {
    const Vec<T> r = sigmoid<T>(get(kept, n)), z = sigmoid<T>(get(kept + size, n));
    const Vec<T> candidate = tanh<T>(get(kept + 2 * size, n) + r * get(kept + 3 * size, n));
    put(kept, r, n);
    put(kept + size, z, n);
    put(kept + 2 * size, candidate, n);
    h = candidate + z * (h - candidate);
  } else {
    const Vec<T> sum = get(kept, n);
    // NaN is not below 0 and stays.
    h = cell == Cell::tanh ? tanh<T>(sum) : (sum < 0 ? Vec<T>{} : sum);
    put(kept, h, n);
  }
}

// The gradients of the products go to `dz`, blocks `size` apart in the order of files; a GRU's candidate has one for
// the product of the input, then one for that of the output. `dh` and `dc` become what reaches the step before
// besides the product of the output.
template <class T, Cell cell>
NNABLA_INLINE void cell_backward(const T* kept, long size, Vec<T> h_before, Vec<T> c_before, Vec<T> c, T* dz,
                                 Vec<T>& dh, Vec<T>& dc, long n) {
  if constexpr (cell == Cell::lstm) {
    const Vec<T> i = get(kept, n), f = get(kept + size, n), o = get(kept + 2 * size, n), g = get(kept + 3 * size, n);
    const Vec<T> bent = tanh<T>(c);
    dc += dh * o * (1 - bent * bent);
    put(dz, dc * g * i * (1 - i), n);
    put(dz + size, dc * c_before * f * (1 - f), n);
    put(dz + 2 * size, dc * i * (1 - g * g), n);
    put(dz + 3 * size, dh * bent * o * (1 - o), n);
    dc = dc * f;
  } else if constexpr (cell == Cell::gru) {
    const Vec<T> r = get(kept, n), z = get(kept + size, n);
    const Vec<T> candidate = get(kept + 2 * size, n), q = get(kept + 3 * size, n);
    const Vec<T> dn = dh * (1 - z) * (1 - candidate * candidate);
    put(dz, dn * q * r * (1 - r), n);
    put(dz + size, dh * (h_before - candidate) * z * (1 - z), n);
    put(dz + 2 * size, dn, n);
    put(dz + 3 * size, dn * r, n);
    dh = dh * z;
  } else if constexpr (cell == Cell::tanh) {
    const Vec<T> h = get(kept, n);
    put(dz, dh * (1 - h * h), n);
  } else {
    put(dz, get(kept, n) > 0 ? dh : Vec<T>{}, n);
  }
}

}  // namespace NNABLA_TARGET
}  // namespace nnabla
