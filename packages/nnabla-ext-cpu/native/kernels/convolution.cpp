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

// Weights as they are given, with the steps of depth and columns, or packed already.
template <class T>
struct Weight {
  const T* at;
  long depth_step, column_step;
  const T* packed;
};

template <class T>
bool narrow(const Windows<T>& w) {
  return w.columns <= lanes<T>;
}

// Run with panels as wide as the result has use for.
template <class T>
void run(const Windows<T>& w, const Weight<T>& weight, const T* bias, bool rectify) {
  // Panels read a bias in full width.
  const long padded = round_up(w.columns, tile_columns<T>);
  const Scratch<T> full(padded);
  if (bias != nullptr) {
    std::memcpy(full, bias, w.columns * sizeof(T));
    std::memset(full + w.columns, 0, (padded - w.columns) * sizeof(T));
  }
  const Epilogue<T> epilogue{bias == nullptr ? nullptr : full.data(), rectify};
  if (narrow(w))
    gather_convolution<T, 1>(w, weight.at, weight.depth_step, weight.column_step, weight.packed, epilogue);
  else
    gather_convolution<T, tile_vectors>(w, weight.at, weight.depth_step, weight.column_step, weight.packed, epilogue);
}

template <class T>
long packed_windows(const Windows<T>& w) {
  return narrow(w) ? panels_size<T, 1>(w) : panels_size<T, tile_vectors>(w);
}

template <class T>
void pack_windows(const Windows<T>& w, const T* weight, long depth_step, long column_step, T* to) {
  if (narrow(w))
    pack_panels<T, 1>(w, weight, depth_step, column_step, thread_count(), to);
  else
    pack_panels<T, tile_vectors>(w, weight, depth_step, column_step, thread_count(), to);
}

// Few channels: the columns of a kernel's row and their channels are contiguous in an image without need for padding,
// so a whole row is one tap. Images are copied with their padding first, where they have one.
template <class T>
class ByRows {
 public:
  explicit ByRows(const ConvolutionShape& s)
      : shape_(s), rows_(s.kernel[0] * s.kernel[1]), depth_(s.kernel[2] * s.in_channels), taps_(rows_) {
    for (long i = 0; i < s.kernel[0]; i++)
      for (long j = 0; j < s.kernel[1]; j++)
        taps_.add(i * s.dilation[0], j * s.dilation[1], 0, (i * s.kernel[1] + j) * depth_);
  }

  long packed_size() const { return packed_windows(windows(nullptr, nullptr)); }

  void pack(const T* w, WeightSteps steps, T* to) const {
    const Scratch<T> weight(shape_.out_channels * rows_ * depth_);
    arrange(w, steps, weight.data());
    pack_windows(windows(nullptr, nullptr), weight.data(), 1, rows_ * depth_, to);
  }

  void run(const T* x, const T* w, WeightSteps steps, const T* packed, const T* bias, bool rectify, T* y) const {
    const PaddedImages<T> images(shape_, x);
    const Scratch<T> weight(packed == nullptr ? shape_.out_channels * rows_ * depth_ : 1);
    if (packed == nullptr) arrange(w, steps, weight.data());
    Windows<T> all = windows(images.source, y);
    for (int a = 0; a < 3; a++) all.source_size[a] = images.size[a];
    all.image = images.image;
    NNABLA_TARGET::run<T>(all, {weight.data(), 1, rows_ * depth_, packed}, bias, rectify);
  }

 private:
  Windows<T> windows(const T* x, T* y) const {
    const ConvolutionShape& s = shape_;
    return {x,
            {0, 0, 0},
            s.in_channels,
            0,
            s.batch,
            {s.out[0], s.out[1], s.out[2]},
            {s.stride[0], s.stride[1], s.stride[2]},
            {0, 0, 0},
            y,
            {s.out[0], s.out[1], s.out[2]},
            {1, 1, 1},
            {0, 0, 0},
            s.out_channels,
            taps_.data(),
            taps_.count,
            depth_,
            s.out_channels};
  }

