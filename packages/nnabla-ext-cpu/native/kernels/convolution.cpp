// Convolution and its adjoint in the input, over channels-last images.
#include "common/options.h"
#include "kernels/convolution_depthwise.h"
#include "kernels/convolution_gather.h"
#include "kernels/convolution_padding.h"
#include "kernels/convolution_weight.h"
#include "kernels/families.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// As many taps as anybody's kernel has; larger ones take memory of their own.
class Taps {
 public:
  explicit Taps(long most) : memory_(most > 0 ? most : 1) {}
  void add(long i, long j, long k, long weight) { memory_.data()[count++] = {{i, j, k}, weight}; }
  const Tap* data() const { return memory_.data(); }
  int count = 0;

 private:
  Scratch<Tap> memory_;
};

// Run with panels as wide as the result has use for.
template <class T>
void run(const Windows<T>& w, const T* weight, long depth_step, long column_step, const T* bias, bool rectify) {
  // Panels read a bias in full width.
  const long padded = round_up(w.columns, tile_columns<T>);
  const Scratch<T> full(padded);
  if (bias != nullptr) {
    std::memcpy(full, bias, w.columns * sizeof(T));
    std::memset(full + w.columns, 0, (padded - w.columns) * sizeof(T));
  }
  const Epilogue<T> epilogue{bias == nullptr ? nullptr : full.data(), rectify};
  if (w.columns <= lanes<T>)
    gather_convolution<T, 1>(w, weight, depth_step, column_step, epilogue);
  else
    gather_convolution<T, tile_vectors>(w, weight, depth_step, column_step, epilogue);
}

// Few channels: the columns of a kernel's row and their channels are contiguous in an image without need for padding,
// so a whole row is one tap. Images are copied with their padding first, where they have one.
template <class T>
void forward_by_rows(const ConvolutionShape& s, const T* x, const T* w, WeightSteps steps, const T* bias, bool rectify,
                     T* y) {
  const long C = s.in_channels, columns = s.kernel[2];
  const PaddedImages<T> images(s, x);
  // Weights by [out][kernel row][kernel column][channel].
  const long rows = s.kernel[0] * s.kernel[1], depth = columns * C;
  const Scratch<T> weight(s.out_channels * rows * depth);
  T* at = weight;
  for (long o = 0; o < s.out_channels; o++)
    for (long i = 0; i < s.kernel[0]; i++)
      for (long j = 0; j < s.kernel[1]; j++)
        for (long k = 0; k < columns; k++)
          for (long c = 0; c < C; c++)
            *at++ = w[o * steps.out + c * steps.in + i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2]];
  Taps taps(rows);
  for (long i = 0; i < s.kernel[0]; i++)
    for (long j = 0; j < s.kernel[1]; j++)
      taps.add(i * s.dilation[0], j * s.dilation[1], 0, (i * s.kernel[1] + j) * depth);
  const Windows<T> windows = {images.source,
                              {images.size[0], images.size[1], images.size[2]},
                              C,
                              images.image,
                              s.batch,
                              {s.out[0], s.out[1], s.out[2]},
                              {s.stride[0], s.stride[1], s.stride[2]},
                              {0, 0, 0},
                              y,
                              {s.out[0], s.out[1], s.out[2]},
                              {1, 1, 1},
                              {0, 0, 0},
                              s.out_channels,
                              taps.data(),
                              taps.count,
                              depth,
                              s.out_channels};
  run(windows, weight.data(), 1L, rows * depth, bias, rectify);
}

// Whether Winograd's algorithm computes it, and is ahead.
template <class T>
bool by_winograd(const ConvolutionShape& s) {
  if (sizeof(T) != sizeof(float) || s.group != 1 || s.kernel[0] != 1 || s.in[0] != 1 || s.kernel[1] != 3 || s.kernel[2] != 3) return false;
  if (s.pad[0] != 0 || s.pad[1] != s.pad[2] || s.pad[1] > 2) return false;
  for (int a = 1; a < 3; a++)
    if (s.stride[a] != 1 || s.dilation[a] != 1 || s.out[a] != s.in[a] + 2 * s.pad[a] - 2) return false;
  return winograd_enabled() && winograd_table<T>()->pays(s.batch, s.out[1], s.out[2], s.in_channels, s.out_channels);
}

