// Arithmetic and activations: what a target offers.
#pragma once

namespace nnabla {

// What is computed element by element: of stretches of n elements of each input, the same of the result.
// Elements are of the table's type, those of truth values bytes.
struct Map {
  typedef void (*Run)(long n, const void* const* in, void* out, const double* parameters);

  const char* name;
  int inputs;
  unsigned truths;  // bit i: input i holds truth values; bit `inputs`: the result does
  bool costly;      // more work than what moves the elements to and from memory
  // By the inputs that stand for one element in the place of n, as bits; null where there is no such form.
  Run run[8];
};

struct MapList {
  const Map* maps;
  int count;
};

template <class T>
struct ElementwiseTable {
  // The same maps in the same order in the tables of all targets.
  MapList activations, mathematics, arithmetic, losses;
};

}  // namespace nnabla
