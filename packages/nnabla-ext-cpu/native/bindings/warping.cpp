// Images sampled at positions, grids of positions, and pooled regions.
#include <pybind11/stl.h>

#include "bindings/families.h"
#include "bindings/images.h"
#include "kernels/tables/sampling.h"

namespace nnabla {
namespace {

typedef std::vector<py::ssize_t> Shape;

// -- warping -------------------------------------------------------------------------------------------------

// Fewer channels than this are warped plane by plane.
constexpr long few_channels = 4;

struct Warp {
  WarpShape shape;
  ImageShape image;
  bool turned;  // images are channels first in memory, and their pixels are gathered

  Warp(const py::array& x, const py::array& grid, int positions, bool linear, int border, bool align_corners,
       bool channel_last)
      : image(image_shape(x, 1, channel_last)) {
    const int nd = image.spatial;
    const bool flow = positions != WarpShape::grid, own_size = positions == WarpShape::flow;
    if (positions < 0 || positions > WarpShape::places || border < 0 || border > 2)
      throw py::value_error("there are no such positions or borders");
    if (x.ndim() < 4 || grid.ndim() != x.ndim() || (nd != 2 && (nd != 3 || flow)) ||
        grid.shape(flow ? 1 : nd + 1) != nd || grid.shape(0) != x.shape(0))
      throw py::value_error("a grid does not fit the images");
    shape = {nd,
             image.batch,
             image.channels,
             {},
             1,
             1,
             static_cast<WarpShape::Positions>(positions),
             linear,
             align_corners,
             static_cast<WarpShape::Border>(border),
             false,
             false};
    for (int i = 0; i < nd; i++) {
      shape.size[i] = image.size[3 - nd + i];
      const long n = grid.shape(i + (flow ? 2 : 1));
      if (shape.size[i] < 1) throw py::value_error("images have no pixels");
      if (own_size && n != shape.size[i]) throw py::value_error("a flow does not fit the images");
      shape.out *= n;
      shape.out_row = n;
      sizes_[i] = n;
    }
    if (shape.pixels() > INT32_MAX) throw py::value_error("images of more than 2147483647 pixels cannot be warped");
    turned = !channel_last && !lies_channels_last(x, 1);
    shape.planes = turned && image.channels < few_channels;
    shape.out_planes = turned;
  }

  // Fresh images of the size of the result.
  template <class T>
  py::array result(const py::array& x) const {
    if (!turned) {
      long size[3] = {1, 1, 1};
      for (int i = 0; i < shape.nd; i++) size[3 - shape.nd + i] = sizes_[i];
      return fresh_images<T>(x, image, image.channels, size);
    }
    Shape out = {x.shape(0), x.shape(1)};
    for (int i = 0; i < shape.nd; i++) out.push_back(sizes_[i]);
    return fresh<T>(out);
  }

  long work() const { return image.batch * image.channels * (shape.out + shape.pixels()); }

 private:
  long sizes_[3];
};

// The images as a warp takes them: planes as they are, else pixel by pixel.
template <class T>
class WarpImages {
 public:
  WarpImages(const py::array& x, const Warp& w) {
    if (w.shape.planes)
      at_ = data<T>(planes_.emplace(in_c_order<T>(x)));
    else
      images_.emplace(x, w.image);
  }
  // The GIL is not needed.
  const T* ready() {
    if (images_.has_value()) at_ = ready_.emplace(*images_);
    return at_;
  }

 private:
  MaybeArray planes_;
  std::optional<Images<T>> images_;
  std::optional<ChannelsLast<T>> ready_;
  const T* at_ = nullptr;
};

py::array warp(const py::array& x, const py::array& grid, int positions_are, bool linear, int border,
               bool align_corners, bool channel_last) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const Warp w(x, grid, positions_are, linear, border, align_corners, channel_last);
    const py::array positions = in_c_order<T>(grid);
    py::array y = w.result<T>(x);
    WarpImages<T> images(x, w);
    T* to = mutable_data<T>(y);
    const T* at = data<T>(positions);
    MaybeRelease released(w.work());
    tables<T>().sampling->warp(w.shape, images.ready(), at, to);
    return y;
  });
}

