#include <pybind11/stl.h>

#include <cstring>

#include "bindings/families.h"
#include "bindings/images.h"
#include "common/threads.h"
#include "kernels/tables/sampling.h"

namespace nnabla {
namespace {

typedef std::vector<py::ssize_t> Shape;

template <class T>
py::array in_c_order(const py::array& x) {
  return py::array_t<T, py::array::c_style | py::array::forcecast>(x);
}

// -- axes mixed anew -----------------------------------------------------------------------------------------

// How axes of arrays are mixed, one after the other; made once for the sizes and arguments of an operator.
class AxisMixtures {
 public:
  // Each a tuple (axis, size before, starts, indices, weights).
  explicit AxisMixtures(const py::list& given) {
    for (py::handle entry : given) {
      const py::tuple tuple = py::cast<py::tuple>(entry);
      if (tuple.size() != 5) throw py::value_error("a mixture is (axis, size, start, index, weight)");
      One one;
      one.axis = tuple[0].cast<int>();
      one.from = tuple[1].cast<long>();
      one.start = tuple[2].cast<std::vector<std::int64_t>>();
      one.index = tuple[3].cast<std::vector<std::int64_t>>();
      one.doubles = tuple[4].cast<std::vector<double>>();
      one.floats.assign(one.doubles.begin(), one.doubles.end());
      check(one);
      all_.push_back(std::move(one));
    }
    if (all_.empty()) throw py::value_error("no axis is mixed");
  }

  // A fresh array that lies as x does.
  py::array apply(py::array x) const {
    if (!is_dense(x)) x = x.attr("copy")();
    return by_type(x, [&](auto zero) -> py::array {
      using T = decltype(zero);
      const int nd = static_cast<int>(x.ndim());
      std::vector<int> order(nd);
      for (int i = 0; i < nd; i++) order[i] = i;
      if (!(x.flags() & py::array::c_style)) order = memory_order(x);
      std::vector<long> size(nd);
      std::vector<int> place(nd);
      for (int i = 0; i < nd; i++) {
        size[i] = x.shape(order[i]);
        place[order[i]] = i;
      }
      int first = nd;
      for (const One& one : all_) {
        if (one.axis >= nd || x.shape(one.axis) != one.from) throw py::value_error("an axis has another size");
        first = std::min(first, place[one.axis]);
      }
      long outer = 1;
      for (int i = 0; i < first; i++) outer *= size[i];
      std::vector<Mixture<T>> mixtures;
      for (const One& one : all_) {
        Mixture<T> m{1, one.from, static_cast<long>(one.start.size()) - 1, 1, one.start.data(), one.index.data(),
                     one.template weights<T>()};
        for (int i = first; i < nd; i++)
          if (i != place[one.axis]) (i < place[one.axis] ? m.lines : m.inner) *= size[i];
        size[place[one.axis]] = m.to;
        mixtures.push_back(m);
      }
      Shape shape(nd), strides(nd);
      py::ssize_t step = sizeof(T);
      for (int i = nd - 1; i >= 0; i--) {
        shape[order[i]] = size[i];
        strides[order[i]] = step;
        step *= size[i];
      }
      py::array y = fresh<T>(shape, strides);
      if (y.size() == 0) return y;
      T* to = mutable_data<T>(y);
      const T* from = data<T>(x);
      MaybeRelease released(std::max(x.size(), y.size()));
      tables<T>().sampling->mix(outer, static_cast<int>(mixtures.size()), mixtures.data(), from, to);
      return y;
    });
  }

 private:
  struct One {
    int axis;
    long from;
    std::vector<std::int64_t> start, index;
    std::vector<double> doubles;
    std::vector<float> floats;

    template <class T>
    const T* weights() const {
      if constexpr (sizeof(T) == sizeof(float))
        return floats.data();
      else
        return doubles.data();
    }
  };

