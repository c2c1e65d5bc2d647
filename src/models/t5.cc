#include "models/t5.h"

#include <cmath>
#include <string>

#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/t5_encoder.h"
#include "ops/ops.h"

namespace braid {

Result<T5Config> T5Config::Read(ConfigReader& reader) {
  T5Config config;
  config.shape = ReadShape(reader);
  BRAID_ASSIGN(config.stack, ReadT5Stack(reader, config.shape));
  config.shape.layers =
      reader.Count("decoder_block_count", config.stack.layers);
  config.start_token = reader.Count("decoder_start_token_id", 0);
  if (config.start_token >= config.shape.vocabulary) {
    reader.Refuse("decoder_start_token_id",
                  Format("{}, the vocabulary has {} tokens", config.start_token,
                         config.shape.vocabulary));
  }
  BRAID_TRY(reader.status());
  return config;
}

T5Model::T5Model(WeightScope& w, const T5Config& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()),
      encoder_(w, config.stack) {
  const nn::AttentionConfig& attention = config.stack.attention;
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("dec.blk." + std::to_string(i) + ".");
    const bool biased = i == 0 || blk.Has("attn_rel_b.weight");
    layers_.push_back(
        {nn::RmsNorm(blk, "attn_norm", width(), norm_epsilon()),
         nn::Attention(blk, attention, i, "attn_o"),
         biased ? nn::BucketedBias(blk, "attn_rel_b.weight", attention.heads,
                                   config.stack.buckets, nn::Direction::kBehind)
                : nn::BucketedBias(),
         nn::RmsNorm(blk, "cross_attn_norm", width(), norm_epsilon()),
         nn::CrossAttention(blk, attention, i),
         nn::RmsNorm(blk, "ffn_norm", width(), norm_epsilon()),
         nn::MakeT5Mlp(blk, width(), config.stack.hidden)});
  }
  output_norm_ = nn::RmsNorm(w, "dec.output_norm", width(), norm_epsilon());
  const bool tied = !w.Has("output.weight");
  output_ = w.Matrix(tied ? "token_embd.weight" : "output.weight", width(),
                     vocabulary_size());
  if (tied) output_scale_ = 1.0f / std::sqrt(static_cast<float>(width()));
}

MemorySpec T5Model::Memory(DType kv_type) const {
  const nn::AttentionConfig& attention = config_.stack.attention;
  MemorySpec spec;
  for (const Layer& layer : layers_) {
    spec.layers.push_back(layer.attention.Memory(kv_type));
    spec.layers.back().cross_page =
        nn::CrossAttention::Page(attention, kv_type);
  }
  return spec;
}

void T5Model::Encode(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d_model}
  encoder_(pass, x);
  const Rows text = encoder_.Hidden(compute, x);
  for (const Layer& layer : layers_) layer.cross.Remember(pass, text);
}

Rows T5Model::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);  // {rows, d_model}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    const nn::BucketedBias& bias =
        layer.bias.empty() ? layers_.front().bias : layer.bias;
    ops::AddInto(
        compute, x,
        layer.attention(pass, layer.attention_norm(compute, x), bias.view()));
    ops::AddInto(compute, x, layer.cross(pass, layer.cross_norm(compute, x)));
    const Rows normed = layer.mlp_norm(compute, x);
    ops::AddInto(
        compute, x,
        std::visit([&](const auto& mlp) { return mlp(compute, normed); },
                   layer.mlp));
  }
  return x;
}

void T5Model::Head(Compute& compute, ConstRows x, Rows logits) const {
  const ArenaScope scope(compute.arena);
  const Rows hidden = output_norm_(compute, x);
  if (output_scale_ != 1) ops::ScaleInto(compute, output_scale_, hidden);
  ops::MatMulInto(compute, output_, hidden, logits);
}

}  // namespace braid
