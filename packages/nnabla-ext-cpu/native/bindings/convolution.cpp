#include <pybind11/stl.h>

#include "bindings/families.h"
#include "bindings/images.h"

namespace nnabla {
namespace {

using Sizes = std::vector<long>;

void place(const Sizes& values, long (&to)[3], long rest) {
  if (values.size() > 3) throw py::value_error("convolutions have at most 3 spatial dimensions");
  for (int a = 0; a < 3; a++) {
    const int at = a - (3 - static_cast<int>(values.size()));
    to[a] = at < 0 ? rest : values[at];
  }
}

// So that no product of these with a size overflows.
constexpr long most = (1L << 31) - 1;

struct Arguments {
  Sizes pad, stride, dilation;
  long group;

  void fill(ConvolutionShape& s, int spatial) const {
    for (const Sizes* given : {&pad, &stride, &dilation})
      if (static_cast<int>(given->size()) != spatial)
        throw py::value_error("convolution: pad, stride and dilation have one number for each spatial dimension");
    place(pad, s.pad, 0);
    place(stride, s.stride, 1);
    place(dilation, s.dilation, 1);
    s.group = group;
    for (int a = 0; a < 3; a++)
      if (s.pad[a] < 0 || s.stride[a] < 1 || s.dilation[a] < 1)
        throw py::value_error("convolution: pad is 0 or more, stride and dilation are 1 or more");
      else if (s.pad[a] > most || s.stride[a] > most || s.dilation[a] > most)
        throw py::value_error("convolution: pad, stride and dilation are below 2^31");
    if (group < 1) throw py::value_error("convolution: group is 1 or more");
  }
};

// The kernel's sizes and the steps of a weight (out, in / group, kernel...) or (out, kernel..., in / group).
template <class T>
WeightSteps weight_steps(const py::array& w, int spatial, bool channel_last, long (&kernel)[3], long& rows,
                         long& per_group) {
  if (w.ndim() != spatial + 2) throw py::value_error("a weight has two dimensions more than there are spatial ones");
  const auto step = [&](int axis) { return static_cast<long>(w.strides(axis) / static_cast<py::ssize_t>(sizeof(T))); };
  const int first = channel_last ? 1 : 2, in = channel_last ? static_cast<int>(w.ndim()) - 1 : 1;
  WeightSteps steps{step(0), step(in), {0, 0, 0}};
  for (int a = 0; a < 3; a++) {
    const int at = a - (3 - spatial);
    kernel[a] = at < 0 ? 1 : w.shape(first + at);
    steps.tap[a] = at < 0 ? 0 : step(first + at);
  }
  rows = w.shape(0);
  per_group = w.shape(in);
  return steps;
}

void check_sizes(const ConvolutionShape& s, long per_group) {
  if (s.in_channels != per_group * s.group || s.out_channels % s.group != 0)
    throw py::value_error("convolution: the weight's channels do not fit the images and groups");
  for (int a = 0; a < 3; a++) {
    const long reach = (s.kernel[a] - 1) * s.dilation[a] + 1;
    if (s.kernel[a] < 1 || s.out[a] < 1 || (s.out[a] - 1) * s.stride[a] + reach > s.in[a] + 2 * s.pad[a])
      throw py::value_error("convolution: the windows do not fit into the images");
  }
}

// The sizes that follow from those of the input.
void input_sizes(ConvolutionShape& s, const ImageShape& image) {
  s.batch = image.batch;
  s.in_channels = image.channels;
  for (int a = 0; a < 3; a++) {
    s.in[a] = image.size[a];
    s.out[a] = (s.in[a] + 2 * s.pad[a] - ((s.kernel[a] - 1) * s.dilation[a] + 1)) / s.stride[a] + 1;
  }
}

template <class T>
py::array same_type(const py::array& x) {
  if (!holds<T>(x)) throw py::type_error("convolution: all arrays must have one dtype");
  bool aligned = true;
  for (int i = 0; i < x.ndim(); i++) aligned = aligned && x.strides(i) % static_cast<py::ssize_t>(sizeof(T)) == 0;
  return aligned ? x : py::array(py::array_t<T, py::array::c_style | py::array::forcecast>(x));
}

template <class T>
const T* bias_of(const py::object& given, long size, MaybeArray& held) {
  if (given.is_none()) return nullptr;
  held = py::array_t<T, py::array::c_style | py::array::forcecast>(same_type<T>(given.cast<py::array>()));
  if (held->size() != size) throw py::value_error("convolution: a bias has one element for each output channel");
  return data<T>(*held);
}

long work(const ConvolutionShape& s) {
  return s.out_pixels() * s.taps() * s.in_channels / s.group * s.out_channels / 16;
}

template <class T>
Memory bias_memory(const T* bias, const ConvolutionShape& s) {
  return {bias, bias == nullptr ? 0 : s.out_channels * sizeof(T)};
}

py::array convolution(const py::array& x, const py::array& weight, const py::object& bias, int base, const Sizes& pad,
                      const Sizes& stride, const Sizes& dilation, long group, bool channel_last, bool rectify) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const ImageShape image = image_shape(x, base, channel_last);
    const py::array w = same_type<T>(weight);
    ConvolutionShape s{};
    Arguments{pad, stride, dilation, group}.fill(s, image.spatial);
    long per_group;
    const WeightSteps steps = weight_steps<T>(w, image.spatial, channel_last, s.kernel, s.out_channels, per_group);
    input_sizes(s, image);
    check_sizes(s, per_group);
    MaybeArray held;
    const T* b = bias_of<T>(bias, s.out_channels, held);
    py::array y = fresh_images<T>(x, image, s.out_channels, s.out);
    Images<T> images(x, image);
    T* to = mutable_data<T>(y);
    const T* from = data<T>(w);
    perform_rectifiable(work(s), to, y.size(), rectify, {extent(x), extent(w), bias_memory(b, s)},
                        [=, pixels = Pixels<T>(images)](T* at, bool rectified) {
                          tables<T>().convolution->forward(s, ChannelsLast<T>(pixels), from, steps, b, rectified, at);
                        });
    return y;
  });
}

