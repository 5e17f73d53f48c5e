// Normalization over batches, layers and groups: what a target offers.
#pragma once

namespace nnabla {

// An array as it lies in memory, its axes joined to four: statistics are kept along k0 and k1, taken over r0 and r1.
struct StandardShape {
  long k0, r0, k1, r1;

  long kept() const { return k0 * k1; }
  long reduced() const { return r0 * r1; }
  long size() const { return kept() * reduced(); }
};

// y = (x - center) * inverse * gamma + beta. What may be null is absent.
template <class T>
struct Standardization {
  StandardShape shape;
  const T *x, *gamma, *beta, *z;  // z is added to the result
  bool along;                     // gamma and beta vary over the axes of the mean; k0 and r0 are 1 then
  bool rectify;                   // negative results become 0
  bool fixed;                     // center and inverse are given; else they are found, and the variance with them
  T eps;
  T *center, *variance, *inverse, *y;
};

// The gradients of the former. What may be null is absent, or not wanted.
template <class T>
struct StandardizationGradient {
  StandardShape shape;
  const T *x, *dy, *y, *center, *inverse, *gamma;  // with y, dy counts where y is above 0
  bool along;                                      // as above
  bool fixed;                                      // center and inverse are no statistics of x
  T *dx, *dz, *dgamma, *dbeta;
};

template <class T>
struct NormalizationTable {
  void (*forward)(const Standardization<T>&);
  void (*backward)(const StandardizationGradient<T>&);
};

}  // namespace nnabla
