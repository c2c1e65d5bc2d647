#include "nn/text_attention.h"

#include "ops/encoder.h"
#include "ops/ops.h"

namespace braid::nn {

TextAttention::TextAttention(WeightScope& w, const AttentionConfig& config,
                             std::string_view output)
    : config_(config),
      output_(w, output, int64_t{config.heads} * config.value_dim,
              config.width) {
  const int64_t q_width = int64_t{config.heads} * config.key_dim;
  const int64_t k_width = int64_t{config.kv_heads} * config.key_dim;
  const int64_t v_width = int64_t{config.kv_heads} * config.value_dim;
  if (w.Has("attn_qkv.weight")) {
    qkv_.emplace(w, "attn_qkv", config.width, q_width + k_width + v_width);
    return;
  }
  q_ = Linear(w, "attn_q", config.width, q_width);
  k_ = Linear(w, "attn_k", config.width, k_width);
  v_ = Linear(w, "attn_v", config.width, v_width);
}

Rows TextAttention::operator()(Pass& pass, ConstRows x,
                               RelativeBias bias) const {
  Compute& compute = pass.compute;
  Rows q;  // {rows, heads * key_dim}
  Rows k;  // {rows, kv_heads * key_dim}
  Rows v;  // {rows, kv_heads * value_dim}
  if (qkv_) {
    const int64_t q_width = int64_t{config_.heads} * config_.key_dim;
    const int64_t k_width = int64_t{config_.kv_heads} * config_.key_dim;
    const Rows all = (*qkv_)(compute, x);
    q = all.Columns(0, q_width);
    k = all.Columns(q_width, k_width);
    v = all.Columns(q_width + k_width, all.width - q_width - k_width);
  } else {
    q = q_(compute, x);
    k = k_(compute, x);
    v = v_(compute, x);
  }
  if (config_.rope >= 0) {
    const RopeTable& table = pass.rope_tables[config_.rope];
    ops::RopeInto(compute, table, pass.positions, config_.heads,
                  config_.key_dim, q);
    ops::RopeInto(compute, table, pass.positions, config_.kv_heads,
                  config_.key_dim, k);
  }
  const KvLayout layout = {.type = DType::kF32,
                           .kv_heads = config_.kv_heads,
                           .key_dim = config_.key_dim,
                           .value_dim = config_.value_dim};
  const Rows mixed = ops::TextAttention(
      compute, layout, pass.runs, q, k, v, config_.heads,
      {.scale = config_.scale, .causal = false, .bias = bias});
  return output_(compute, mixed);
}

}  // namespace braid::nn
