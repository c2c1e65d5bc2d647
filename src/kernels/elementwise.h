// Element functions. One polynomial per function for every vector width and
// for tails, so that an element's bits do not depend on where it stands.
#ifndef BRAID_SRC_KERNELS_ELEMENTWISE_H_
#define BRAID_SRC_KERNELS_ELEMENTWISE_H_

#include "base/thread_pool.h"
#include "tensor/rows.h"

namespace braid {

// y = a + b. All {rows, width}; y may be a or b.
void Add(ConstRows a, ConstRows b, Rows y, ThreadPool& threads);

// y = x * factor. y may be x.
void Scale(ConstRows x, float factor, Rows y, ThreadPool& threads);

// y = cap * tanh(x / cap), which stays within +-cap (Gemma 2, 2024, section 2).
// y may be x.
void SoftCap(ConstRows x, float cap, Rows y, ThreadPool& threads);

// The functions of kernels/element_functions.h that stand between two matrices.
enum class Nonlinearity {
  kSilu,  // v / (1 + exp(-v)) (Elfwing et al. 2017)
  kSigmoid,
  kTanh,
  kGeluErf,
  kGeluTanh,
  kGeluQuick,
  kRelu,
  kReluSquared,
};

// y = f(x). y may be x.
void Activate(Nonlinearity f, ConstRows x, Rows y, ThreadPool& threads);

// y = f(gate) * value. y may be either input.
void ActivateMul(Nonlinearity f, ConstRows gate, ConstRows value, Rows y,
                 ThreadPool& threads);

// y = softplus(x + bias) = log(1 + exp(x + bias)), bias per column; for
// arguments above 20 the argument itself, as in PyTorch. y may be x.
void Softplus(ConstRows x, const float* bias, Rows y, ThreadPool& threads);

// y = exp(x); 0 below -87.3. For tests and for what is built on it.
void Exp(ConstRows x, Rows y, ThreadPool& threads);

// Softmax of every row: exp(x - max) / sum, the sum over 16 virtual lanes and
// one tree 8-4-2-1. y may be x.
void Softmax(ConstRows x, Rows y, ThreadPool& threads);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_ELEMENTWISE_H_
