// Tells whether NumPy makes arrays: whoever records native work has to know what was computed outside of it.
#pragma once

namespace nnabla {

// While one of these lives, in this thread's context, memory that NumPy takes for arrays' elements is counted.
class NumpyMemoryWatch {
 public:
  NumpyMemoryWatch();
  ~NumpyMemoryWatch();
  NumpyMemoryWatch(const NumpyMemoryWatch&) = delete;
  NumpyMemoryWatch& operator=(const NumpyMemoryWatch&) = delete;

  // How often memory was taken since.
  long count() const;

 private:
  void* before_;
  long start_;
};

}  // namespace nnabla
