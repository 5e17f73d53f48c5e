#include "bindings/arrays.h"
#include "bindings/families.h"
#include "kernels/tables.h"

namespace nnabla {
namespace {

// A stack of matrices: an array of three dimensions, with steps in elements.
struct Stack {
  long batch, rows, columns, batch_step, row_step, column_step;
};

template <class T>
Stack stack_of(const py::array& x) {
  if (x.ndim() != 2 && x.ndim() != 3) throw py::value_error("a matrix or a stack of matrices is expected");
  const int lead = x.ndim() - 2;
  for (int i = 0; i < x.ndim(); i++)
    if (x.strides(i) % static_cast<long>(sizeof(T)) != 0) throw py::value_error("strides are no multiples of elements");
  const auto step = [&](int i) { return static_cast<long>(x.strides(i)) / static_cast<long>(sizeof(T)); };
  return {lead ? static_cast<long>(x.shape(0)) : 1,
          static_cast<long>(x.shape(lead)),
          static_cast<long>(x.shape(lead + 1)),
          lead ? step(0) : 0,
          step(lead),
          step(lead + 1)};
}

// Products of matrices: C = A B + bias, with 0 for what is negative; or C += A B.
template <class T>
class Multiplying : public Fusible {
 public:
  Stack A, B, C;
  const T *a, *b, *bias;
  T* c;
  bool rectify, add;
  long count = 0;  // elements of C, one after another, where maps may go over them; else 0
  std::vector<Memory> reads;

  void run() const override {
    tables<T>().gemm->multiply(C.batch, A.rows, B.columns, A.columns, a, A.batch == 1 ? 0 : A.batch_step, A.row_step,
                               A.column_step, b, B.batch == 1 ? 0 : B.batch_step, B.row_step, B.column_step, c,
                               C.batch_step, C.row_step, add, bias, rectify);
  }

  const void* result() const override { return c; }

  std::shared_ptr<const Fusible> then(const MapWork& map) const override {
    if (count == 0 || rectify || add || !apart({map.out, count * sizeof(T)}, reads)) return nullptr;
    auto next = std::make_shared<Multiplying>(*this);
    next->c = reinterpret_cast<T*>(map.out);
    if (map.is("ReLU", count, sizeof(T)) && map.in[0] == result()) {
      next->rectify = true;
    } else if (map.is("Add2", count, sizeof(T)) && map.in[0] == map.out && map.in[1] == result() && bias == nullptr) {
      next->add = true;  // a gradient that is added to what is there
    } else {
      return nullptr;
    }
    return next;
  }
};

template <class T>
py::array product(const py::array& a, const py::array& b, const T* bias, bool rectify, const py::object& out,
                  bool add) {
  const Stack A = stack_of<T>(a), B = stack_of<T>(b);
  if (A.columns != B.rows) throw py::value_error("matmul: the inner sizes differ");
  if (A.batch != B.batch && A.batch != 1 && B.batch != 1) throw py::value_error("matmul: the stacks differ in length");
  const long batch = A.batch == 1 ? B.batch : A.batch;
  const auto make = [&] {
    std::vector<py::ssize_t> shape = {A.rows, B.columns};
    if (a.ndim() == 3 || b.ndim() == 3) shape.insert(shape.begin(), batch);
    return fresh<T>(shape);
  };
  py::array c = out.is_none() ? make() : out.cast<py::array>();
  if (!holds<T>(c) || !c.writeable()) throw py::value_error("matmul: out is read-only or of another dtype");
  const Stack C = stack_of<T>(c);
  if (C.rows != A.rows || C.columns != B.columns || C.batch != batch ||
      (C.column_step != 1 && C.columns > 1 && c.size() > 0))
    throw py::value_error("matmul: out has another shape, or its rows are not contiguous");
  if (c.size() == 0) return c;
  const long elements = batch * A.rows * B.columns * A.columns / 16;
  Multiplying<T> work;
  work.A = A, work.B = B, work.C = C;
  work.a = data<T>(a), work.b = data<T>(b), work.bias = bias;
  work.c = mutable_data<T>(c);
  work.rectify = rectify, work.add = add;
  if (recording == nullptr) {
    const GilRelease released(elements >= worth_releasing);
    work.run();
  } else {
    work.count = out.is_none() ? c.size() : 0;
    work.reads = {extent(a), extent(b), {bias, bias == nullptr ? 0 : B.columns * sizeof(T)}};
    perform_fusible(elements, std::make_shared<Multiplying<T>>(work));
  }
  return c;
}

py::array matmul(const py::array& a, const py::array& b, py::object bias, bool rectify, py::object out, bool add) {
  return by_type(a, [&](auto zero) {
    using T = decltype(zero);
    if (!holds<T>(b)) throw py::type_error("matmul: both factors must have one dtype");
    const T* at = nullptr;
    MaybeArray held;
    if (!bias.is_none()) {
      held = bias.cast<py::array>();
      if (b.ndim() < 1 || !holds<T>(*held) || held->size() != b.shape(b.ndim() - 1) ||
          !(held->flags() & py::array::c_style))
        throw py::value_error("matmul: a bias has one contiguous element of the same dtype for each column");
      at = data<T>(*held);
    }
    return product<T>(a, b, at, rectify, out, add);
  });
}

}  // namespace

void bind_gemm(py::module_& m) {
  m.def("matmul", matmul, py::arg("a"), py::arg("b"), py::arg("bias") = py::none(), py::arg("rectify") = false,
        py::arg("out") = py::none(), py::arg("add") = false);
}

}  // namespace nnabla
