// Copies between arrays that lie differently in memory, and conversions of dtypes.
#pragma once

namespace nnabla {

constexpr int most_copied_axes = 16;

// Axes from the outermost to the innermost, with their distances in elements on both sides.
struct Walk {
  int nd = 0;
  long shape[most_copied_axes], from[most_copied_axes], to[most_copied_axes];
};

enum class Kind { boolean, int32, int64, uint64, float32, float64, count };

template <class T>
struct CopyTable {
  // y[walk] = x[walk], for elements of the size of T, whatever they are.
  void (*move)(const Walk& walk, const T* x, T* y);

  // y[0 .. count - 1] = value
  void (*fill)(long count, T value, T* y);

  // y[i] = start + i
  void (*count_up)(long count, long start, T* y);

  // `count` numbers at equal distances from `start` to `stop`; 2 or more.
  void (*spread)(long count, T start, T stop, T* y);

  // Elements one after the other in another dtype. What no integer stands for becomes the least one, as in NumPy;
  // a boolean is whether an element is not 0. Null where there is no such conversion.
  void (*convert[static_cast<int>(Kind::count)][static_cast<int>(Kind::count)])(long count, const void* x, void* y);
};

}  // namespace nnabla