// The gradients by images and grid, None for what is not wanted.
py::tuple warp_gradient(const py::array& x, const py::array& grid, const py::array& dy, bool need_x, bool need_grid,
                        int positions_are, bool linear, int border, bool align_corners, bool channel_last) {
  return by_type(x, [&](auto zero) -> py::tuple {
    using T = decltype(zero);
    Warp w(x, grid, positions_are, linear, border, align_corners, channel_last);
    const py::array positions = in_c_order<T>(grid);
    py::array given = dy, dx, dgrid;
    if (w.shape.planes || channel_last || !lies_channels_last(dy, 1)) given = in_c_order<T>(dy);
    w.shape.out_planes = !channel_last && (w.shape.planes || !lies_channels_last(dy, 1));
    if (given.size() != w.image.batch * w.image.channels * w.shape.out)
      throw py::value_error("a gradient has another shape than the result");
    std::unique_ptr<Scratch<T>> pixels;
    T *to = nullptr, *turned = nullptr, *to_grid = nullptr;
    const bool turn = w.turned && !w.shape.planes;
    if (need_x) {
      dx = w.turned ? fresh<T>(shape_of(x)) : fresh_images<T>(x, w.image, w.image.channels, w.image.size);
      to = mutable_data<T>(dx);
      if (turn) pixels = std::make_unique<Scratch<T>>(std::max<long>(dx.size(), 1));
      turned = turn ? pixels->data() : to;
    }
    if (need_grid) {
      dgrid = fresh<T>(shape_of(grid));
      to_grid = mutable_data<T>(dgrid);
    }
    WarpImages<T> images(x, w);
    const T *at = data<T>(positions), *from = data<T>(given);
    {
      MaybeRelease released(w.work());
      tables<T>().sampling->warp_gradient(w.shape, images.ready(), at, from, turned, to_grid);
      if (need_x && turn)
        tables<T>().convolution->transpose(w.image.batch, w.image.pixels(), w.image.channels, turned, to);
    }
    return py::make_tuple(need_x ? py::object(dx) : py::none(), need_grid ? py::object(dgrid) : py::none());
  });
}

// -- grids of affine maps ------------------------------------------------------------------------------------

std::vector<double> coordinates(long n, bool align_corners) {
  std::vector<double> line(n);
  for (long i = 0; i < n; i++)
    line[i] = !align_corners ? (2.0 * i + 1.0) / n - 1.0 : n > 1 ? 2.0 * i / (n - 1) - 1.0 : 0.0;
  return line;
}

// The sizes of a grid with three dimensions, the first of them 1 where there are two.
struct GridSize {
  int nd;
  long size[3] = {1, 1, 1};

  explicit GridSize(const Shape& given) : nd(static_cast<int>(given.size())) {
    if (nd != 2 && nd != 3) throw py::value_error("a grid has 2 or 3 dimensions");
    for (int i = 0; i < nd; i++) size[3 - nd + i] = given[i];
  }
};

py::array affine_grid(const py::array& theta, const Shape& size, bool align_corners) {
  return by_type(theta, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const GridSize g(size);
    if (theta.ndim() != 3 || theta.shape(1) != g.nd || theta.shape(2) != g.nd + 1)
      throw py::value_error("matrices do not fit the size of a grid");
    const py::array matrices = in_c_order<T>(theta);
    const int nd = g.nd;
    Shape shape = {theta.shape(0)};
    shape.insert(shape.end(), size.begin(), size.end());
    shape.push_back(nd);
    py::array y = fresh<T>(shape);
    std::vector<double> line[3];
    for (int a = 0; a < 3; a++) line[a] = coordinates(g.size[a], align_corners);
    const std::vector<T> columns(line[2].begin(), line[2].end());
    T* to = mutable_data<T>(y);
    MaybeRelease released(y.size());
    for (long b = 0; b < theta.shape(0); b++) {
      const T* m = data<T>(matrices) + b * nd * (nd + 1);
      for (long z = 0; z < g.size[0]; z++) {
        for (long r = 0; r < g.size[1]; r++) {
          T start[3], step[3];
          for (int j = 0; j < nd; j++) {
            const T* row = m + j * (nd + 1);
            start[j] = row[nd];
            if (nd == 3) start[j] += row[2] * static_cast<T>(line[0][z]);
            start[j] += row[1] * static_cast<T>(line[1][r]);
            step[j] = row[0];
          }
          if (nd == 2) {
            for (long c = 0; c < g.size[2]; c++) {
              to[2 * c] = start[0] + step[0] * columns[c];
              to[2 * c + 1] = start[1] + step[1] * columns[c];
            }
          } else {
            for (long c = 0; c < g.size[2]; c++)
              for (int j = 0; j < 3; j++) to[3 * c + j] = start[j] + step[j] * columns[c];
          }
          to += nd * g.size[2];
        }
      }
    }
    return y;
  });
}