  static void check(const One& one) {
    bool fits = one.axis >= 0 && !one.start.empty() && one.start[0] == 0 && one.index.size() == one.doubles.size();
    for (std::size_t i = 1; fits && i < one.start.size(); i++) fits = one.start[i] >= one.start[i - 1];
    fits = fits && one.start.back() == static_cast<std::int64_t>(one.index.size());
    for (std::int64_t at : one.index) fits = fits && at >= 0 && at < one.from;
    if (!fits) throw py::value_error("the starts, indices and weights of a mixture do not go together");
  }

  std::vector<One> all_;
};

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
    if (positions < 0 || positions > WarpShape::places || x.ndim() < 4 || grid.ndim() != x.ndim() || (nd != 2 && (nd != 3 || flow)) || border < 0 || border > 2 ||
        grid.shape(flow ? 1 : nd + 1) != nd || grid.shape(0) != x.shape(0))
      throw py::value_error("a grid does not fit the images");
    shape = {nd, image.batch, image.channels, {}, 1, 1, static_cast<WarpShape::Positions>(positions), linear, align_corners,
             static_cast<WarpShape::Border>(border), false, false};
    for (int i = 0; i < nd; i++) {
      shape.size[i] = image.size[3 - nd + i];
      const long n = grid.shape(i + (flow ? 2 : 1));
      if (shape.size[i] < 1) throw py::value_error("images have no pixels");
      if (own_size && n != shape.size[i]) throw py::value_error("a flow does not fit the images");
      shape.out *= n;
      shape.out_row = n;
      sizes_[i] = n;
    }
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
      planes_ = in_c_order<T>(x);
    else
      images_ = std::make_unique<Images<T>>(x, w.image);
  }
  const T* ready() { return images_ ? images_->ready() : data<T>(planes_); }

 private:
  py::array planes_;
  std::unique_ptr<Images<T>> images_;
};

py::array warp(const py::array& x, const py::array& grid, int positions_are, bool linear, int border, bool align_corners,
               bool channel_last) {
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
    if (w.shape.planes || channel_last || !lies_channels_last(dy, 1))
      given = in_c_order<T>(dy);
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
  return {image.batch, image.channels, {image.size[1], image.size[2]}, boxes.shape(0), {cells[0], cells[1]},
          {scale[0], scale[1]}, ratio, !channel_last};
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
      valid = tables<T>().sampling->roi_align(s, images.ready(), data<T>(regions), to);
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

// -- places --------------------------------------------------------------------------------------------------

struct Places {
  std::vector<long> from, to;
  py::array index;
  PlacesShape shape;

  Places(py::ssize_t batch, const Shape& sizes, const Shape& lengths, const py::array& given)
      : from(sizes.begin(), sizes.end()), to(lengths.begin(), lengths.end()), index(in_c_order<std::int64_t>(given)) {
    long total = 0;
    for (long n : to) total += n;
    if (from.empty() || from.size() > 64 || from.size() != to.size() || index.ndim() != 2 || index.shape(0) != batch ||
        index.shape(1) != total)
      throw py::value_error("positions do not fit the sizes of the samples");
    const std::int64_t* at = data<std::int64_t>(index);
    for (py::ssize_t b = 0; b < batch; b++)
      for (std::size_t a = 0; a < to.size(); a++)
        for (long i = 0; i < to[a]; i++)
          if (*at++ >= from[a]) throw py::index_error("a position lies outside the samples");
    shape = {static_cast<int>(from.size()), batch, from.data(), to.data(), data<std::int64_t>(index)};
  }

  static long product(const std::vector<long>& sizes) {
    long n = 1;
    for (long size : sizes) n *= size;
    return n;
  }
};

// The elements of samples at positions: x has `base` dimensions of the batch, then those of a sample; `index` is
// (samples, positions of all axes).
py::array take_places(const py::array& x, int base, const py::array& index, const Shape& lengths, double outside) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    if (base < 0 || base > x.ndim()) throw py::value_error("there are no such dimensions of a batch");
    py::ssize_t batch = 1;
    for (int i = 0; i < base; i++) batch *= x.shape(i);
    const Places p(batch, Shape(x.shape() + base, x.shape() + x.ndim()), lengths, index);
    Shape shape(x.shape(), x.shape() + base);
    shape.insert(shape.end(), lengths.begin(), lengths.end());
    const py::array given = in_c_order<T>(x);
    py::array y = fresh<T>(shape);
    if (y.size() == 0) return y;
    T* to = mutable_data<T>(y);
    MaybeRelease released(y.size());
    tables<T>().sampling->take_places(p.shape, data<T>(given), static_cast<T>(outside), to);
    return y;
  });
}

