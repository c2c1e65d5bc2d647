// Branch: a part of a layer beside the residual stream, x += f(norm(x)) (Xiong
// et al., "On Layer Normalization in the Transformer Architecture", 2020,
// pre-LN).
#ifndef BRAID_SRC_NN_BRANCH_H_
#define BRAID_SRC_NN_BRANCH_H_

#include <optional>
#include <utility>

#include "nn/norm.h"
#include "nn/part.h"
#include "ops/ops.h"

namespace braid::nn {

template <class Part>
class Branch {
 public:
  // What the part answers is normed by `after`, if given (Gemma 2), and
  // multiplied by `scale` (Granite) before it is added.
  Branch(RmsNorm norm, Part part, std::optional<RmsNorm> after = {},
         float scale = 1)
      : norm_(std::move(norm)),
        part_(std::move(part)),
        after_(std::move(after)),
        scale_(scale) {}

  const Part& part() const { return part_; }

  // Adds to x, {rows, width}.
  void AddTo(Pass& pass, Rows x) const {
    Compute& compute = pass.compute;
    Rows y = Run(part_, pass, norm_(compute, x));
    if (after_) y = (*after_)(compute, y);
    if (scale_ != 1) ops::ScaleInto(compute, scale_, y);
    ops::AddInto(compute, x, y);
  }

 private:
  RmsNorm norm_;
  Part part_;
  std::optional<RmsNorm> after_;
  float scale_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_BRANCH_H_