py::array affine_grid_gradient(const py::array& dgrid, const Shape& size, bool align_corners) {
  return by_type(dgrid, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const GridSize g(size);
    const py::array given = in_c_order<T>(dgrid);
    const int nd = g.nd;
    py::array y = fresh<T>({dgrid.shape(0), nd, nd + 1});
    if (given.size() != dgrid.shape(0) * g.size[0] * g.size[1] * g.size[2] * nd)
      throw py::value_error("a gradient has another shape than the grid");
    std::vector<double> line[3];
    for (int a = 0; a < 3; a++) line[a] = coordinates(g.size[a], align_corners);
    T* to = mutable_data<T>(y);
    const T* from = data<T>(given);
    MaybeRelease released(given.size());
    for (long b = 0; b < dgrid.shape(0); b++) {
      double sums[3][4] = {};
      for (long z = 0; z < g.size[0]; z++) {
        for (long r = 0; r < g.size[1]; r++) {
          double plain[3] = {}, across[3] = {};
          for (long c = 0; c < g.size[2]; c++)
            for (int j = 0; j < nd; j++) {
              plain[j] += from[c * nd + j];
              across[j] += from[c * nd + j] * line[2][c];
            }
          from += nd * g.size[2];
          for (int j = 0; j < nd; j++) {
            sums[j][0] += across[j];
            sums[j][1] += plain[j] * line[1][r];
            if (nd == 3) sums[j][2] += plain[j] * line[0][z];
            sums[j][nd] += plain[j];
          }
        }
      }
      for (int j = 0; j < nd; j++)
        for (int i = 0; i <= nd; i++) *to++ = static_cast<T>(sums[j][i]);
    }
    return y;
  });
}

// -- regions -------------------------------------------------------------------------------------------------

RoiShape roi_shape(const ImageShape& image, const py::array& boxes, const Shape& cells,
                   const std::vector<double>& scale, long ratio, bool channel_last) {
  if (image.spatial != 2 || boxes.ndim() != 2 || boxes.shape(1) != 5 || cells.size() != 2 || scale.size() != 2)
    throw py::value_error("boxes, cells and scales do not fit the images");
  if (cells[0] < 1 || cells[1] < 1 || image.size[1] < 1 || image.size[2] < 1)
    throw py::value_error("there are no cells or no pixels");
  return {image.batch,    image.channels,       {image.size[1], image.size[2]},
          boxes.shape(0), {cells[0], cells[1]}, {scale[0], scale[1]},
          ratio,          !channel_last};
}

// None where a box is not finite or names no image.
py::object roi_align(const py::array& x, const py::array& boxes, const Shape& cells, const std::vector<double>& scale,
                     long ratio, bool channel_last) {
  return by_type(x, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const ImageShape image = image_shape(x, 1, channel_last);
    const RoiShape s = roi_shape(image, boxes, cells, scale, ratio, channel_last);
    const py::array regions = in_c_order<T>(boxes);
    py::array y = channel_last ? fresh<T>({s.rois, cells[0], cells[1], s.channels})
                               : fresh<T>({s.rois, s.channels, cells[0], cells[1]});
    Images<T> images(x, image);
    T* to = mutable_data<T>(y);
    bool valid;
    {
      MaybeRelease released(x.size() + y.size());
      valid = tables<T>().sampling->roi_align(s, ChannelsLast<T>(images), data<T>(regions), to);
    }
    if (!valid) return py::none();
    return std::move(y);
  });
}

py::object roi_align_gradient(const py::array& dy, const py::array& boxes, const Shape& shape, const Shape& cells,
                              const std::vector<double>& scale, long ratio, bool channel_last) {
  return by_type(dy, [&](auto zero) -> py::object {
    using T = decltype(zero);
    py::array dx = fresh<T>(shape);
    const ImageShape image = image_shape(dx, 1, channel_last);
    const RoiShape s = roi_shape(image, boxes, cells, scale, ratio, channel_last);
    const py::array regions = in_c_order<T>(boxes), given = in_c_order<T>(dy);
    if (given.size() != s.rois * s.channels * cells[0] * cells[1])
      throw py::value_error("a gradient has another shape than the result");
    const bool turn = !channel_last && image.channels > 1;
    std::unique_ptr<Scratch<T>> pixels;
    if (turn) pixels = std::make_unique<Scratch<T>>(std::max<long>(dx.size(), 1));
    T* to = mutable_data<T>(dx);
    bool valid;
    {
      MaybeRelease released(dx.size() + dy.size());
      valid = tables<T>().sampling->roi_align_gradient(s, data<T>(given), data<T>(regions), turn ? pixels->data() : to);
      if (valid && turn) tables<T>().convolution->transpose(s.batch, image.pixels(), s.channels, *pixels, to);
    }
    if (!valid) return py::none();
    return std::move(dx);
  });
}

}  // namespace

void bind_warping(py::module_& m) {
  m.def("warp", warp);
  m.def("warp_gradient", warp_gradient);
  m.def("affine_grid", affine_grid);
  m.def("affine_grid_gradient", affine_grid_gradient);
  m.def("roi_align", roi_align);
  m.def("roi_align_gradient", roi_align_gradient);
}

}  // namespace nnabla