  // Weights by [out][kernel row][kernel column][channel].
  void arrange(const T* w, WeightSteps steps, T* to) const {
    for (long o = 0; o < shape_.out_channels; o++)
      for (long i = 0; i < shape_.kernel[0]; i++)
        for (long j = 0; j < shape_.kernel[1]; j++)
          for (long k = 0; k < shape_.kernel[2]; k++)
            for (long c = 0; c < shape_.in_channels; c++)
              *to++ = w[o * steps.out + c * steps.in + i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2]];
  }

  const ConvolutionShape& shape_;
  long rows_, depth_;
  Taps taps_;
};

// A tap for each element of the kernel, group by group.
template <class T>
class ByTaps {
 public:
  ByTaps(const ConvolutionShape& s, WeightSteps steps)
      : shape_(s), steps_(steps), in_(s.in_channels / s.group), out_(s.out_channels / s.group), taps_(s.taps()) {
    for (long i = 0; i < s.kernel[0]; i++)
      for (long j = 0; j < s.kernel[1]; j++)
        for (long k = 0; k < s.kernel[2]; k++)
          taps_.add(i * s.dilation[0], j * s.dilation[1], k * s.dilation[2],
                    i * steps.tap[0] + j * steps.tap[1] + k * steps.tap[2]);
  }

  long packed_size() const { return shape_.group * packed_windows(windows(0, nullptr, nullptr)); }

  void pack(const T* w, T* to) const {
    const long size = packed_windows(windows(0, nullptr, nullptr));
    for (long g = 0; g < shape_.group; g++)
      pack_windows(windows(g, nullptr, nullptr), w + g * out_ * steps_.out, steps_.in, steps_.out, to + g * size);
  }

  void run(const T* x, const T* w, const T* packed, const T* bias, bool rectify, T* y) const {
    const long size = packed == nullptr ? 0 : packed_windows(windows(0, nullptr, nullptr));
    for (long g = 0; g < shape_.group; g++) {
      const Weight<T> weight = {packed == nullptr ? w + g * out_ * steps_.out : nullptr, steps_.in, steps_.out,
                                packed == nullptr ? nullptr : packed + g * size};
      NNABLA_TARGET::run(windows(g, x, y), weight, bias == nullptr ? nullptr : bias + g * out_, rectify);
    }
  }

 private:
  Windows<T> windows(long g, const T* x, T* y) const {
    const ConvolutionShape& s = shape_;
    return {x == nullptr ? nullptr : x + g * in_,
            {s.in[0], s.in[1], s.in[2]},
            s.in_channels,
            s.in[0] * s.in[1] * s.in[2] * s.in_channels,
            s.batch,
            {s.out[0], s.out[1], s.out[2]},
            {s.stride[0], s.stride[1], s.stride[2]},
            {-s.pad[0], -s.pad[1], -s.pad[2]},
            y == nullptr ? nullptr : y + g * out_,
            {s.out[0], s.out[1], s.out[2]},
            {1, 1, 1},
            {0, 0, 0},
            s.out_channels,
            taps_.data(),
            taps_.count,
            in_,
            out_};
  }

  const ConvolutionShape& shape_;
  WeightSteps steps_;
  long in_, out_;
  Taps taps_;
};

// Whether Winograd's algorithm computes it, and is ahead.
template <class T>
bool by_winograd(const ConvolutionShape& s) {
  if (sizeof(T) != sizeof(float) || s.group != 1 || s.kernel[0] != 1 || s.in[0] != 1 || s.kernel[1] != 3 ||
      s.kernel[2] != 3)
    return false;
  if (s.pad[0] != 0 || s.pad[1] != s.pad[2] || s.pad[1] > 2) return false;
  for (int a = 1; a < 3; a++)
    if (s.stride[a] != 1 || s.dilation[a] != 1 || s.out[a] != s.in[a] + 2 * s.pad[a] - 2) return false;
  return winograd_enabled() && winograd_table<T>()->pays(s.batch, s.out[1], s.out[2], s.in_channels, s.out_channels);
}

