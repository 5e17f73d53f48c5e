// Recurrent layers. The products of all steps' inputs are one product of matrices, and so are the gradients of the
// weights; the product with the previous output goes step by step, over weights that are packed once, and on to the
// cell while the sums are in the cache. A thread has some samples and takes all steps of these by itself; where
// samples are few or the weights many, it has some of the units, and the threads meet after every step.
#include "common/memory.h"
#include "common/threads.h"
#include "kernels/families.h"
#include "kernels/gemm.h"
#include "kernels/recurrent_cells.h"

namespace nnabla {
namespace NNABLA_TARGET {
namespace {

// Up to so many multiplications a step is done by one thread, where threads meet after each.
constexpr long small_step = 1000000;

// Samples of a thread that are worth reading all weights for, and bytes of weights up to which that holds.
constexpr long samples_of_thread = 8, shared_weights = 4 << 20;

// Rows of matrices here begin an odd number of cache lines apart, so that they do not compete for one place.
template <class T>
constexpr long padded(long columns) {
  return (divide_up(columns * static_cast<long>(sizeof(T)), 64) | 1) * 64 / static_cast<long>(sizeof(T));
}

// Where blocks of the weights of files stand among the blocks of sums: the products of the input, and of the output.
struct Places {
  int input[4], output[4];
};

constexpr Places forward_places(Cell cell) {
  return cell == Cell::lstm ? Places{{0, 1, 3, 2}, {0, 1, 3, 2}}
                            : Places{{0, 1, 2, 3}, {0, 1, cell == Cell::gru ? 3 : 2, 3}};
}

constexpr Places backward_places(Cell cell) { return Places{{0, 1, 2, 3}, {0, 1, cell == Cell::gru ? 3 : 2, 3}}; }

// Call f(first, place, count) for runs of blocks that stand side by side.
template <class F>
void for_runs(const int* places, int blocks, F&& f) {
  for (int first = 0, next; first < blocks; first = next) {
    for (next = first + 1; next < blocks && places[next] == places[next - 1] + 1;) next++;
    f(first, places[first], next - first);
  }
}

// C[M][width] = A[M][K] times a packed panel [K][tile_columns], or added to C.
template <class T>
void multiply_panel(long M, long K, const T* A, long a_step, const T* panel, long width, T* C, long ldc, bool add,
                    const T* bias) {
  if (M <= 0) return;
  const Epilogue<T> with_bias{bias, false};
  const long most = divide_up(M, divide_up(M, tile_rows));
  for (long k = 0; k < K; k += depth_block<T>) {
    const long deep = smaller(depth_block<T>, K - k);
    const Epilogue<T>* finish = bias != nullptr && k + deep >= K ? &with_bias : nullptr;
    const T* b = panel + k * tile_columns<T>;
    for (long i = 0; i < M; i += most) {
      const long rows = smaller(most, M - i);
      const T* a = A + i * a_step + k;
      T* c = C + i * ldc;
      with_rows(static_cast<int>(rows), [&](auto count) {
        constexpr int n = decltype(count)::value;
        if (width == tile_columns<T>)
          multiply_in_place<T, n>(deep, a, a_step, 1, b, tile_columns<T>, c, ldc, add || k > 0, finish);
        else
          edge_tile(rows, width, c, ldc, add || k > 0, finish, [&](T* tile, long step) {
            multiply_in_place<T, n>(deep, a, a_step, 1, b, tile_columns<T>, tile, step, false, nullptr);
          });
      });
    }
  }
}

// Sizes that both directions of a pass share.
template <class T>
struct Plan {
  long size, row, panels, rows;  // H; I + H; panels of units; B * T
  int blocks, kept, threads;
  bool by_samples;

