#include "nn/t5_encoder.h"

#include <string>

#include "ops/ops.h"

namespace braid::nn {

T5Mlp MakeT5Mlp(WeightScope& w, int64_t width, int64_t hidden) {
  if (w.Has("ffn_gate.weight")) {
    return GatedMlp(w, width, hidden, Nonlinearity::kGeluTanh);
  }
  return Mlp(w, width, hidden, Nonlinearity::kRelu);
}

T5Encoder::T5Encoder(WeightScope& w, const T5StackConfig& config) {
  const AttentionConfig& attention = config.attention;
  for (int i = 0; i < config.layers && w.status().ok(); ++i) {
    WeightScope blk = w.Child("enc.blk." + std::to_string(i) + ".");
    const bool biased = i == 0 || blk.Has("attn_rel_b.weight");
    layers_.push_back(
        {RmsNorm(blk, "attn_norm", attention.width, config.norm_epsilon),
         TextAttention(blk, attention, "attn_o"),
         biased ? BucketedBias(blk, "attn_rel_b.weight", attention.heads,
                               config.buckets, Direction::kBoth)
                : BucketedBias(),
         RmsNorm(blk, "ffn_norm", attention.width, config.norm_epsilon),
         MakeT5Mlp(blk, attention.width, config.hidden)});
  }
  output_norm_ =
      RmsNorm(w, "enc.output_norm", attention.width, config.norm_epsilon);
}

void T5Encoder::operator()(Pass& pass, Rows x) const {
  Compute& compute = pass.compute;
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const BucketedBias& bias =
        layer.bias.empty() ? layers_.front().bias : layer.bias;
    ops::AddInto(
        compute, x,
        layer.attention(pass, layer.attention_norm(compute, x), bias.view()));
    const Rows normed = layer.mlp_norm(compute, x);
    ops::AddInto(
        compute, x,
        std::visit([&](const auto& mlp) { return mlp(compute, normed); },
                   layer.mlp));
  }
}

}  // namespace braid::nn