template <class T>
void forward(const ConvolutionShape& s, const T* x, const T* w, WeightSteps steps, const T* bias, bool rectify, T* y) {
  const long in = s.in_channels / s.group, out = s.out_channels / s.group;
  if (in == 1 && out == 1 && s.group > 1) {
    depthwise_forward(s, x, w, steps, bias, rectify, y);
    return;
  }
  if (by_winograd<T>(s)) {
    winograd_table<T>()->forward(s.batch, s.in[1], s.in[2], s.in_channels, s.out_channels, s.pad[1], x, w, steps.out,
                                 steps.tap[1], steps.tap[2], steps.in, bias, rectify, y);
    return;
  }
  if (rows_as_taps(s)) {
    forward_by_rows(s, x, w, steps, bias, rectify, y);
    return;
  }
  Taps taps(s.taps());
  for (long i = 0; i < s.kernel[0]; i++)
    for (long j = 0; j < s.kernel[1]; j++)
      for (long k = 0; k < s.kernel[2]; k++)
        taps.add(i * s.dilation[0], j * s.dilation[1], k * s.dilation[2],
                 i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2]);
  for (long g = 0; g < s.group; g++) {
    const Windows<T> windows = {x + g * in,
                                {s.in[0], s.in[1], s.in[2]},
                                s.in_channels,
                                s.in[0] * s.in[1] * s.in[2] * s.in_channels,
                                s.batch,
                                {s.out[0], s.out[1], s.out[2]},
                                {s.stride[0], s.stride[1], s.stride[2]},
                                {-s.pad[0], -s.pad[1], -s.pad[2]},
                                y + g * out,
                                {s.out[0], s.out[1], s.out[2]},
                                {1, 1, 1},
                                {0, 0, 0},
                                s.out_channels,
                                taps.data(),
                                taps.count,
                                in,
                                out};
    run(windows, w + g * out * steps.out, steps.in, steps.out, bias == nullptr ? nullptr : bias + g * out, rectify);
  }
}

// Input pixels that no tap reaches, in the phase given, have the bias alone.
template <class T>
void fill_phase(const ConvolutionShape& s, const long (&phase)[3], const T* bias, long channel, long channels, T* dx) {
  for (long n = 0; n < s.batch; n++)
    for (long i = phase[0]; i < s.in[0]; i += s.stride[0])
      for (long j = phase[1]; j < s.in[1]; j += s.stride[1])
        for (long k = phase[2]; k < s.in[2]; k += s.stride[2]) {
          T* to = dx + (((n * s.in[0] + i) * s.in[1] + j) * s.in[2] + k) * s.in_channels + channel;
          if (bias != nullptr)
            std::memcpy(to, bias, channels * sizeof(T));
          else
            std::memset(to, 0, channels * sizeof(T));
        }
}

