#include "nn/attention.h"

#include "base/check.h"
#include "nn/heads.h"
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

Attention::Attention(WeightScope& w, const AttentionConfig& config, int layer,
                     std::string_view output)
    : config_(config), layer_(layer) {
  BRAID_CHECK(!config.output_gate ||
              (config.head_norms && config.value_dim == config.key_dim));
  const int64_t queries =
      int64_t{config.heads} * config.key_dim * (config.output_gate ? 2 : 1);
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
  const int dim = config_.key_dim;
  const int query_stride = config_.output_gate ? 2 * dim : dim;
  const Rows projected = q_(compute, x);  // queries, and gates if there are
  Rows q = projected;                     // {rows, heads * key_dim}
  Rows k = k_(compute, x);                // {rows, kv_heads * key_dim}
  const Rows v = v_(compute, x);          // {rows, kv_heads * value_dim}
  if (config_.head_norms) {
    q = NormHeads(compute, q_norm_, projected, dim, query_stride);
    k = NormHeads(compute, k_norm_, k, dim, dim);
  }
  if (config_.rope >= 0) {
    const RopeTable& table = pass.rope_tables[config_.rope];
    ops::RopeInto(compute, table, pass.positions, config_.heads, dim, q);
    ops::RopeInto(compute, table, pass.positions, config_.kv_heads, dim, k);
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
  if (config_.output_gate) {
    const Rows gate = HeadsAsRows(projected, query_stride, dim, dim);
    ops::ActivateMulInto(compute, Nonlinearity::kSigmoid, gate,
                         HeadsAsRows(mixed, dim, 0, dim));
  }
  return output_(compute, mixed);
}

LayerSpec Attention::Memory(DType kv_type) const {
  return {.page = KvPage(Layout(config_, kv_type)), .window = config_.window};
}

}  // namespace braid::nn