// Its adjoint, for inputs of `shape`.
py::array put_places(const py::array& dy, int base, const py::array& index, const Shape& shape) {
  return by_type(dy, [&](auto zero) -> py::array {
    using T = decltype(zero);
    if (base < 0 || base > dy.ndim() || shape.size() != static_cast<std::size_t>(dy.ndim()))
      throw py::value_error("there are no such dimensions of a batch");
    py::ssize_t batch = 1;
    for (int i = 0; i < base; i++) batch *= shape[i];
    const Places p(batch, Shape(shape.begin() + base, shape.end()), Shape(dy.shape() + base, dy.shape() + dy.ndim()),
                   index);
    const py::array given = in_c_order<T>(dy);
    py::array dx = fresh<T>(shape);
    if (given.size() != batch * Places::product(p.to)) throw py::value_error("a gradient has another batch");
    T* to = mutable_data<T>(dx);
    if (dy.size() == 0) {
      std::fill_n(to, dx.size(), T(0));
      return dx;
    }
    MaybeRelease released(dx.size());
    tables<T>().sampling->put_places(p.shape, data<T>(given), to);
    return dx;
  });
}

// -- rows ----------------------------------------------------------------------------------------------------

// Rows of a table in C order; negative numbers count from the end. None where a number names no row.
py::object rows_of_table(const py::array& index, const py::array& table) {
  if (!holds<std::int64_t>(index) || table.ndim() < 1) return py::none();
  const py::array numbers = in_c_order<std::int64_t>(index);
  const std::int64_t *at = data<std::int64_t>(numbers), rows = table.shape(0);
  const long count = numbers.size();
  for (long i = 0; i < count; i++)
    if (at[i] < -rows || at[i] >= rows) return py::none();
  return by_type(table, [&](auto zero) -> py::object {
    using T = decltype(zero);
    const py::array given = in_c_order<T>(table);
    Shape shape = shape_of(index);
    long row = 1;
    for (int i = 1; i < table.ndim(); i++) {
      shape.push_back(table.shape(i));
      row *= table.shape(i);
    }
    py::array y = fresh<T>(shape);
    T* to = mutable_data<T>(y);
    const T* from = data<T>(given);
    MaybeRelease released(y.size());
    parallel_for(count, std::max(1L, 16384 / std::max(row, 1L)), [&](long begin, long end) {
      for (long i = begin; i < end; i++)
        std::memcpy(to + i * row, from + (at[i] < 0 ? at[i] + rows : at[i]) * row, row * sizeof(T));
    });
    return std::move(y);
  });
}

// -- both signs ----------------------------------------------------------------------------------------------

// The positive part of x and that of -x, side by side along an axis.
py::array both_parts(const py::array& x, int axis) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    if (axis < 0 || axis >= x.ndim()) throw py::value_error("there is no such axis");
    const py::array given = in_c_order<T>(x);
    Shape shape = shape_of(x);
    long outer = 1, inner = 1;
    for (int i = 0; i < x.ndim(); i++) (i < axis ? outer : inner) *= shape[i];
    shape[axis] *= 2;
    py::array y = fresh<T>(shape);
    const T* from = data<T>(given);
    T* to = mutable_data<T>(y);
    MaybeRelease released(y.size());
    for (long o = 0; o < outer; o++, from += inner, to += 2 * inner) {
      // NaN stays.
      for (long i = 0; i < inner; i++) {
        to[i] = from[i] < 0 ? 0 : from[i];
        to[inner + i] = from[i] > 0 ? 0 : -from[i];
      }
    }
    return y;
  });
}

