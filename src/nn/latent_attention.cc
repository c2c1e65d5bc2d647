#include "nn/latent_attention.h"

#include "nn/kv_page.h"
#include "ops/copy.h"
#include "ops/input_observer.h"
#include "ops/ops.h"

namespace braid::nn {

namespace {

KvLayout Layout(const LatentAttentionConfig& config, DType kv_type) {
  return {.type = kv_type,
          .kv_heads = 1,
          .key_dim = config.key_dim(),
          .value_dim = config.rank};
}

// Rows of `heads` equal parts as rows of one part each.
Rows ByHead(Rows x, int heads) {
  const int64_t part = x.width / heads;
  return {x.data, x.rows * heads, part, part};
}

// y = W x for every head, on consecutive columns of x and y.
void MatMulByHead(Compute& compute, const std::vector<PackedMatrix>& heads,
                  ConstRows x, int64_t x_step, Rows y, int64_t y_step) {
  int64_t h = 0;
  for (const PackedMatrix& head : heads) {
    ops::MatMulInto(compute, head, x.Columns(h * x_step, head.inputs()),
                    y.Columns(h * y_step, head.outputs()));
    ++h;
  }
}

}  // namespace

LatentAttention::LatentAttention(WeightScope& w,
                                 const LatentAttentionConfig& config, int layer)
    : config_(config),
      layer_(layer),
      kv_down_(w, "attn_kv_a_mqa", config.width, config.rank + config.rotary),
      latent_norm_(w, "attn_kv_a_norm", config.rank, config.norm_epsilon),
      output_(w, "attn_output", int64_t{config.heads} * config.value_dim,
              config.width) {
  const int64_t query_width = int64_t{config.heads} * config.query_dim();
  if (config.query_rank == 0) {
    query_ = Linear(w, "attn_q", config.width, query_width);
  } else {
    query_down_ = Linear(w, "attn_q_a", config.width, config.query_rank);
    query_norm_ =
        RmsNorm(w, "attn_q_a_norm", config.query_rank, config.norm_epsilon);
    query_up_ = Linear(w, "attn_q_b", config.query_rank, query_width);
  }
  if (w.Has("attn_kv_b.weight")) {
    LoadJoined(w);
  } else {
    key_up_ =
        w.Matrices("attn_k_b.weight", config.nope, config.rank, config.heads);
    value_up_ = w.Matrices("attn_v_b.weight", config.rank, config.value_dim,
                           config.heads);
  }
}

void LatentAttention::LoadJoined(WeightScope& w) {
  const int64_t nope = config_.nope;
  const int64_t step = nope + config_.value_dim;
  const StoredMatrix joined =
      w.Stored("attn_kv_b.weight", config_.rank, config_.heads * step);
  joined_ = joined.name;
  for (int64_t h = 0; h < config_.heads && w.status().ok(); ++h) {
    key_up_.push_back(w.PackTransposed(joined, h * step, nope));
    value_up_.push_back(w.PackRows(joined, h * step + nope, config_.value_dim));
  }
}

Rows LatentAttention::operator()(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const Rows queries = Queries(pass, x);
  const Rows keys = Keys(pass, x);
  const ConstRows latent = keys.Columns(config_.rotary, config_.rank);
  const KvLayout layout = Layout(config_, pass.kv_type);
  const KvPagesView pages = pass.Pages(layer_);
  const std::span<const PageTable> tables = pass.Tables(layer_);
  ops::WriteKv(compute, layout, pages, pass.runs, tables, keys, latent);
  const Rows mixed =  // {rows, n_h rank}
      ops::Attention(compute, layout, pages, pass.runs, tables, queries,
                     config_.heads, {.scale = config_.scale});
  const Rows values =
      compute.NewRows(x.rows, int64_t{config_.heads} * config_.value_dim);
  MatMulByHead(compute, value_up_, mixed, config_.rank, values,
               config_.value_dim);
  return output_(compute, values);
}

Rows LatentAttention::Queries(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const Rows stored =  // {rows, n_h (nope + rotary)}
      config_.query_rank == 0
          ? query_(compute, x)
          : query_up_(compute, query_norm_(compute, query_down_(compute, x)));
  const Rows queries =
      compute.NewRows(x.rows, int64_t{config_.heads} * config_.key_dim());
  const int64_t rotary = config_.rotary;
  ops::CopyInto(compute,
                ByHead(stored, config_.heads).Columns(config_.nope, rotary),
                ByHead(queries, config_.heads).Columns(0, rotary));
  ops::RopeInto(compute, pass.rope_tables[config_.rope], pass.positions,
                config_.heads, config_.key_dim(), queries);
  MatMulByHead(compute, key_up_, stored, config_.query_dim(),
               queries.Columns(rotary, queries.width - rotary),
               config_.key_dim());
  return queries;
}

Rows LatentAttention::Keys(Pass& pass, ConstRows x) const {
  Compute& compute = pass.compute;
  const int64_t rank = config_.rank;
  const int64_t rotary = config_.rotary;
  const Rows stored = kv_down_(compute, x);  // {rows, rank + rotary}
  const Rows keys = compute.NewRows(x.rows, config_.key_dim());
  ops::CopyInto(compute, stored.Columns(rank, rotary), keys.Columns(0, rotary));
  ops::RopeInto(compute, pass.rope_tables[config_.rope], pass.positions, 1,
                config_.key_dim(), keys);
  const Rows latent = latent_norm_(compute, stored.Columns(0, rank));
  if (compute.observer != nullptr && !joined_.empty()) {
    compute.observer->ObserveTensor(joined_, latent, compute.threads);
  }
  ops::CopyInto(compute, latent, keys.Columns(rotary, rank));
  return keys;
}

LayerSpec LatentAttention::Memory(DType kv_type) const {
  return {.page = KvPage(Layout(config_, kv_type))};
}

}  // namespace braid::nn
