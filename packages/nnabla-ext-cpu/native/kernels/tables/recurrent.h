// Recurrent layers: what a target offers.
#pragma once

namespace nnabla {

enum class Cell { tanh, relu, lstm, gru };

// How many blocks of H rows a cell's weights have, how many blocks of its bias and of what is kept of each step.
struct CellShape {
  int blocks, biases, kept;
  bool state;
};

constexpr CellShape shape_of_cell(Cell cell) {
  return cell == Cell::lstm  ? CellShape{4, 4, 4, true}
         : cell == Cell::gru ? CellShape{3, 4, 4, false}
                             : CellShape{1, 1, 1, false};
}

// One layer in one direction: T steps, B samples, I features, H units. All arrays are contiguous unless a step is
// given. Weights and biases have the blocks of files (i f g o; r z n, and for the bias n twice); what is kept has
// i f o g; r z n q, where q is the output's part of n before r scales it; or the output itself.
template <class T>
struct RecurrentLayer {
  Cell cell;
  long steps, batch, features, size;
  bool backwards;              // the last step is the first
  const T* x;                  // (T, B, I)
  const T* weight;             // (blocks, H, I + H)
  const T* bias;               // (biases, H) or nullptr
  const T *first_h, *first_c;  // (B, H)
};

template <class T>
struct RecurrentForward : RecurrentLayer<T> {
  T* gates;            // (T, B, kept, H)
  T *hidden, *cells;   // (T, B, H); cells with a state only
  T *last_h, *last_c;  // (B, H)
};

template <class T>
struct RecurrentBackward : RecurrentLayer<T> {
  const T *gates, *hidden, *cells;
  const T* dy;  // rows of H, dy_step apart
  long dy_step;
  T *dh, *dc;          // (B, H): gradients of the last output and state, replaced by those of the first
  T* dx;               // (T, B, I) or nullptr
  bool add_dx;         // whether to add to it
  T *dweight, *dbias;  // as the weights and the bias, or nullptr
};

template <class T>
struct RecurrentTable {
  void (*forward)(const RecurrentForward<T>& layer);
  void (*backward)(const RecurrentBackward<T>& layer);
};

}  // namespace nnabla
