// Memory for results and for scratch, kept and given out again: a fresh page costs more than what is written to it.
#pragma once

#include <cstddef>

namespace nnabla {

// Memory of at least `bytes` bytes at an address that is a multiple of 64; throws std::bad_alloc.
void* take_memory(std::size_t bytes);

// Give it back, with the size that was asked for.
void give_memory(void* memory, std::size_t bytes) noexcept;

// Give what is kept back to the system.
void release_memory();

// Bytes that are kept at the moment and bytes that are in use.
struct MemoryUse {
  std::size_t kept, used;
};
MemoryUse memory_use();

// Scratch of `count` T for as long as this object lives. Throws std::bad_alloc.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::size_t count) : bytes_(count * sizeof(T)), memory_(static_cast<T*>(take_memory(bytes_))) {}
  ~Scratch() { give_memory(static_cast<void*>(memory_), bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  operator T*() const { return memory_; }
  T* data() const { return memory_; }

 private:
  std::size_t bytes_;
  T* memory_;
};

}  // namespace nnabla
