// Images with their padding, copied where there is some.
#pragma once

#include "common/memory.h"
#include "common/threads.h"
#include "kernels/tables/convolution.h"
#include "kernels/vector.h"

namespace nnabla {
namespace NNABLA_TARGET {

// Whether a kernel's row is better taken as one tap: its columns and their channels are contiguous in a padded image.
inline bool rows_as_taps(const ConvolutionShape& s) {
  return s.group == 1 && s.in_channels < 16 && s.kernel[2] > 1 && s.dilation[2] == 1;
}

template <class T>
class PaddedImages {
 public:
  PaddedImages(const ConvolutionShape& s, const T* x)
      : padded_(s.pad[0] + s.pad[1] + s.pad[2] > 0), copy_(padded_ ? plan(s) : (plan(s), 1)) {
    source = x;
    if (padded_) {
      source = copy_;
      fill(s, x);
    }
  }

  const T* source;
  long size[3], image;

 private:
  long plan(const ConvolutionShape& s) {
    for (int a = 0; a < 3; a++) {
      const long reach = (s.out[a] - 1) * s.stride[a] + (s.kernel[a] - 1) * s.dilation[a] + 1;
      size[a] = padded_ ? larger(reach, s.in[a] + s.pad[a]) : s.in[a];
    }
    image = size[0] * size[1] * size[2] * s.in_channels;
    return s.batch * image;
  }

  void fill(const ConvolutionShape& s, const T* x) {
    const long C = s.in_channels, row = size[2] * C;
    parallel_for(s.batch * size[0] * size[1], larger(1, 16384 / row), [&](long r0, long r1) {
      for (long r = r0; r < r1; r++) {
        const long j = r % size[1] - s.pad[1], i = r / size[1] % size[0] - s.pad[0], n = r / (size[1] * size[0]);
        T* to = copy_ + r * row;
        if (i < 0 || i >= s.in[0] || j < 0 || j >= s.in[1]) {
          std::memset(to, 0, row * sizeof(T));
          continue;
        }
        const long before = s.pad[2] * C, inside = s.in[2] * C;
        std::memset(to, 0, before * sizeof(T));
        std::memcpy(to + before, x + ((n * s.in[0] + i) * s.in[1] + j) * inside, inside * sizeof(T));
        std::memset(to + before + inside, 0, (row - before - inside) * sizeof(T));
      }
    });
  }

  bool padded_;
  Scratch<T> copy_;
};

}  // namespace NNABLA_TARGET
}  // namespace nnabla
