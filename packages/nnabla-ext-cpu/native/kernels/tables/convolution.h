// Convolutions, direct: what a target offers.
//
// Images are channels last: an input is [batch][in...][in_channels], an output [batch][out...][out_channels]. There
// are always three spatial dimensions; the first are of size 1 where the convolution has fewer.
#pragma once

namespace nnabla {

struct ConvolutionShape {
  long batch;
  long in[3], out[3], kernel[3], stride[3], dilation[3], pad[3];
  long in_channels, out_channels, group;

  long taps() const { return kernel[0] * kernel[1] * kernel[2]; }
  long in_pixels() const { return batch * in[0] * in[1] * in[2]; }
  long out_pixels() const { return batch * out[0] * out[1] * out[2]; }
};

// Where a weight's elements lie: steps from one output channel, input channel (of a group) and tap to the next.
struct WeightSteps {
  long out, in, tap[3];
};

template <class T>
struct ConvolutionTable {
  // y = convolution of x, plus a bias for each output channel if not null; then negative values 0 if `rectify`.
  void (*forward)(const ConvolutionShape&, const T* x, const T* w, WeightSteps, const T* bias, bool rectify, T* y);
  // By which algorithm `forward` computes these sizes.
  const char* (*algorithm)(const ConvolutionShape&);
  // The same with weights that are arranged once: how many elements that takes for these sizes, to make them, and to
  // use them. They are good for the target, the sizes and the choice of algorithms that they were made with.
  long (*packed_size)(const ConvolutionShape&);
  void (*pack)(const ConvolutionShape&, const T* w, WeightSteps, T* packed);
  void (*forward_packed)(const ConvolutionShape&, const T* x, const T* packed, const T* bias, bool rectify, T* y);
  // dx = the adjoint applied to dy (a deconvolution), plus a bias for each input channel if not null.
  void (*data_gradient)(const ConvolutionShape&, const T* dy, const T* w, WeightSteps, const T* bias, T* dx);
  // dw = the gradient with respect to the weight, written with the steps given.
  void (*weight_gradient)(const ConvolutionShape&, const T* x, const T* dy, T* dw, WeightSteps);
  // to[b][columns][rows] = from[b][rows][columns]: from channels first to channels last, and back.
  void (*transpose)(long batch, long rows, long columns, const T* from, T* to);
};

}  // namespace nnabla
