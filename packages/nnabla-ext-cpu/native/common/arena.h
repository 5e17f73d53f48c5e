// Memory that is planned ahead: what a recorded program's arrays and their lifetimes take.
//
// While a program is recorded, each array that it makes takes memory here and gives it back as it goes, so that later
// arrays take the same memory. Afterwards every address stays what it was for as long as the arena lives: the program
// runs again without asking for memory.
#pragma once

#include <cstddef>
#include <map>
#include <vector>

namespace nnabla {

class Arena {
 public:
  Arena() = default;
  ~Arena();
  Arena(const Arena&) = delete;
  Arena& operator=(const Arena&) = delete;

  // Memory of at least `bytes` bytes at a multiple of 64; throws std::bad_alloc.
  void* take(std::size_t bytes);

  // What is given back, and the number of things that had been done by then.
  struct End {
    const void* memory;
    std::size_t time;
  };

  // Let it be taken again, unless the plan is closed.
  void give(void* memory, std::size_t bytes) noexcept;

  // From now on nothing is taken any more, and what is given stays as it is.
  void close() noexcept { closed_ = true; }

  // So many things have been done.
  void set_time(std::size_t time) noexcept { time_ = time; }
  // What was done after that does not count.
  void rewind(std::size_t time) noexcept;
  const std::vector<End>& ended() const { return ended_; }

  // Bytes in all.
  std::size_t size() const { return size_; }

 private:
  struct Slab {
    void* memory;
    std::size_t bytes;
  };
  std::vector<Slab> slabs_;
  std::map<char*, std::size_t> free_;  // stretches by address; neighbours are joined
  std::vector<End> ended_;
  std::size_t size_ = 0, time_ = 0;
  bool closed_ = false;
};

}  // namespace nnabla
