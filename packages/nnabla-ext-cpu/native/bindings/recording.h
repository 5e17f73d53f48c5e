// Native work put down as it is done, to be done again in one call.
//
// What a function of the module makes Python do (look at arrays, make the result) happens once. The work itself is a
// closure over addresses and sizes alone: it holds no array, since that would keep the array's memory from being
// planned for others. Arrays that are made meanwhile take the memory of the recording's arena.
#pragma once

#include <pybind11/pybind11.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "bindings/fusion.h"
#include "common/arena.h"

namespace nnabla {

// The GIL is given up for work of at least so many elements; less is done sooner than another thread starts.
constexpr long worth_releasing = 20000;

class GilRelease {
 public:
  explicit GilRelease(bool release) : state_(release ? PyEval_SaveThread() : nullptr) {}
  ~GilRelease() {
    if (state_ != nullptr) PyEval_RestoreThread(state_);
  }
  GilRelease(const GilRelease&) = delete;
  GilRelease& operator=(const GilRelease&) = delete;

 private:
  PyThreadState* state_;
};

// Where a recorded run finds the stream of random numbers that it draws from, and how often that was done before.
struct DrawPlace {
  std::uint64_t stream, number;
};

// What is computed of memory alone and stays where it is: there is nothing to do again while that memory is as it was.
struct Derived {
  const void* source;
  std::shared_ptr<bool> holds;
};

struct Recording {
  std::vector<Work> work;
  std::shared_ptr<Arena> arena = std::make_shared<Arena>();
  long elements = 0;
  // Whether something was done that is not put down here.
  bool missed = false;
  std::vector<Derived> derived;
  // What later results must not take the memory of.
  std::vector<pybind11::object> held;
  // Of the function that is being recorded, if it draws.
  std::shared_ptr<DrawPlace> draw;

  void add(long count, Work done) {
    work.push_back(std::move(done));
    elements += count;
    arena->set_time(work.size());
  }
};

// What recorded work throws where the values that it finds are none that it can do with, before it writes what anybody
// else sees: then everything is interpreted, which tells what is wrong.
struct Unfit {};

// What this thread records into, or null.
extern thread_local Recording* recording;

// Something is done that can't be recorded.
inline void miss() {
  if (recording != nullptr) recording->missed = true;
}

// Do work over so many elements, and put it down if that is wanted. The closure must be complete in itself: it may
// hold addresses of arrays' elements, but no references to anything of the caller's.
template <class F>
inline void perform(long elements, F work) {
  {
    const GilRelease released(elements >= worth_releasing);
    work();
  }
  if (recording != nullptr) recording->add(elements, {std::move(work), {}, nullptr});
}

inline void perform_fusible(long elements, const std::shared_ptr<const Fusible>& work) {
  {
    const GilRelease released(elements >= worth_releasing);
    work->run();
  }
  if (recording != nullptr) recording->add(elements, {[work] { work->run(); }, {}, work});
}

// Perform `f(to, rectify)`, which writes `count` elements one after another; see Rectifiable.
template <class T, class F>
inline void perform_rectifiable(long elements, T* to, long count, bool rectify, std::vector<Memory> reads, F f) {
  if (recording == nullptr) {
    const GilRelease released(elements >= worth_releasing);
    f(to, rectify);
    return;
  }
  perform_fusible(elements,
                  std::make_shared<const Rectifiable<T, F>>(std::move(f), to, count, rectify, std::move(reads)));
}

// Give up the GIL for work that is never recorded.
class MaybeRelease {
 public:
  explicit MaybeRelease(long elements) : released_(elements >= worth_releasing) { miss(); }

 private:
  GilRelease released_;
};

}  // namespace nnabla