// -- windows -------------------------------------------------------------------------------------------------

SeparableShape separable_shape(const py::array& x, const py::array& vertical, const py::array& horizontal) {
  if (x.ndim() != 4 || vertical.ndim() != 4 || horizontal.ndim() != 4) throw py::value_error("images have 4 dimensions");
  const SeparableShape s{x.shape(0), x.shape(1), {vertical.shape(1), horizontal.shape(1)},
                         {vertical.shape(2), vertical.shape(3)}};
  for (const py::array* k : {&vertical, &horizontal})
    if (k->shape(0) != s.batch || k->shape(2) != s.out[0] || k->shape(3) != s.out[1])
      throw py::value_error("kernels do not fit each other");
  if (x.shape(2) != s.out[0] + s.kernel[0] - 1 || x.shape(3) != s.out[1] + s.kernel[1] - 1)
    throw py::value_error("kernels do not fit the images");
  return s;
}

py::array separable(const py::array& x, const py::array& vertical, const py::array& horizontal) {
  return by_type(x, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const SeparableShape s = separable_shape(x, vertical, horizontal);
    const py::array image = in_c_order<T>(x), down = in_c_order<T>(vertical), across = in_c_order<T>(horizontal);
    py::array y = fresh<T>({s.batch, s.channels, s.out[0], s.out[1]});
    T* to = mutable_data<T>(y);
    MaybeRelease released(y.size() * s.kernel[0]);
    tables<T>().sampling->separable(s, data<T>(image), data<T>(down), data<T>(across), to);
    return y;
  });
}

// A fresh array like another one, or None and null where it is not wanted.
template <class T>
py::object wanted(bool need, const py::array& like, T*& to) {
  to = nullptr;
  if (!need) return py::none();
  py::array made = fresh<T>(shape_of(like));
  to = mutable_data<T>(made);
  return std::move(made);
}

py::tuple separable_gradient(const py::array& x, const py::array& vertical, const py::array& horizontal,
                             const py::array& dy, const std::vector<bool>& need) {
  return by_type(x, [&](auto zero) -> py::tuple {
    using T = decltype(zero);
    const SeparableShape s = separable_shape(x, vertical, horizontal);
    const py::array image = in_c_order<T>(x), down = in_c_order<T>(vertical), across = in_c_order<T>(horizontal);
    const py::array given = in_c_order<T>(dy);
    if (need.size() != 3 || given.size() != s.batch * s.channels * s.out[0] * s.out[1])
      throw py::value_error("a gradient has another shape than the result");
    T* to[3];
    const py::tuple result = py::make_tuple(wanted(need[0], x, to[0]), wanted(need[1], vertical, to[1]),
                                            wanted(need[2], horizontal, to[2]));
    MaybeRelease released(given.size() * s.kernel[0]);
    tables<T>().sampling->separable_gradient(s, data<T>(image), data<T>(down), data<T>(across), data<T>(given), to[0],
                                             to[1], to[2]);
    return result;
  });
}

CorrelationShape correlation_shape(const py::array& x1, const py::array& x2, const Shape& patch, const Shape& shift,
                                   const Shape& patch_step, const Shape& shift_step, const Shape& padding) {
  if (x1.ndim() != 4 || shape_of(x1) != shape_of(x2) || padding.size() != 4) throw py::value_error("images do not fit");
  CorrelationShape s{x1.shape(0), {x1.shape(1), x1.shape(2)}, x1.shape(3), {}, {}, {}, {}, {}, {}, {}};
  for (int i = 0; i < 2; i++) {
    s.patch[i] = patch.at(i), s.shift[i] = shift.at(i);
    s.patch_step[i] = patch_step.at(i), s.shift_step[i] = shift_step.at(i);
    s.pad[i] = padding[2 * i];
    const long room = s.size[i] + padding[2 * i] + padding[2 * i + 1] - s.patch[i];
    if (s.patch[i] < 1 || s.shift[i] < 0 || s.patch_step[i] < 1 || s.shift_step[i] < 1 || room < 0)
      throw py::value_error("patches do not fit the images");
    s.out[i] = room / s.patch_step[i] + 1;
    s.shifts[i] = 2 * s.shift[i] / s.shift_step[i] + 1;
  }
  return s;
}