  explicit Plan(const RecurrentLayer<T>& l)
      : size(l.size), row(l.features + l.size), panels(divide_up(l.size, tile_columns<T>)), rows(l.steps * l.batch) {
    const CellShape shape = shape_of_cell(l.cell);
    blocks = shape.blocks;
    kept = shape.kept;
    const long weights = size * size * blocks, step = l.batch * weights;
    const long most = step * l.steps <= small_step ? 1 : smaller(thread_count(), l.batch / samples_of_thread);
    by_samples = most > 1 && weights * static_cast<long>(sizeof(T)) <= shared_weights;
    threads = static_cast<int>(by_samples ? most : step <= small_step ? 1 : smaller(thread_count(), panels));
  }

  // Call f(n, i0, i1, p0, p1) for all steps, samples i0 to i1 and panels p0 to p1.
  template <class F>
  void for_steps(long begin, long end, long by, long batch, F&& f) const {
    if (by_samples) {
      parallel(threads, [&](int part, int parts) {
        for (long n = begin; n != end; n += by) f(n, batch * part / parts, batch * (part + 1) / parts, 0, panels);
      });
    } else {
      for (long n = begin; n != end; n += by)
        parallel(threads,
                 [&](int part, int parts) { f(n, 0, batch, panels * part / parts, panels * (part + 1) / parts); });
    }
  }