std::string algorithm(const py::array& x, const py::array& weight, int base, const Sizes& pad, const Sizes& stride,
                      const Sizes& dilation, long group, bool channel_last) {
  return by_type(x, [&](auto zero) -> std::string {
    using T = decltype(zero);
    ConvolutionShape s{};
    const ImageShape image = image_shape(x, base, channel_last);
    Arguments{pad, stride, dilation, group}.fill(s, image.spatial);
    long per_group;
    weight_steps<T>(same_type<T>(weight), image.spatial, channel_last, s.kernel, s.out_channels, per_group);
    input_sizes(s, image);
    check_sizes(s, per_group);
    return tables<T>().convolution->algorithm(s);
  });
}

// A convolution whose weights do not change: they are arranged once, for images of one size.
class PackedConvolution {
 public:
  PackedConvolution(const py::array& x, const py::array& weight, const py::object& bias, int base, const Sizes& pad,
                    const Sizes& stride, const Sizes& dilation, long group, bool channel_last)
      : image_(image_shape(x, base, channel_last)), shape_of_x_(shape_of(x)), single_(holds<float>(x)) {
    by_type(x, [&](auto zero) {
      using T = decltype(zero);
      const py::array w = same_type<T>(weight);
      Arguments{pad, stride, dilation, group}.fill(shape_, image_.spatial);
      long per_group;
      const WeightSteps steps =
          weight_steps<T>(w, image_.spatial, channel_last, shape_.kernel, shape_.out_channels, per_group);
      input_sizes(shape_, image_);
      check_sizes(shape_, per_group);
      MaybeArray held;
      if (const T* b = bias_of<T>(bias, shape_.out_channels, held)) {
        bias_ = fresh<T>({shape_.out_channels});
        std::copy(b, b + shape_.out_channels, mutable_data<T>(bias_));
        biased_ = true;
      }
      const ConvolutionTable<T>& table = *tables<T>().convolution;
      packed_ = fresh<T>({table.packed_size(shape_)});
      table.pack(shape_, data<T>(w), steps, mutable_data<T>(packed_));
      target_ = &target();
    });
  }

  // The convolution of x, or None if it is not of the sizes and dtype, or kernels not those, that weights are packed
  // for.
  py::object run(const py::array& x, bool rectify) const {
    if (shape_of(x) != shape_of_x_ || !(single_ ? holds<float>(x) : holds<double>(x)) || target_ != &target())
      return py::none();
    return by_type(x, [&](auto zero) -> py::object {
      using T = decltype(zero);
      py::array y = fresh_images<T>(x, image_, shape_.out_channels, shape_.out);
      Images<T> images(x, image_);
      T* to = mutable_data<T>(y);
      const T *w = data<T>(packed_), *b = biased_ ? data<T>(bias_) : nullptr;
      perform(work(shape_), [=, s = shape_, pixels = Pixels<T>(images)] {
        tables<T>().convolution->forward_packed(s, ChannelsLast<T>(pixels), w, b, rectify, to);
      });
      return y;
    });
  }

