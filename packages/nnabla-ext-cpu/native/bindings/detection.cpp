// Suppression of boxes that overlap with better ones.
#include <cstdint>
#include <numeric>

#include "bindings/arrays.h"
#include "bindings/families.h"

namespace nnabla {
namespace {

template <class T>
struct Box {
  T low[2], high[2];

  T area() const { return (high[0] - low[0]) * (high[1] - low[1]); }
};

// Whether the intersection of two boxes over their union is above a threshold.
template <class T>
bool overlap(const Box<T>& a, const Box<T>& b, T threshold) {
  T common = 1;
  for (int i = 0; i < 2; i++) {
    const T side = std::min(a.high[i], b.high[i]) - std::max(a.low[i], b.low[i]);
    common *= side > 0 ? side : 0;
  }
  const T both = a.area() + b.area() - common;
  return common / (both > 0 ? both : 1) > threshold;
}

// Numbers of the boxes that stay among those with a score above `least` (or at least that), best first; of equals the
// first is better.
template <class T>
class Suppression {
 public:
  Suppression(const Box<T>* boxes, long n, T threshold) : boxes_(boxes), n_(n), threshold_(threshold) {}

  const std::vector<long>& stay(const T* scores, T least, bool or_equal, std::size_t most) {
    order_.clear();
    for (long i = 0; i < n_; i++)
      if (scores[i] > least || (or_equal && scores[i] == least)) order_.push_back(i);
    std::stable_sort(order_.begin(), order_.end(), [&](long a, long b) { return scores[a] > scores[b]; });
    kept_.clear();
    for (long i : order_) {
      if (kept_.size() == most) break;
      bool free = true;
      for (std::size_t k = 0; free && k < kept_.size(); k++) free = !overlap(boxes_[kept_[k]], boxes_[i], threshold_);
      if (free) kept_.push_back(i);
    }
    return kept_;
  }

 private:
  const Box<T>* boxes_;
  long n_;
  T threshold_;
  std::vector<long> order_, kept_;
};

void check(const py::array& boxes, const py::array& scores) {
  if (boxes.ndim() != 3 || scores.ndim() != 3 || boxes.shape(2) != 4 || boxes.shape(0) != scores.shape(0) ||
      boxes.shape(1) != scores.shape(2))
    throw py::value_error("boxes must be (B, N, 4) and scores (B, lists, N)");
}

// Which boxes (lower corner, upper corner) stay, list by list: truth values of the shape of the scores.
py::array suppress(const py::array& corners, const py::array& scores, double threshold) {
  return by_type(corners, [&](auto zero) -> py::array {
    using T = decltype(zero);
    check(corners, scores);
    const py::array boxes = in_c_order<T>(corners), given = in_c_order<T>(scores);
    py::array kept = fresh<bool>(shape_of(scores));
    bool* to = mutable_data<bool>(kept);
    std::fill_n(to, kept.size(), false);
    const long batch = scores.shape(0), lists = scores.shape(1), n = scores.shape(2);
    MaybeRelease released(scores.size());
    for (long b = 0; b < batch; b++) {
      const Box<T>* own = reinterpret_cast<const Box<T>*>(data<T>(boxes)) + b * n;
      Suppression<T> suppression(own, n, static_cast<T>(threshold));
      for (long k = b * lists; k < (b + 1) * lists; k++)
        for (long i : suppression.stay(data<T>(given) + k * n, 0, false, n)) to[k * n + i] = true;
    }
    return kept;
  });
}

// Batch, list and number of the boxes (two opposite corners, or center and size) that stay, `most` of each list.
py::array suppressed(const py::array& given_boxes, const py::array& given_scores, bool center, long most,
                     double threshold, double least) {
  return by_type(given_boxes, [&](auto zero) -> py::array {
    using T = decltype(zero);
    check(given_boxes, given_scores);
    const py::array boxes = in_c_order<T>(given_boxes), scores = in_c_order<T>(given_scores);
    const long batch = scores.shape(0), lists = scores.shape(1), n = scores.shape(2);
    std::vector<std::int64_t> rows;
    {
      MaybeRelease released(scores.size());
      std::vector<Box<T>> own(n);
      for (long b = 0; b < batch; b++) {
        for (long i = 0; i < n; i++) {
          const T* box = data<T>(boxes) + (b * n + i) * 4;
          for (int d = 0; d < 2; d++) {
            const T first = center ? box[d] - box[2 + d] / 2 : box[d];
            const T second = center ? box[d] + box[2 + d] / 2 : box[2 + d];
            own[i].low[d] = std::min(first, second);
            own[i].high[d] = std::max(first, second);
          }
        }
        Suppression<T> suppression(own.data(), n, static_cast<T>(threshold));
        for (long c = 0; c < lists; c++)
          for (long i :
               suppression.stay(data<T>(scores) + (b * lists + c) * n, static_cast<T>(least), true, std::max(most, 0L)))
            rows.insert(rows.end(), {b, c, i});
      }
    }
    py::array y = fresh<std::int64_t>({static_cast<py::ssize_t>(rows.size() / 3), 3});
    std::copy(rows.begin(), rows.end(), mutable_data<std::int64_t>(y));
    return y;
  });
}

}  // namespace

void bind_detection(py::module_& m) {
  m.def("suppress", suppress);
  m.def("suppressed", suppressed);
}

}  // namespace nnabla