template <class T>
void data_gradient(const ConvolutionShape& s, const T* dy, const T* w, WeightSteps steps, const T* bias, T* dx) {
  const long in = s.in_channels / s.group, out = s.out_channels / s.group;
  if (bias == nullptr && by_winograd<T>(s)) {
    winograd_table<T>()->data_gradient(s.batch, s.in[1], s.in[2], s.in_channels, s.out_channels, s.pad[1], dy, w,
                                       steps.out, steps.tap[1], steps.tap[2], steps.in, dx);
    return;
  }
  const bool dense = s.stride[0] == 1 && s.stride[1] == 1 && s.stride[2] == 1;
  if (dense) {
    // With stride 1 the adjoint is the convolution with the kernel turned round.
    ConvolutionShape turned = s;
    bool possible = true;
    long last = 0;
    WeightSteps back = {steps.in, steps.out, {0, 0, 0}};
    for (int a = 0; a < 3; a++) {
      turned.in[a] = s.out[a];
      turned.out[a] = s.in[a];
      turned.pad[a] = s.dilation[a] * (s.kernel[a] - 1) - s.pad[a];
      possible = possible && turned.pad[a] >= 0;
      last += (s.kernel[a] - 1) * steps.tap[a];
      back.tap[a] = -steps.tap[a];
    }
    turned.in_channels = s.out_channels;
    turned.out_channels = s.in_channels;
    if (possible && s.group == 1) {
      forward(turned, dy, w + last, back, bias, false, dx);
      return;
    }
    if (possible && in == 1 && out == 1) {
      // Depthwise: the weight of channel c is that of map c.
      back = {steps.out, steps.in, {-steps.tap[0], -steps.tap[1], -steps.tap[2]}};
      depthwise_forward(turned, dy, w + last, back, bias, false, dx);
      return;
    }
  }
  if (in == 1 && out == 1 && s.group > 1) {
    depthwise_data_gradient(s, dy, w, steps, bias, dx);
    return;
  }
  // Input pixels of one phase, those whose positions are equal modulo the stride, are reached by the same taps.
  long phase[3];
  for (phase[0] = 0; phase[0] < smaller(s.stride[0], s.in[0]); phase[0]++)
    for (phase[1] = 0; phase[1] < smaller(s.stride[1], s.in[1]); phase[1]++)
      for (phase[2] = 0; phase[2] < smaller(s.stride[2], s.in[2]); phase[2]++) {
        Taps taps(s.taps());
        long first = -1;
        for (long i = 0; i < s.kernel[0]; i++)
          for (long j = 0; j < s.kernel[1]; j++)
            for (long k = 0; k < s.kernel[2]; k++) {
              const long d[3] = {phase[0] + s.pad[0] - i * s.dilation[0], phase[1] + s.pad[1] - j * s.dilation[1],
                                 phase[2] + s.pad[2] - k * s.dilation[2]};
              if (d[0] % s.stride[0] != 0 || d[1] % s.stride[1] != 0 || d[2] % s.stride[2] != 0) continue;
              const long weight = i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2];
              if (first < 0) first = weight;
              taps.add(d[0] / s.stride[0], d[1] / s.stride[1], d[2] / s.stride[2], weight - first);
            }
        for (long g = 0; g < s.group; g++) {
          const T* b = bias == nullptr ? nullptr : bias + g * in;
          if (taps.count == 0) {
            fill_phase(s, phase, b, g * in, in, dx);
            continue;
          }
          const Windows<T> windows = {dy + g * out,
                                      {s.out[0], s.out[1], s.out[2]},
                                      s.out_channels,
                                      s.out[0] * s.out[1] * s.out[2] * s.out_channels,
                                      s.batch,
                                      {divide_up(s.in[0] - phase[0], s.stride[0]),
                                       divide_up(s.in[1] - phase[1], s.stride[1]),
                                       divide_up(s.in[2] - phase[2], s.stride[2])},
                                      {1, 1, 1},
                                      {0, 0, 0},
                                      dx + g * in,
                                      {s.in[0], s.in[1], s.in[2]},
                                      {s.stride[0], s.stride[1], s.stride[2]},
                                      {phase[0], phase[1], phase[2]},
                                      s.in_channels,
                                      taps.data(),
                                      taps.count,
                                      out,
                                      in};
          run(windows, w + g * out * steps.out + first, steps.out, steps.in, b, false);
        }
      }
}

template <class T>
void weight_gradient(const ConvolutionShape& s, const T* x, const T* dy, T* dw, WeightSteps steps) {
  if (by_winograd<T>(s))
    winograd_table<T>()->weight_gradient(s.batch, s.in[1], s.in[2], s.in_channels, s.out_channels, s.pad[1], x, dy, dw,
                                         steps.out, steps.tap[1], steps.tap[2], steps.in);
  else if (s.in_channels == s.group && s.out_channels == s.group && s.group > 1)
    depthwise_weight_gradient(s, x, dy, dw, steps);
  else
    for (long g = 0; g < s.group; g++) group_weight_gradient(s, g, x, dy, dw, steps);
}

template <class T>
void transpose_batch(long batch, long rows, long columns, const T* from, T* to) {
  // Bands of 64 columns fill whole lines of the cache on both sides.
  constexpr long band = 64;
  const long bands = divide_up(columns, band);
  parallel_for(batch * bands, larger(1, 16384 / (rows * band)), [&](long b0, long b1) {
    for (long b = b0; b < b1; b++) {
      const long n = b / bands, j = b % bands * band;
      transpose(rows, smaller(band, columns - j), from + n * rows * columns + j, columns,
                to + n * rows * columns + j * rows, rows);
    }
  });
}

}  // namespace

template <class T>
const ConvolutionTable<T>* convolution_table() {
  static constexpr ConvolutionTable<T> table = {forward<T>, data_gradient<T>, weight_gradient<T>, transpose_batch<T>};
  return &table;
}
template const ConvolutionTable<float>* convolution_table();
template const ConvolutionTable<double>* convolution_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
