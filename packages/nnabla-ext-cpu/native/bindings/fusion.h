// Maps over arrays of one size that follow each other, computed together: stretch by stretch rather than array by
// array, so that what one gives is in the cache when the next reads it, and is not written at all if nobody else reads
// it. Kernels that can do a map along with their own work take those in that follow, or that they read the result of.
#pragma once

#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "common/arena.h"
#include "kernels/tables/elementwise.h"

namespace nnabla {

// One map over arrays whose elements lie one after another in the same order, but for inputs that are single numbers.
struct MapWork {
  static constexpr int most_inputs = 3;

  const Map* map;
  unsigned form;  // which inputs are single numbers, as bits
  int inputs;
  long count;
  const char* in[most_inputs];
  long in_item[most_inputs];  // bytes from one element to the next, 0 of a single number
  char* out;
  long out_item;
  double parameters[2];

  void run() const;

  // Whether it is the map of that name over so many elements of so many bytes, none of them a single number.
  bool is(const char* name, long count, long item) const;
};

// Bytes of memory.
struct Memory {
  const void* first;
  std::size_t bytes;
};

// Whether work that reads and writes these may give its result elsewhere: the new place has nothing in common with any.
bool apart(const Memory& place, const std::vector<Memory>& others);

// Work that can do maps along with its own. Null means that it can't.
class Fusible {
 public:
  virtual ~Fusible() = default;
  virtual void run() const = 0;
  // Where its result is that maps may go over.
  virtual const void* result() const = 0;
  // The same, with a map over its result done along; that result by itself is not there then.
  virtual std::shared_ptr<const Fusible> then(const MapWork& map) const = 0;
  // The same, with the map done along whose result it reads; nobody else does.
  virtual std::shared_ptr<const Fusible> after(const MapWork& map) const {
    (void)map;
    return nullptr;
  }
};

// Work `f(to, rectify)` that writes `count` elements one after another and can put 0 for those that are negative.
template <class T, class F>
class Rectifiable : public Fusible {
 public:
  Rectifiable(F f, T* to, long count, bool rectify, std::vector<Memory> reads)
      : f_(std::move(f)), to_(to), count_(count), rectify_(rectify), reads_(std::move(reads)) {}

  void run() const override { f_(to_, rectify_); }
  const void* result() const override { return to_; }
  std::shared_ptr<const Fusible> then(const MapWork& map) const override {
    if (rectify_ || !map.is("ReLU", count_, sizeof(T)) || map.in[0] != result()) return nullptr;
    if (!apart({map.out, count_ * sizeof(T)}, reads_)) return nullptr;
    return std::make_shared<Rectifiable>(f_, reinterpret_cast<T*>(map.out), count_, true, reads_);
  }

 private:
  F f_;
  T* to_;
  long count_;
  bool rectify_;
  std::vector<Memory> reads_;
};

// Work as it was done. `run` is a map, or can do maps along, if it has such a description.
struct Work {
  std::function<void()> run;
  std::vector<MapWork> map;  // one or none
  std::shared_ptr<const Fusible> fusible;
};

// Work that is done in one go, and the maps that are part of it, by name; `kernel` says that something else is, too.
struct Piece {
  std::function<void()> run;
  bool kernel = false;
  std::vector<const char*> maps;
};

// The same work in fewer pieces. `ended` tells whose memory nobody reads any more.
std::vector<Piece> fused(std::vector<Work>&& work, const std::vector<Arena::End>& ended);

}  // namespace nnabla
