#include "bindings/mapping.h"

#include <cstring>
#include <string>

#include "common/threads.h"

namespace nnabla {
namespace {

template <class T>
const MapList& map_list(int list) {
  const ElementwiseTable<T>* table = tables<T>().elementwise;
  return list == 0   ? table->activations
         : list == 1 ? table->mathematics
         : list == 2 ? table->arithmetic
                     : table->losses;
}

// Elements that are computed in one go where inputs are gathered first.
constexpr long chunk = 512;
// Rows of fewer elements are gathered, since a call for each would cost more.
constexpr long short_row = 64;

// A dense result in the order of its memory, and how inputs lie along it.
struct Nest {
  int inputs = 0, nd = 0;
  long count = 1;
  long shape[most_dimensions];
  const char* data[most_inputs];
  long strides[most_inputs][most_dimensions];
  long item[most_inputs];
  char* out = nullptr;
  long out_item = 0;

  // Add an axis, the next inner one, or lengthen the last if all inputs go on as it does.
  void add_axis(long n, const long* steps) {
    count *= n;
    if (n == 1) return;
    bool goes_on = nd > 0;
    for (int i = 0; goes_on && i < inputs; i++) goes_on = strides[i][nd - 1] == steps[i] * n;
    if (goes_on)
      shape[nd - 1] *= n;
    else
      shape[nd++] = n;
    for (int i = 0; i < inputs; i++) strides[i][nd - 1] = steps[i];
  }
};

template <class I>
void gather_row(long n, const char* from, long step, char* to) {
  I* out = reinterpret_cast<I*>(to);
  if (step == 0) {
    const I value = *reinterpret_cast<const I*>(from);
    for (long i = 0; i < n; i++) out[i] = value;
  } else {
    for (long i = 0; i < n; i++) out[i] = *reinterpret_cast<const I*>(from + i * step);
  }
}

void gather_row(long n, const char* from, long step, long item, char* to) {
  if (step == item)
    std::memcpy(to, from, n * item);
  else if (item == 4)
    gather_row<std::uint32_t>(n, from, step, to);
  else if (item == 8)
    gather_row<std::uint64_t>(n, from, step, to);
  else
    gather_row<std::uint8_t>(n, from, step, to);
}

// Where one input is at some element of the result.
struct Place {
  long index[most_dimensions];
  const char* at;

  Place(const Nest& nest, int input, long element) : at(nest.data[input]) {
    for (int d = nest.nd - 1; d >= 0; d--) {
      index[d] = element % nest.shape[d];
      element /= nest.shape[d];
      at += index[d] * nest.strides[input][d];
    }
  }

