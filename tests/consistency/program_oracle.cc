#include "tests/consistency/program_oracle.h"

#include <algorithm>

#include "base/check.h"

namespace braid::programs {

namespace {

constexpr size_t kFollowers = 10;

Row Copy(std::span<const float> row) { return {row.begin(), row.end()}; }

}  // namespace

Rows LoneReader::Of(const Tokens& text, std::span<const TokenId> tokens) {
  Rows rows;
  if (subject_->info().bidirectional) {
    auto& whole = wholes_[Tokens(tokens.begin(), tokens.end())];
    if (whole.empty()) ReadWhole(tokens, whole);
    for (const Row& row : whole) rows.push_back(&row);
    return rows;
  }
  Node& root = roots_[text];
  Node* node = &root;
  for (const TokenId token : tokens) {
    node = &node->next[token];
    rows.push_back(&node->row);
  }
  if (!tokens.empty() && node->row.empty()) Read(text, tokens, root);
  return rows;
}

void LoneReader::Forget() {
  roots_.clear();
  wholes_.clear();
  for (Lone& lone : lone_) lone.tokens.clear();
}

std::unique_ptr<Engine> LoneReader::NewEngine() const {
  EngineOptions options{.threads = 1, .kv_type = kv_type_};
  if (subject_->info().bidirectional) options.split = SplitPolicy::kWhole;
  auto engine = subject_->make(options);
  BRAID_CHECK(engine.ok());
  return std::move(*engine);
}

LoneReader::Lone& LoneReader::Follower(const Tokens& text,
                                       std::span<const TokenId> tokens) {
  Lone* best = nullptr;
  for (Lone& lone : lone_) {
    const bool leads =
        lone.text == text && !lone.tokens.empty() &&
        lone.tokens.size() < tokens.size() &&
        std::equal(lone.tokens.begin(), lone.tokens.end(), tokens.begin());
    if (!leads) continue;
    if (best == nullptr || lone.tokens.size() > best->tokens.size()) {
      best = &lone;
    }
  }
  if (best != nullptr) return *best;
  if (lone_.size() < kFollowers) {
    lone_.push_back({.engine = NewEngine(), .text = {}, .tokens = {}});
    best = &lone_.back();
  } else {
    best = &*std::min_element(
        lone_.begin(), lone_.end(),
        [](const Lone& a, const Lone& b) { return a.used < b.used; });
  }
  BRAID_CHECK(best->engine->Remove(0, 0, -1).ok());
  best->tokens.clear();
  best->text = text;
  if (!text.empty()) {
    Batch batch;
    batch.AddEncoder(text, 0);
    BRAID_CHECK(best->engine->Decode(batch).ok());
  }
  return *best;
}

void LoneReader::Read(const Tokens& text, std::span<const TokenId> tokens,
                      Node& root) {
  Lone& lone = Follower(text, tokens);
  lone.used = ++uses_;
  Node* node = &root;
  for (const TokenId token : lone.tokens) node = &node->next[token];
  Batch batch;
  for (size_t i = lone.tokens.size(); i < tokens.size(); ++i) {
    batch.Clear();
    batch.Add(tokens[i], static_cast<Position>(i), 0, want_);
    BRAID_CHECK(lone.engine->Decode(batch).ok());
    lone.tokens.push_back(tokens[i]);
    node = &node->next[tokens[i]];
    node->row = Copy(want_ == Want::kLogits ? lone.engine->Logits(0)
                                            : lone.engine->Hidden(0));
  }
}

void LoneReader::ReadWhole(std::span<const TokenId> tokens,
                           std::vector<Row>& rows) {
  if (lone_.empty()) {
    lone_.push_back({.engine = NewEngine(), .text = {}, .tokens = {}});
  }
  Engine& engine = *lone_.front().engine;
  Batch batch;
  for (size_t i = 0; i < tokens.size(); ++i) {
    batch.Add(tokens[i], static_cast<Position>(i), 0, want_);
  }
  BRAID_CHECK(engine.Remove(0, 0, -1).ok());
  BRAID_CHECK(engine.Decode(batch).ok());
  for (int i = 0; i < batch.size(); ++i) rows.push_back(Copy(engine.Hidden(i)));
}

Alone::Alone(const Subject& subject)
    : subject_(&subject),
      f16_{{subject, KvType::kF16, Want::kLogits},
           {subject, KvType::kF16, Want::kHidden}},
      f32_{{subject, KvType::kF32, Want::kLogits},
           {subject, KvType::kF32, Want::kHidden}} {}

Row Alone::Embedding(KvType kv_type, Pooling pooling, const Tokens& text,
                     std::span<const TokenId> tokens) {
  if (pooling == Pooling::kNone) return {};
  if (pooling == Pooling::kRank) return Rank(tokens);
  const Rows rows = Hidden(kv_type, text, tokens);
  if (pooling == Pooling::kFirst) return *rows.front();
  if (pooling == Pooling::kLast) return *rows.back();
  std::vector<double> sums(rows.front()->size());
  for (const Row* row : rows) {
    for (size_t i = 0; i < sums.size(); ++i) sums[i] += (*row)[i];
  }
  Row mean;
  for (const double sum : sums) {
    mean.push_back(static_cast<float>(sum / static_cast<double>(rows.size())));
  }
  return mean;
}

const Row& Alone::Rank(std::span<const TokenId> tokens) {
  Row& row = ranks_[Tokens(tokens.begin(), tokens.end())];
  if (!row.empty()) return row;
  const auto engine = subject_->make(
      {.threads = 1, .split = SplitPolicy::kWhole, .pooling = Pooling::kRank});
  BRAID_CHECK(engine.ok());
  Batch batch;
  for (size_t i = 0; i < tokens.size(); ++i) {
    batch.Add(tokens[i], static_cast<Position>(i), 0, Want::kPooled);
  }
  BRAID_CHECK((*engine)->Decode(batch).ok());
  row = Copy((*engine)->Embedding(0));
  return row;
}

void Alone::Forget() {
  for (Readers* readers : {&f16_, &f32_}) {
    readers->logits.Forget();
    readers->hidden.Forget();
  }
  ranks_.clear();
}

}  // namespace braid::programs