  long units(long panel) const { return smaller(tile_columns<T>, size - panel * tile_columns<T>); }
};

// The step that a direction takes as number n.
template <class T>
long step_at(const RecurrentLayer<T>& l, long n) {
  return l.backwards ? l.steps - 1 - n : n;
}

template <class T, Cell cell>
void forward_cell(const RecurrentForward<T>& l) {
  const Plan<T> plan(l);
  constexpr Places places = forward_places(cell);
  constexpr bool state = shape_of_cell(cell).state;
  const long H = plan.size, wide = plan.kept * H, batch = l.batch, panel_size = H * tile_columns<T>;
  for_runs(places.input, plan.blocks, [&](int first, int place, int count) {
    gemm<T>(plan.rows, count * H, l.features, {l.x, l.features, 1}, {l.weight + first * H * plan.row, 1, plan.row},
            l.gates + place * H, wide, false, {l.bias == nullptr ? nullptr : l.bias + first * H, false},
            thread_count());
  });
  Scratch<T> packed(plan.panels * plan.blocks * panel_size);
  parallel(plan.threads, [&](int part, int parts) {
    for (long p = plan.panels * part / parts; p < plan.panels * (part + 1) / parts; p++)
      for (int b = 0; b < plan.blocks; b++)
        pack_columns<T>({l.weight + b * H * plan.row + l.features, 1, plan.row}, 0, H, p * tile_columns<T>,
                        plan.units(p), packed + (p * plan.blocks + b) * panel_size);
  });
  // Outputs before and after a step, in turns, in rows that do not compete for places in the cache.
  const long ldh = padded<T>(H);
  Scratch<T> outputs(2 * batch * ldh);
  for (long i = 0; i < batch; i++) std::memcpy(outputs + i * ldh, l.first_h + i * H, H * sizeof(T));
  plan.for_steps(0, l.steps, 1, batch, [&](long n, long i0, long i1, long p0, long p1) {
    const long t = step_at(l, n), earlier = n > 0 ? step_at(l, n - 1) : 0;
    const T* before = outputs + n % 2 * batch * ldh;
    T* after = outputs + (n + 1) % 2 * batch * ldh;
    const T* c_before = state && n > 0 ? l.cells + earlier * batch * H : l.first_c;
    T* gates = l.gates + t * batch * wide;
    T* hidden = l.hidden + t * batch * H;
    T* cells = state ? l.cells + t * batch * H : nullptr;
    for (long p = p0; p < p1; p++) {
      const long j = p * tile_columns<T>, width = plan.units(p);
      for (int b = 0; b < plan.blocks; b++) {
        // The candidate of a GRU: its product stands beside that of the input, and has a bias of its own.
        const bool apart = cell == Cell::gru && b == 2;
        multiply_panel<T>(i1 - i0, H, before + i0 * ldh, ldh, packed + (p * plan.blocks + b) * panel_size, width,
                          gates + i0 * wide + places.output[b] * H + j, wide, !apart,
                          apart && l.bias != nullptr ? l.bias + 3 * H + j : nullptr);
      }
      for (long i = i0; i < i1; i++)
        for (long u = j; u < j + width; u += lanes<T>) {
          const long m = smaller(lanes<T>, j + width - u);
          Vec<T> h = get(before + i * ldh + u, m), c = {};
          if constexpr (state) c = get(c_before + i * H + u, m);
          cell_forward<T, cell>(gates + i * wide + u, H, h, c, m);
          put(after + i * ldh + u, h, m);
          put(hidden + i * H + u, h, m);
          if constexpr (state) put(cells + i * H + u, c, m);
        }
    }
  });
  const long last = step_at(l, l.steps - 1) * batch * H;
  std::memcpy(l.last_h, l.hidden + last, batch * H * sizeof(T));
  if constexpr (state) std::memcpy(l.last_c, l.cells + last, batch * H * sizeof(T));
}

// to[j] = the sum of rows, in blocks so that it stays accurate.
template <class T>
void sum_rows(const T* rows, long count, long step, long columns, T* to) {
  constexpr long block = 64;
  parallel_for(divide_up(columns, lanes<T>), divide_up(20000, larger(count, 1)), [&](long begin, long end) {
    for (long v = begin; v < end; v++) {
      const long j = v * lanes<T>, n = smaller(lanes<T>, columns - j);
      Vec<T> total = {};
      for (long i = 0; i < count; i += block) {
        Vec<T> part = {};
        for (long k = i; k < smaller(count, i + block); k++) part += get(rows + k * step + j, n);
        total += part;
      }
      put(to + j, total, n);
    }
  });
}

// The gradients of weights and input, from those of all products: dz has `kept` blocks in rows of ld.
template <class T, Cell cell>
void backward_products(const RecurrentBackward<T>& l, const Plan<T>& plan, const T* dz, long ld) {
  constexpr Places places = backward_places(cell);
  const long H = plan.size, batch = l.batch, later = plan.rows - batch;
  const int threads = thread_count();
  if (l.dx != nullptr)
    gemm<T>(plan.rows, l.features, plan.blocks * H, {dz, ld, 1}, {l.weight, plan.row, 1}, l.dx, l.features, l.add_dx,
            {}, threads);
  if (l.dweight != nullptr) {
    gemm<T>(plan.blocks * H, l.features, plan.rows, {dz, 1, ld}, {l.x, l.features, 1}, l.dweight, plan.row, false, {},
            threads);
    // The outputs before the steps: the first one, and those of all steps but the last.
    const long first = step_at(l, 0) * batch, others = l.backwards ? 0 : batch;
    const T* outputs = l.hidden + (l.backwards ? batch * H : 0);
    for_runs(places.output, plan.blocks, [&](int block, int place, int count) {
      T* to = l.dweight + block * H * plan.row + l.features;
      gemm<T>(count * H, H, batch, {dz + first * ld + place * H, 1, ld}, {l.first_h, H, 1}, to, plan.row, false, {},
              threads);
      if (later > 0)
        gemm<T>(count * H, H, later, {dz + others * ld + place * H, 1, ld}, {outputs, H, 1}, to, plan.row, true, {},
                threads);
    });
  }
  if (l.dbias != nullptr) sum_rows(dz, plan.rows, ld, shape_of_cell(cell).biases * H, l.dbias);
}

template <class T, Cell cell>
void backward_cell(const RecurrentBackward<T>& l) {
  const Plan<T> plan(l);
  constexpr Places places = backward_places(cell);
  constexpr bool state = shape_of_cell(cell).state;
  const long H = plan.size, wide = plan.kept * H, batch = l.batch, panel_size = H * tile_columns<T>;
  Scratch<T> packed(plan.panels * plan.blocks * panel_size);
  parallel(plan.threads, [&](int part, int parts) {
    for (long p = plan.panels * part / parts; p < plan.panels * (part + 1) / parts; p++)
      for (int b = 0; b < plan.blocks; b++)
        pack_columns<T>({l.weight + b * H * plan.row + l.features, plan.row, 1}, 0, H, p * tile_columns<T>,
                        plan.units(p), packed + (p * plan.blocks + b) * panel_size);
  });
  const long ld = padded<T>(wide);
  Scratch<T> all(plan.rows * ld);
  // After the steps one more product gives the gradient of the first output.
  plan.for_steps(l.steps - 1, -2, -1, batch, [&](long n, long i0, long i1, long p0, long p1) {
    const long t = n >= 0 ? step_at(l, n) : 0, earlier = n > 0 ? step_at(l, n - 1) : 0;
    const T* gates = l.gates + t * batch * wide;
    const T* h_before = n > 0 ? l.hidden + earlier * batch * H : l.first_h;
    const T* c_before = state && n > 0 ? l.cells + earlier * batch * H : l.first_c;
    const T* cells = state ? l.cells + t * batch * H : nullptr;
    T* dz = all + t * batch * ld;
    const T* dz_after = n + 1 < l.steps ? all + step_at(l, n + 1) * batch * ld : nullptr;
    for (long p = p0; p < p1; p++) {
      const long j = p * tile_columns<T>, width = plan.units(p);
      // What is in dh of a GRU reaches the step besides the product.
      if (dz_after != nullptr)
        for (int b = 0; b < plan.blocks; b++)
          multiply_panel<T>(i1 - i0, H, dz_after + i0 * ld + places.output[b] * H, ld,
                            packed + (p * plan.blocks + b) * panel_size, width, l.dh + i0 * H + j, H,
                            b > 0 || cell == Cell::gru, nullptr);
      if (n < 0) continue;
      for (long i = i0; i < i1; i++)
        for (long u = j; u < j + width; u += lanes<T>) {
          const long m = smaller(lanes<T>, j + width - u), at = i * H + u;
          Vec<T> dh = get(l.dh + at, m) + get(l.dy + (t * batch + i) * l.dy_step + u, m), dc = {}, c0 = {}, c1 = {};
          if constexpr (state) {
            dc = get(l.dc + at, m);
            c0 = get(c_before + at, m);
            c1 = get(cells + at, m);
          }
          cell_backward<T, cell>(gates + i * wide + u, H, get(h_before + at, m), c0, c1, dz + i * ld + u, dh, dc, m);
          put(l.dh + at, dh, m);
          if constexpr (state) put(l.dc + at, dc, m);
        }
    }
  });
  backward_products<T, cell>(l, plan, all, ld);
}

template <class T>
void forward(const RecurrentForward<T>& l) {
  switch (l.cell) {
    case Cell::tanh: return forward_cell<T, Cell::tanh>(l);
    case Cell::relu: return forward_cell<T, Cell::relu>(l);
    case Cell::lstm: return forward_cell<T, Cell::lstm>(l);
    case Cell::gru: return forward_cell<T, Cell::gru>(l);
  }
}

template <class T>
void backward(const RecurrentBackward<T>& l) {
  switch (l.cell) {
    case Cell::tanh: return backward_cell<T, Cell::tanh>(l);
    case Cell::relu: return backward_cell<T, Cell::relu>(l);
    case Cell::lstm: return backward_cell<T, Cell::lstm>(l);
    case Cell::gru: return backward_cell<T, Cell::gru>(l);
  }
}

}  // namespace

template <class T>
const RecurrentTable<T>* recurrent_table() {
  static constexpr RecurrentTable<T> table = {forward<T>, backward<T>};
  return &table;
}
template const RecurrentTable<float>* recurrent_table();
template const RecurrentTable<double>* recurrent_table();

}  // namespace NNABLA_TARGET
}  // namespace nnabla
