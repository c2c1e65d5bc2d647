#include "models/bert.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "models/config_reader.h"
#include "models/transformer_config.h"
#include "ops/ops.h"

namespace braid {

namespace {

// What both architectures have.
Result<BertConfig> ReadCommon(ConfigReader& reader) {
  BertConfig config;
  config.shape = ReadShape(reader, kLayerNormEpsilon);
  config.token_types = reader.Rows("token_types.weight");
  config.classes = reader.Rows("cls.output.weight");
  config.hidden = reader.Count("feed_forward_length");
  if (reader.Flag("attention.causal", false)) {
    reader.Refuse("attention.causal", "true is not supported in an encoder");
  }
  nn::AttentionConfig& attention = config.attention;
  attention.width = config.shape.width;
  attention.heads = reader.Count("attention.head_count");
  attention.kv_heads = attention.heads;
  BRAID_TRY(reader.status());
  attention.key_dim = reader.Count("attention.key_length",
                                   config.shape.width / attention.heads);
  attention.value_dim = reader.Count("attention.value_length",
                                     config.shape.width / attention.heads);
  if (config.shape.width % attention.heads != 0) {
    reader.Refuse("attention.head_count",
                  Format("{} does not divide embedding_length {}",
                         attention.heads, config.shape.width));
  }
  attention.scale = 1.0f / std::sqrt(static_cast<float>(attention.key_dim));
  BRAID_TRY(reader.status());
  return config;
}

}  // namespace

Result<BertConfig> BertConfig::Read(ConfigReader& reader) {
  return ReadCommon(reader);
}

Result<NomicBertConfig> NomicBertConfig::Read(ConfigReader& reader) {
  BRAID_ASSIGN(const BertConfig common, ReadCommon(reader));
  NomicBertConfig config{common};
  config.attention.rope = 0;
  config.rope = ReadRope(reader, config.attention.key_dim, RopePairs::kHalves);
  BRAID_TRY(reader.status());
  return config;
}

BertModel::BertModel(WeightScope& w, const BertConfig& config)
    : LanguageModel(config.shape),
      config_(config),
      embedding_(w, width(), vocabulary_size()) {
  if (config.token_types > 0) {
    token_type_ = w.Vector("token_types.weight", {width(), config.token_types},
                           Role::kBias);
    token_type_.resize(
        std::min(token_type_.size(), static_cast<size_t>(width())));
  }
  if (!config.rope) {
    positions_ = w.Vector("position_embd.weight", {width(), trained_context()},
                          Role::kBias);
  }
  embedding_norm_ =
      nn::LayerNorm(w, "token_embd_norm", width(), norm_epsilon());
  for (int i = 0; i < layers() && w.status().ok(); ++i) {
    WeightScope blk = w.Child("blk." + std::to_string(i) + ".");
    const auto norm = [&](const char* name) {
      return nn::LayerNorm(blk, name, width(), norm_epsilon());
    };
    Layer layer;
    layer.attention = nn::TextAttention(blk, config.attention);
    layer.attention_norm = norm("attn_output_norm");
    if (config.rope) {
      layer.mlp = nn::GatedMlp(blk, width(), config.hidden);
    } else {
      layer.mlp = nn::Mlp(blk, width(), config.hidden, Nonlinearity::kGeluErf);
    }
    layer.output_norm = norm("layer_output_norm");
    layers_.push_back(std::move(layer));
  }
  if (config.classes > 0) {
    classifier_hidden_.emplace(w, "cls", width(), width());
    classifier_.emplace(w, "cls.output", width(), config.classes);
  }
}

std::vector<RopeConfig> BertModel::ropes() const {
  if (!config_.rope) return {};
  return {*config_.rope};
}

RowTraits BertModel::traits() const {
  return {.bidirectional = true,
          .logits = false,
          .positions = config_.rope ? 0 : trained_context(),
          .classes = config_.classes};
}

Rows BertModel::Embed(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = embedding_(compute, pass.tokens);
  if (!token_type_.empty()) ops::AddBias(compute, token_type_, x);
  for (int64_t i = 0; i < x.rows && !positions_.empty(); ++i) {
    const size_t offset =
        static_cast<size_t>(pass.positions[i]) * static_cast<size_t>(width());
    const Rows row = {x.row(i), 1, x.width, x.width};
    ops::AddBias(compute, std::span(positions_).subspan(offset, width()), row);
  }
  return embedding_norm_(compute, x);
}

Rows BertModel::Forward(Pass& pass) const {
  Compute& compute = pass.compute;
  const Rows x = Embed(pass);  // {rows, H}
  for (const Layer& layer : layers_) {
    const ArenaScope scope(compute.arena);
    ops::AddInto(compute, x, layer.attention(pass, x));
    const Rows attended = layer.attention_norm(compute, x);
    const Rows y = std::visit(
        [&](const auto& mlp) { return mlp(compute, attended); }, layer.mlp);
    ops::AddInto(compute, y, attended);
    layer.output_norm.Into(compute, y, x);
  }
  return x;
}

void BertModel::Head(Compute& /*compute*/, ConstRows /*x*/,
                     Rows /*logits*/) const {
  BRAID_CHECK(false);
}

void BertModel::Classify(Compute& compute, ConstRows hidden,
                         Rows classes) const {
  const Rows pooled = (*classifier_hidden_)(compute, hidden);  // {rows, H}
  ops::ActivateInto(compute, Nonlinearity::kTanh, pooled);
  const Rows outputs = (*classifier_)(compute, pooled);  // {rows, classes}
  for (int64_t m = 0; m < outputs.rows; ++m) {
    std::copy_n(outputs.row(m), outputs.width, classes.row(m));
  }
}

}  // namespace braid
