// Convolutions of 3x3 by Winograd's algorithm: what a target offers.
#pragma once

namespace nnabla {

// Winograd's F(4x4, 3x3) for convolutions of 3x3 with stride 1, dilation 1 and one group, on arrays that lie channels
// last: x[N][H][W][Ci] gives y[N][OH][OW][Co] with OH = H + 2 pad - 2 and OW = W + 2 pad - 2; pad is 0, 1 or 2.
// Element (o, r, s, i) of the weights, for output o, row r, column s and input i, is
// w[o * w_out + r * w_row + s * w_column + i * w_in].
template <class T>
struct WinogradTable {
  // y = convolution of x and w, plus a bias for each output (or null), then negative values 0 if `rectify`.
  void (*forward)(long N, long H, long W, long Ci, long Co, long pad, const T* x, const T* w, long w_out, long w_row,
                  long w_column, long w_in, const T* bias, bool rectify, T* y);
  // dx[N][H][W][Ci] from dy[N][OH][OW][Co]; written, not added.
  void (*data_gradient)(long N, long H, long W, long Ci, long Co, long pad, const T* dy, const T* w, long w_out,
                        long w_row, long w_column, long w_in, T* dx);
  // dw, in the steps that are given, from x and dy; written, not added.
  void (*weight_gradient)(long N, long H, long W, long Ci, long Co, long pad, const T* x, const T* dy, T* dw,
                          long w_out, long w_row, long w_column, long w_in);
  // Whether this is ahead of a direct convolution, for an output of about H x W: by sizes alone, never by timing.
  bool (*pays)(long N, long H, long W, long Ci, long Co);

  // Weights transformed once for many forward passes, in an order of this target: how many elements that takes, ...
  long (*transformed_size)(long Ci, long Co);
  // ... to make them, ...
  void (*transform)(long Ci, long Co, const T* w, long w_out, long w_row, long w_column, long w_in, T* u);
  // ... and `forward` with them.
  void (*forward_transformed)(long N, long H, long W, long Ci, long Co, long pad, const T* x, const T* u, const T* bias,
                              bool rectify, T* y);
};

}  // namespace nnabla