 private:
  ImageShape image_;
  std::vector<py::ssize_t> shape_of_x_;
  bool single_, biased_ = false;
  ConvolutionShape shape_{};
  py::array packed_, bias_;
  const Target* target_ = nullptr;
};

py::array data_gradient(const py::array& dy, const py::array& weight, const py::object& bias, int base,
                        const Sizes& sizes, const Sizes& pad, const Sizes& stride, const Sizes& dilation, long group,
                        bool channel_last) {
  return by_type(dy, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const ImageShape image = image_shape(dy, base, channel_last);
    const py::array w = same_type<T>(weight);
    ConvolutionShape s{};
    Arguments{pad, stride, dilation, group}.fill(s, image.spatial);
    long per_group;
    const WeightSteps steps = weight_steps<T>(w, image.spatial, channel_last, s.kernel, s.out_channels, per_group);
    if (s.out_channels != image.channels) throw py::value_error("deconvolution: weight and images differ in channels");
    s.batch = image.batch;
    s.in_channels = per_group * group;
    if (static_cast<int>(sizes.size()) != image.spatial)
      throw py::value_error("deconvolution: an output has as many spatial dimensions as the images");
    place(sizes, s.in, 1);
    for (int a = 0; a < 3; a++) {
      s.out[a] = image.size[a];
      if (s.in[a] < 1) throw py::value_error("deconvolution: nothing is left of the output");
    }
    check_sizes(s, per_group);
    MaybeArray held;
    const T* b = bias_of<T>(bias, s.in_channels, held);
    py::array dx = fresh_images<T>(dy, image, s.in_channels, s.in);
    Images<T> images(dy, image);
    T* to = mutable_data<T>(dx);
    const T* from = data<T>(w);
    perform(work(s), [=, pixels = Pixels<T>(images)] {
      tables<T>().convolution->data_gradient(s, ChannelsLast<T>(pixels), from, steps, b, to);
    });
    return dx;
  });
}

py::array weight_gradient(const py::array& x, const py::array& dy, const Sizes& kernel, int base, const Sizes& pad,
                          const Sizes& stride, const Sizes& dilation, long group, bool channel_last) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const py::array seeds = same_type<T>(dy);
    const ImageShape image = image_shape(x, base, channel_last), out = image_shape(seeds, base, channel_last);
    if (image.batch != out.batch || image.spatial != out.spatial)
      throw py::value_error("convolution: input and output gradient differ in their batch or dimensions");
    ConvolutionShape s{};
    Arguments{pad, stride, dilation, group}.fill(s, image.spatial);
    if (static_cast<int>(kernel.size()) != image.spatial)
      throw py::value_error("convolution: a kernel has as many spatial dimensions as the images");
    place(kernel, s.kernel, 1);
    s.batch = image.batch;
    s.in_channels = image.channels;
    s.out_channels = out.channels;
    if (s.in_channels % group != 0) throw py::value_error("convolution: groups do not divide the channels");
    for (int a = 0; a < 3; a++) {
      s.in[a] = image.size[a];
      s.out[a] = out.size[a];
    }
    check_sizes(s, s.in_channels / group);
    std::vector<py::ssize_t> shape = {s.out_channels};
    if (!channel_last) shape.push_back(s.in_channels / group);
    for (long k : kernel) shape.push_back(k);
    if (channel_last) shape.push_back(s.in_channels / group);
    py::array dw = fresh<T>(shape);
    long unused[3], rows, per_group;
    const WeightSteps steps = weight_steps<T>(dw, image.spatial, channel_last, unused, rows, per_group);
    Images<T> images(x, image), gradients(seeds, out);
    T* to = mutable_data<T>(dw);
    perform(work(s), [=, pixels = Pixels<T>(images), seed = Pixels<T>(gradients)] {
      tables<T>().convolution->weight_gradient(s, ChannelsLast<T>(pixels), ChannelsLast<T>(seed), to, steps);
    });
    return dw;
  });
}

}  // namespace

void bind_convolution(py::module_& m) {
  m.def("convolution", convolution, py::arg("x"), py::arg("weight"), py::arg("bias"), py::arg("base_axis"),
        py::arg("pad"), py::arg("stride"), py::arg("dilation"), py::arg("group"), py::arg("channel_last"),
        py::arg("rectify") = false);
  m.def("convolution_algorithm", algorithm);
  py::class_<PackedConvolution>(m, "PackedConvolution")
      .def(py::init<const py::array&, const py::array&, const py::object&, int, const Sizes&, const Sizes&,
                    const Sizes&, long, bool>())
      .def("run", &PackedConvolution::run);
  m.def("convolution_data_gradient", data_gradient);
  m.def("convolution_weight_gradient", weight_gradient);
}

}  // namespace nnabla