long correlation_work(const CorrelationShape& s, const py::array& x) { return x.size() * s.shifts[0] * s.shifts[1]; }

py::array correlate(const py::array& x1, const py::array& x2, const Shape& patch, const Shape& shift,
                    const Shape& patch_step, const Shape& shift_step, const Shape& padding) {
  return by_type(x1, [&](auto zero) -> py::array {
    using T = decltype(zero);
    const CorrelationShape s = correlation_shape(x1, x2, patch, shift, patch_step, shift_step, padding);
    const py::array first = in_c_order<T>(x1), second = in_c_order<T>(x2);
    py::array y = fresh<T>({s.batch, s.out[0], s.out[1], s.shifts[0], s.shifts[1]});
    T* to = mutable_data<T>(y);
    MaybeRelease released(correlation_work(s, x1));
    tables<T>().sampling->correlate(s, data<T>(first), data<T>(second), to);
    return y;
  });
}

py::tuple correlate_gradient(const py::array& x1, const py::array& x2, const py::array& dy,
                             const std::vector<bool>& need, const Shape& patch, const Shape& shift,
                             const Shape& patch_step, const Shape& shift_step, const Shape& padding) {
  return by_type(x1, [&](auto zero) -> py::tuple {
    using T = decltype(zero);
    const CorrelationShape s = correlation_shape(x1, x2, patch, shift, patch_step, shift_step, padding);
    const py::array first = in_c_order<T>(x1), second = in_c_order<T>(x2), given = in_c_order<T>(dy);
    if (need.size() != 2 || given.size() != s.batch * s.out[0] * s.out[1] * s.shifts[0] * s.shifts[1])
      throw py::value_error("a gradient has another shape than the result");
    T* to[2];
    const py::tuple result = py::make_tuple(wanted(need[0], x1, to[0]), wanted(need[1], x2, to[1]));
    MaybeRelease released(correlation_work(s, x1));
    tables<T>().sampling->correlate_gradient(s, data<T>(first), data<T>(second), data<T>(given), to[0], to[1]);
    return result;
  });
}

}  // namespace

void bind_sampling(py::module_& m) {
  py::class_<AxisMixtures>(m, "AxisMixtures").def(py::init<const py::list&>()).def("apply", &AxisMixtures::apply);
  m.def("warp", warp);
  m.def("warp_gradient", warp_gradient);
  m.def("affine_grid", affine_grid);
  m.def("affine_grid_gradient", affine_grid_gradient);
  m.def("roi_align", roi_align);
  m.def("roi_align_gradient", roi_align_gradient);
  m.def("take_places", take_places);
  m.def("put_places", put_places);
  m.def("rows_of_table", rows_of_table);
  m.def("both_parts", both_parts);
  m.def("separable", separable);
  m.def("separable_gradient", separable_gradient);
  m.def("correlate", correlate, py::arg("x1"), py::arg("x2"), py::arg("patch"), py::arg("shift"),
        py::arg("patch_step"), py::arg("shift_step"), py::arg("padding"));
  m.def("correlate_gradient", correlate_gradient, py::arg("x1"), py::arg("x2"), py::arg("dy"), py::arg("need"),
        py::arg("patch"), py::arg("shift"), py::arg("patch_step"), py::arg("shift_step"), py::arg("padding"));
}

}  // namespace nnabla
