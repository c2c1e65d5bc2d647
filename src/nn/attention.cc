#include "nn/attention.h"

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

Attention::Attention(WeightScope& w, const AttentionConfig& config, int layer)
    : config_(config),
      layer_(layer),
      q_(w, "attn_q", config.width, int64_t{config.heads} * config.key_dim),
      k_(w, "attn_k", config.width, int64_t{config.kv_heads} * config.key_dim),
      v_(w, "attn_v", config.width,
         int64_t{config.kv_heads} * config.value_dim),
      output_(w, "attn_output", int64_t{config.heads} * config.value_dim,
              config.width) {}

Rows Attention::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const Rows q = q_(compute, x);  // {rows, heads * key_dim}
  const Rows k = k_(compute, x);  // {rows, kv_heads * key_dim}
  const Rows v = v_(compute, x);  // {rows, kv_heads * value_dim}
  if (config_.rope >= 0) {
    const RopeTable& table = pass.rope_tables[config_.rope];
    ops::RopeInto(compute, table, pass.positions, config_.heads,
                  config_.key_dim, q);
    ops::RopeInto(compute, table, pass.positions, config_.kv_heads,
                  config_.key_dim, k);
  }
  const KvLayout layout = Layout(config_, pass.kv_type);
  const KvPagesView pages = pass.Pages(layer_);
  ops::WriteKv(compute, layout, pages, pass.runs, pass.tables, k, v);
  const Rows mixed =  // {rows, heads * value_dim}
      ops::Attention(compute, layout, pages, pass.runs, pass.tables, q,
                     config_.heads, {.scale = config_.scale});
  return output_(compute, mixed);
}

LayerSpec Attention::Memory(const AttentionConfig& config, DType kv_type) {
  return {.page_bytes = Layout(config, kv_type).PageBytes()};
}

}  // namespace braid::nn