  // To the first element of the next row.
  void next_row(const Nest& nest, int input) {
    int d = nest.nd - 1;
    at -= index[d] * nest.strides[input][d];
    index[d] = 0;
    for (d--; d >= 0; d--) {
      at += nest.strides[input][d];
      if (++index[d] < nest.shape[d]) return;
      at -= nest.shape[d] * nest.strides[input][d];
      index[d] = 0;
    }
  }
};

// n elements of an input, from one on that the place tells; the place moves on.
void gather(const Nest& nest, int input, Place& place, long n, char* to) {
  const int last = nest.nd - 1;
  const long length = nest.shape[last], step = nest.strides[input][last], item = nest.item[input];
  while (n > 0) {
    const long part = std::min(n, length - place.index[last]);
    gather_row(part, place.at, step, item, to);
    to += part * item;
    n -= part;
    place.index[last] += part;
    place.at += part * step;
    if (place.index[last] == length) place.next_row(nest, input);
  }
}

// What an input is for a range of elements of the result.
enum class Way { dense, single, repeated, gathered };

Way way_of(const Nest& nest, int input) {
  const int last = nest.nd - 1;
  bool constant = true, dense = true;
  long step = nest.item[input];
  for (int d = last; d >= 0; d--) {
    const long stride = nest.strides[input][d];
    dense &= stride == step;
    constant &= stride == 0 || d == last;
    step *= nest.shape[d];
  }
  if (dense) return Way::dense;
  if (!constant) return Way::gathered;
  if (nest.nd == 0 || nest.strides[input][last] == 0) return Way::single;
  return nest.strides[input][last] == nest.item[input] && nest.shape[last] <= short_row ? Way::repeated : Way::gathered;
}

// Elements from `begin` to `end` in chunks, for which inputs that are not dense are gathered.
void run_chunks(const Map& map, const Nest& nest, const double* parameters, long begin, long end) {
  alignas(64) char memory[most_inputs][(chunk + short_row) * sizeof(double)];
  Way ways[most_inputs];
  unsigned singles = 0;
  for (int i = 0; i < nest.inputs; i++) {
    ways[i] = way_of(nest, i);
    if (ways[i] == Way::single) singles |= 1u << i;
  }
  if (singles >= 8 || map.run[singles] == nullptr) singles = 0;
  long period[most_inputs] = {1, 1, 1};
  for (int i = 0; i < nest.inputs; i++) {
    if (ways[i] == Way::single && !(singles >> i & 1)) gather_row(chunk, nest.data[i], 0, nest.item[i], memory[i]);
    if (ways[i] == Way::repeated) {
      period[i] = nest.shape[nest.nd - 1];
      for (long at = 0; at < chunk + period[i]; at += period[i])
        std::memcpy(memory[i] + at * nest.item[i], nest.data[i],
                    std::min(period[i], chunk + short_row - at) * nest.item[i]);
    }
  }
  Place places[most_inputs] = {Place(nest, 0, begin), Place(nest, nest.inputs > 1 ? 1 : 0, begin),
                               Place(nest, nest.inputs > 2 ? 2 : 0, begin)};
  const void* in[most_inputs];
  for (long at = begin; at < end; at += chunk) {
    const long n = std::min(chunk, end - at);
    for (int i = 0; i < nest.inputs; i++) {
      switch (ways[i]) {
        case Way::dense: in[i] = nest.data[i] + at * nest.item[i]; break;
        case Way::single: in[i] = singles >> i & 1 ? nest.data[i] : memory[i]; break;
        case Way::repeated: in[i] = memory[i] + at % period[i] * nest.item[i]; break;
        case Way::gathered: gather(nest, i, places[i], n, memory[i]); in[i] = memory[i];
      }
    }
    map.run[singles](n, in, nest.out + at * nest.out_item, parameters);
  }
}

// Elements from `begin` to `end` row by row, if the map has the form that all rows have.
void run_rows(const Map& map, const Nest& nest, const double* parameters, long begin, long end, unsigned singles) {
  const int last = nest.nd - 1;
  const long length = nest.shape[last];
  Place places[most_inputs] = {Place(nest, 0, begin), Place(nest, nest.inputs > 1 ? 1 : 0, begin),
                               Place(nest, nest.inputs > 2 ? 2 : 0, begin)};
  const void* in[most_inputs];
  for (long at = begin; at < end;) {
    const long n = std::min(end - at, length - places[0].index[last]);
    for (int i = 0; i < nest.inputs; i++) in[i] = places[i].at;
    map.run[singles](n, in, nest.out + at * nest.out_item, parameters);
    at += n;
    for (int i = 0; i < nest.inputs; i++) {
      places[i].index[last] += n;
      places[i].at += n * nest.strides[i][last];
      if (places[i].index[last] == length) places[i].next_row(nest, i);
    }
  }
}

// The form in which all rows are computed where they lie, or -1 if inputs must be gathered.
int row_form(const Map& map, const Nest& nest) {
  if (nest.nd == 0) return -1;
  const int last = nest.nd - 1;
  if (nest.nd > 1 && nest.shape[last] < short_row) return -1;
  unsigned singles = 0;
  for (int i = 0; i < nest.inputs; i++) {
    const long step = nest.strides[i][last];
    if (step == 0)
      singles |= 1u << i;
    else if (step != nest.item[i])
      return -1;
  }
  return singles < 8 && map.run[singles] != nullptr ? static_cast<int>(singles) : -1;
}

// What a map is given besides arrays.
struct Parameters {
  double values[2];
};

void run_now(const Map& map, const Nest& nest, const double* parameters) {
  constexpr long line = 64;
  const int form = row_form(map, nest);
  const long grain = (map.costly ? 4096 : 16384) / line;
  parallel_for((nest.count + line - 1) / line, grain, [&](long first, long end) {
    const long begin = first * line, stop = std::min(end * line, nest.count);
    if (form >= 0)
      run_rows(map, nest, parameters, begin, stop, static_cast<unsigned>(form));
    else
      run_chunks(map, nest, parameters, begin, stop);
  });
}

// Put down a map over elements one after another, for others to be computed along with it.
void put_down(const Map& map, const Nest& nest, unsigned form, const Parameters& parameters) {
  MapWork work{&map, form, nest.inputs, nest.count, {}, {}, nest.out, nest.out_item, {}};
  for (int i = 0; i < nest.inputs; i++) {
    work.in[i] = nest.data[i];
    work.in_item[i] = form >> i & 1 ? 0 : nest.item[i];
  }
  std::copy(parameters.values, parameters.values + 2, work.parameters);
  recording->add(nest.count, {[work] { work.run(); }, {work}, nullptr});
}

void run(const Map& map, const Nest& nest, const Parameters& parameters) {
  const int form = nest.nd <= 1 ? row_form(map, nest) : -1;
  if (recording != nullptr && form >= 0) {
    run_now(map, nest, parameters.values);
    put_down(map, nest, static_cast<unsigned>(form), parameters);
    return;
  }
  perform(nest.count, [=, &map] { run_now(map, nest, parameters.values); });  // maps are constants
}

[[noreturn]] void cannot_broadcast(const Operand* x, int count) {
  std::string text = "the shapes";
  for (int i = 0; i < count; i++) {
    text += i == 0 ? " (" : " and (";
    for (int d = 0; d < x[i].nd; d++) text += (d ? ", " : "") + std::to_string(x[i].shape[d]);
    text += ")";
  }
  throw py::value_error(text + " do not go together");
}

}  // namespace

void find_map(const char* name, int& list, int& index) {
  for (list = 0; list < 4; list++) {
    const MapList& maps = map_list<float>(list);
    for (index = 0; index < maps.count; index++)
      if (std::strcmp(maps.maps[index].name, name) == 0) return;
  }
  throw py::value_error(std::string("there is no native map ") + name);
}

void perform_map(const char* name, bool twice, long count, std::initializer_list<const void*> inputs, void* out) {
  int list, index;
  find_map(name, list, index);
  Nest nest;
  nest.out = static_cast<char*>(out);
  nest.out_item = twice ? sizeof(double) : sizeof(float);
  long steps[most_inputs];
  for (const void* in : inputs) {
    nest.data[nest.inputs] = static_cast<const char*>(in);
    steps[nest.inputs] = nest.item[nest.inputs] = nest.out_item;
    nest.inputs++;
  }
  nest.add_axis(count, steps);
  run((twice ? map_list<double>(list) : map_list<float>(list)).maps[index], nest, {});
}

int map_inputs(int list, int index) { return map_list<float>(list).maps[index].inputs; }

PyObject* apply_map(int list, int index, PyObject* const* inputs, const double* parameters, bool leading, bool twice) {
  const Map* map = &map_list<float>(list).maps[index];
  const int count = map->inputs;
  const Parameters given{parameters[0], parameters[1]};
  Operand x[most_inputs];
  int type = -1;
  for (int i = 0; i < count; i++) {
    x[i].take(inputs[i]);
    if (map->truths >> i & 1) {
      if (x[i].type != truth_type) throw OtherTypes("truth values are expected, of dtype bool");
    } else if (type == -1) {
      type = x[i].type;
      if (type != float_type && type != double_type) throw OtherTypes("native kernels compute in float32 and float64");
    } else if (x[i].type != type) {
      throw OtherTypes("inputs must have one dtype");
    }
  }
  if (type == -1) type = twice ? double_type : float_type;
  if (type == double_type) map = &map_list<double>(list).maps[index];
  const bool truths = map->truths >> count & 1;
  const int out_type = truths ? truth_type : type;

  // Plain cases first: arrays of one shape in C order.
  bool plain = x[0].c_order;
  for (int i = 1; plain && i < count; i++)
    plain = x[i].c_order && x[i].nd == x[0].nd && std::equal(x[0].shape, x[0].shape + x[0].nd, x[i].shape);
  if (plain) {
    PyObject* made = fresh_array(out_type, item_size(out_type), x[0].nd, x[0].shape, nullptr);
    char* out = py::detail::array_proxy(made)->data;
    const long n = x[0].size();
    Held held(made);
    if (n <= 4096 && recording == nullptr) {
      const void* in[most_inputs] = {x[0].data, x[1].data, x[2].data};
      map->run[0](n, in, out, given.values);
      return held.release();
    }
    Nest nest;
    nest.inputs = count;
    nest.out = out;
    nest.out_item = item_size(out_type);
    long steps[most_inputs];
    for (int i = 0; i < count; i++) {
      nest.data[i] = x[i].data;
      steps[i] = nest.item[i] = item_size(x[i].type);
    }
    nest.add_axis(n, steps);
    run(*map, nest, given);
    return held.release();
  }

  int nd = 0;
  for (int i = 0; i < count; i++) nd = std::max(nd, x[i].nd);
  if (nd > most_dimensions) throw py::value_error("arrays of more than 64 dimensions");
  Py_intptr_t shape[most_dimensions], strides[most_dimensions];
  int lead[most_inputs] = {};
  for (int i = 0; i < count; i++) lead[i] = i == 0 && leading ? 0 : nd - x[i].nd;
  const auto length = [&](int i, int d) { return d < lead[i] || d >= lead[i] + x[i].nd ? 1 : x[i].shape[d - lead[i]]; };
  for (int d = 0; d < nd; d++) {
    shape[d] = 1;
    for (int i = 0; i < count; i++) {
      const Py_intptr_t n = length(i, d);
      if (n == 1) continue;
      if (shape[d] != 1 && shape[d] != n) cannot_broadcast(x, count);
      shape[d] = n;
    }
  }
  int order[most_dimensions];
  for (int d = 0; d < nd; d++) order[d] = d;
  for (int i = 0; i < count; i++) {
    if (x[i].nd != nd || !std::equal(shape, shape + nd, x[i].shape)) continue;
    if (!x[i].c_order) lying_order(nd, shape, x[i].strides, order);
    break;
  }
  const long out_item = item_size(out_type);
  Py_intptr_t step = out_item;
  for (int d = nd - 1; d >= 0; d--) {
    strides[order[d]] = step;
    step *= std::max<Py_intptr_t>(shape[order[d]], 1);
  }
  Held made(fresh_array(out_type, out_item, nd, shape, strides));
  Nest nest;
  nest.inputs = count;
  nest.out = py::detail::array_proxy(made.get())->data;
  nest.out_item = out_item;
  for (int i = 0; i < count; i++) {
    nest.data[i] = x[i].data;
    nest.item[i] = item_size(x[i].type);
  }
  for (int d = 0; d < nd; d++) {
    const int axis = order[d];
    long steps[most_inputs];
    for (int i = 0; i < count; i++) steps[i] = length(i, axis) == 1 ? 0 : x[i].strides[axis - lead[i]];
    nest.add_axis(shape[axis], steps);
  }
  if (nest.count > 0) run(*map, nest, given);
  return made.release();
}

}  // namespace nnabla
