#include "nn/cross_attention.h"

#include "nn/kv_page.h"
#include "ops/ops.h"

namespace braid::nn {

namespace {

KvLayout Layout(const AttentionConfig& config, DType kv_type) {
  return {.type = kv_type,
          .kv_heads = config.kv_heads,
          .key_dim = config.key_dim,
          .value_dim = config.value_dim};
}

}  // namespace

CrossAttention::CrossAttention(WeightScope& w, const AttentionConfig& config,
                               int layer)
    : config_(config),
      layer_(layer),
      q_(w, "cross_attn_q", config.width,
         int64_t{config.heads} * config.key_dim),
      k_(w, "cross_attn_k", config.width,
         int64_t{config.kv_heads} * config.key_dim),
      v_(w, "cross_attn_v", config.width,
         int64_t{config.kv_heads} * config.value_dim),
      output_(w, "cross_attn_o", int64_t{config.heads} * config.value_dim,
              config.width) {}

void CrossAttention::Remember(Pass& pass, ConstRows text) const {
  Compute& compute = pass.compute;
  const ArenaScope scope(compute.arena);
  ops::WriteKv(compute, Layout(config_, pass.kv_type), pass.CrossPages(layer_),
               pass.runs, pass.cross_tables, k_(compute, text),
               v_(compute, text));
}

Rows CrossAttention::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const Rows mixed = ops::Attention(
      compute, Layout(config_, pass.kv_type), pass.CrossPages(layer_),
      pass.runs, pass.cross_tables, q_(compute, x), config_.heads,
      {.scale = config_.scale,
       .causal = false,
       .key_counts = pass.cross_lengths});
  return output_(compute, mixed);
}

PageLayout CrossAttention::Page(const AttentionConfig& config, DType kv_type) {
  return KvPage(Layout(config, kv_type));
}

}  // namespace braid::nn