inline bool depthwise(const ConvolutionShape& s) {
  return s.in_channels == s.group && s.out_channels == s.group && s.group > 1;
}

template <class T>
void forward(const ConvolutionShape& s, const T* x, const T* w, WeightSteps steps, const T* bias, bool rectify, T* y) {
  if (depthwise(s))
    depthwise_forward(s, x, w, steps, bias, rectify, y);
  else if (by_winograd<T>(s))
    winograd_table<T>()->forward(s.batch, s.in[1], s.in[2], s.in_channels, s.out_channels, s.pad[1], x, w, steps.out,
                                 steps.tap[1], steps.tap[2], steps.in, bias, rectify, y);
  else if (rows_as_taps(s))
    ByRows<T>(s).run(x, w, steps, nullptr, bias, rectify, y);
  else
    ByTaps<T>(s, steps).run(x, w, nullptr, bias, rectify, y);
}

template <class T>
const char* algorithm(const ConvolutionShape& s) {
  if (depthwise(s)) return "channel by channel";
  if (by_winograd<T>(s)) return "Winograd";
  return rows_as_taps(s) ? "direct, by rows" : "direct";
}

// Packed weights begin with a line that tells by which algorithm.
template <class T>
constexpr long header = 64 / sizeof(T);

template <class T>
long packed_size(const ConvolutionShape& s) {
  if (depthwise(s)) return header<T> + s.taps() * s.group;
  if (by_winograd<T>(s)) return header<T> + winograd_table<T>()->transformed_size(s.in_channels, s.out_channels);
  return header<T> + (rows_as_taps(s) ? ByRows<T>(s).packed_size() : ByTaps<T>(s, {}).packed_size());
}

template <class T>
void pack(const ConvolutionShape& s, const T* w, WeightSteps steps, T* packed) {
  T* to = packed + header<T>;
  packed[0] = 0;
  if (depthwise(s)) {
    depthwise_weights(s, w, steps, to);
  } else if (by_winograd<T>(s)) {
    packed[0] = 1;
    winograd_table<T>()->transform(s.in_channels, s.out_channels, w, steps.out, steps.tap[1], steps.tap[2], steps.in,
                                   to);
  } else if (rows_as_taps(s)) {
    ByRows<T>(s).pack(w, steps, to);
  } else {
    ByTaps<T>(s, steps).pack(w, to);
  }
}

template <class T>
void forward_packed(const ConvolutionShape& s, const T* x, const T* packed, const T* bias, bool rectify, T* y) {
  const T* w = packed + header<T>;
  if (depthwise(s))
    depthwise_with(s, x, w, bias, rectify, y);
  else if (packed[0] == 1)
    winograd_table<T>()->forward_transformed(s.batch, s.in[1], s.in[2], s.in_channels, s.out_channels, s.pad[1], x, w,
                                             bias, rectify, y);
  else if (rows_as_taps(s))
    ByRows<T>(s).run(x, nullptr, {}, w, bias, rectify, y);
  else
    ByTaps<T>(s, {}).run(x, nullptr, w, bias, rectify, y);
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
          const Windows<T> windows = {
              dy + g * out,
              {s.out[0], s.out[1], s.out[2]},
              s.out_channels,
              s.out[0] * s.out[1] * s.out[2] * s.out_channels,
              s.batch,
              {divide_up(s.in[0] - phase[0], s.stride[0]), divide_up(s.in[1] - phase[1], s.stride[1]),
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
          run<T>(windows, {w + g * out * steps.out + first, steps.out, steps.in, nullptr}, b, false);
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
  static constexpr ConvolutionTable<T> table = {
      forward<T>,        algorithm<T>,     packed_size<T>,     pack<T>,
      forward_packed<T>, data_gradient<T>, weight_gradient<T>, transpose_batch<T>};
  return &table;
}
template const ConvolutionTable<float>* convolution_table();
template const ConvolutionTable<double>* convolution_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
