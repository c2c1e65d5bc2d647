// DecoderBlock: attention and feed-forward, each on a normed copy of the
// residual stream (Xiong et al., "On Layer Normalization in the Transformer
// Architecture", 2020, pre-LN; Touvron et al., "LLaMA", 2023, section 2.2).
#ifndef BRAID_SRC_NN_DECODER_BLOCK_H_
#define BRAID_SRC_NN_DECODER_BLOCK_H_

#include <utility>

#include "base/arena.h"
#include "nn/attention.h"
#include "nn/feed_forward.h"
#include "nn/norm.h"
#include "ops/ops.h"

namespace braid::nn {

class DecoderBlock {
 public:
  // Tensors attn_norm and ffn_norm {width}, and those of the parts. `layer` is
  // the index of the attention's memory.
  DecoderBlock(WeightScope& w, const AttentionConfig& attention,
               FeedForward mlp, float norm_epsilon, int layer)
      : attention_norm_(w, "attn_norm", attention.width, norm_epsilon),
        attention_(w, attention, layer),
        mlp_norm_(w, "ffn_norm", attention.width, norm_epsilon),
        mlp_(std::move(mlp)) {}

  // Adds to x, {rows, width}.
  void AddTo(Pass& pass, Rows x) const {
    Compute& compute = pass.compute;
    const ArenaScope scope(compute.arena);
    ops::AddInto(compute, x, attention_(pass, attention_norm_(compute, x)));
    ops::AddInto(compute, x, mlp_(compute, mlp_norm_(compute, x)));
  }

 private:
  RmsNorm attention_norm_;
  Attention attention_;
  RmsNorm mlp_norm_;
  FeedForward mlp_;
};

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_DECODER_BLOCK_H_
