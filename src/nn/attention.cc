#include "nn/attention.h"

#include "base/check.h"
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

// Rows of heads, {rows, n * dim}, as one row per head.
Rows NormHeads(Compute& compute, const RmsNorm& norm, ConstRows x, int dim) {
  BRAID_CHECK(x.stride == x.width);
  const Rows y = norm(compute, {x.data, x.rows * (x.width / dim), dim, dim});
  return {y.data, x.rows, x.width, x.width};
}

}  // namespace

Attention::Attention(WeightScope& w, const AttentionConfig& config, int layer,
                     std::string_view output)
    : config_(config), layer_(layer) {
  const int64_t queries = int64_t{config.heads} * config.key_dim;
  const int64_t keys = int64_t{config.kv_heads} * config.key_dim;
  const int64_t values = int64_t{config.kv_heads} * config.value_dim;
  if (w.Has("attn_qkv.weight")) {
    const int64_t all = queries + keys + values;
    const StoredMatrix fused = w.Stored("attn_qkv.weight", config.width, all);
    std::vector<float> bias;
    if (w.Has("attn_qkv.bias")) {
      bias = w.Vector("attn_qkv.bias", {all}, Role::kBias);
    }
    q_ = Linear(w, fused, bias, 0, queries);
    k_ = Linear(w, fused, bias, queries, keys);
    v_ = Linear(w, fused, bias, queries + keys, values);
  } else {
    q_ = Linear(w, "attn_q", config.width, queries);
    k_ = Linear(w, "attn_k", config.width, keys);
    v_ = Linear(w, "attn_v", config.width, values);
  }
  output_ =
      Linear(w, output, int64_t{config.heads} * config.value_dim, config.width);
  if (!config.head_norms) return;
  q_norm_ = RmsNorm(w, "attn_q_norm", config.key_dim, config.norm_epsilon);
  k_norm_ = RmsNorm(w, "attn_k_norm", config.key_dim, config.norm_epsilon);
}

Rows Attention::operator()(Pass& pass, ConstRows x, RelativeBias bias) const {
  Compute& compute = pass.compute;
  Rows q = q_(compute, x);        // {rows, heads * key_dim}
  Rows k = k_(compute, x);        // {rows, kv_heads * key_dim}
  const Rows v = v_(compute, x);  // {rows, kv_heads * value_dim}
  if (config_.head_norms) {
    q = NormHeads(compute, q_norm_, q, config_.key_dim);
    k = NormHeads(compute, k_norm_, k, config_.key_dim);
  }
  if (config_.rope >= 0) {
    const RopeTable& table = pass.rope_tables[config_.rope];
    ops::RopeInto(compute, table, pass.positions, config_.heads,
                  config_.key_dim, q);
    ops::RopeInto(compute, table, pass.positions, config_.kv_heads,
                  config_.key_dim, k);
  }
  const KvLayout layout = Layout(config_, pass.kv_type);
  const KvPagesView pages = pass.Pages(layer_);
  const std::span<const PageTable> tables = pass.Tables(layer_);
  ops::WriteKv(compute, layout, pages, pass.runs, tables, k, v);
  const Rows mixed =  // {rows, heads * value_dim}
      ops::Attention(compute, layout, pages, pass.runs, tables, q,
                     config_.heads,
                     {.scale = config_.scale,
                      .soft_cap = config_.soft_cap,
                      .window = config_.window,
                      .bias = bias});
  return output_(compute, mixed);
}

LayerSpec Attention::Memory(const AttentionConfig& config, DType kv_type) {
  return {.page = KvPage(Layout(config, kv_type)), .window = config.window};
}

MemorySpec Attention::Memory(std::span<const AttentionConfig> layers,
                             DType kv_type) {
  MemorySpec spec;
  for (const AttentionConfig& config : layers) {
    spec.layers.push_back(Memory(config, kv_type));
  }
  return spec;
}

}  // namespace braid::nn
