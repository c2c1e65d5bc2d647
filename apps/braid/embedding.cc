// braid embedding: texts to vectors.
#include <algorithm>
#include <charconv>
#include <cmath>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/json_text.h"
#include "apps/braid/prompts.h"

namespace braid::cli {

namespace {

// Texts that are decoded at a time.
constexpr int kMostTexts = 64;

enum class PoolingFlag { kModel, kNone, kMean, kFirst, kLast, kRank };
enum class Normalization { kNone, kEuclidean };

using Row = std::vector<float>;

std::string NumbersJson(const Row& row) {
  std::string text = "[";
  for (const float value : row) {
    if (!std::isfinite(value)) {
      text += text.size() > 1 ? ", null" : "null";
      continue;
    }
    char digits[32];
    const auto end = std::to_chars(digits, digits + sizeof(digits), value);
    if (text.size() > 1) text += ", ";
    text.append(digits, end.ptr);
  }
  return text + "]";
}

// Divides by the length; a row of zeros stays what it is.
void NormalizeRow(Row& row) {
  double squares = 0;
  for (const float value : row) squares += double{value} * value;
  const double length = std::sqrt(squares);
  if (!(length > 0)) return;
  for (float& value : row) value = static_cast<float>(value / length);
}

class Embedding : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    prompts_.Declare(table);
    model_.Declare(table);
    engine_.Declare(table);
    table.Group("Embedding")
        .Choice("--pooling", "KIND",
                "how the tokens' rows become one; model: as its file says; "
                "none: a row per token",
                &pooling_,
                {{"model", PoolingFlag::kModel},
                 {"none", PoolingFlag::kNone},
                 {"mean", PoolingFlag::kMean},
                 {"cls", PoolingFlag::kFirst},
                 {"last", PoolingFlag::kLast},
                 {"rank", PoolingFlag::kRank}})
        .Choice("--normalize", "KIND", "scale rows to length 1, or not",
                &normalization_,
                {{"euclidean", Normalization::kEuclidean},
                 {"none", Normalization::kNone}});
    return table;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<std::string> texts, prompts_.Read());
    if (texts.empty()) {
      return Error{"nothing to embed; give -p TEXT or -f FILE"};
    }
    const int sequences = std::min(static_cast<int>(texts.size()), kMostTexts);
    BRAID_ASSIGN(EngineOptions options, engine_.Options(sequences));
    double load_seconds = 0;
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.Load(options.threads, &load_seconds));
    options.pooling = PoolingFor(model->info());
    if (model->info().bidirectional) options.split = SplitPolicy::kWhole;
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, options));

    std::string data;
    for (size_t next = 0; next < texts.size();) {
      BRAID_ASSIGN(const size_t end, DecodeTexts(*engine, texts, next));
      for (size_t i = next; i < end; ++i) {
        data += Format(
            "{}\n  {\"object\": \"embedding\", \"index\": {}, "
            "\"embedding\": {}}",
            i == 0 ? "" : ",", i, TextJson(*engine, i - next));
      }
      next = end;
    }
    Print(Format("{\"object\": \"list\", \"model\": {}, \"data\": [{}]}\n",
                 JsonText(model->info().name), data));
    return {};
  }

 private:
  Pooling PoolingFor(const ModelInfo& info) const {
    switch (pooling_) {
      case PoolingFlag::kModel:
        return info.pooling;
      case PoolingFlag::kNone:
        return Pooling::kNone;
      case PoolingFlag::kMean:
        return Pooling::kMean;
      case PoolingFlag::kFirst:
        return Pooling::kFirst;
      case PoolingFlag::kLast:
        return Pooling::kLast;
      case PoolingFlag::kRank:
        return Pooling::kRank;
    }
    return Pooling::kNone;
  }

  // Decodes the texts from `begin` on that fit one batch, as sequences 0, 1,
  // ...; returns the index after the last of them.
  Result<size_t> DecodeTexts(Engine& engine,
                             const std::vector<std::string>& texts,
                             size_t begin) {
    const EngineOptions& options = engine.options();
    const Tokenizer& tokenizer = engine.model().tokenizer();
    const Want want =
        *options.pooling == Pooling::kNone ? Want::kHidden : Want::kPooled;
    int room = options.max_batch;
    if (engine.model().info().attention) {
      room = std::min(room, options.context);
    }
    batch_.Clear();
    SequenceId sequence = 0;
    for (; begin + static_cast<size_t>(sequence) < texts.size() &&
           sequence < options.max_sequences;
         ++sequence) {
      const std::string& text = texts[begin + static_cast<size_t>(sequence)];
      const std::vector<TokenId> tokens = tokenizer.Encode(text, {});
      if (tokens.empty()) return Error{"a text is empty: it has no tokens"};
      const int count = static_cast<int>(tokens.size());
      if (sequence > 0 && batch_.size() + count > room) break;
      BRAID_TRY(engine.Remove(sequence, 0, -1));
      for (int i = 0; i < count; ++i) batch_.Add(tokens[i], i, sequence, want);
    }
    for (SequenceId idle = sequence; idle < options.max_sequences; ++idle) {
      BRAID_TRY(engine.Remove(idle, 0, -1));
    }
    BRAID_TRY(engine.Decode(batch_, {}));
    return begin + static_cast<size_t>(sequence);
  }

  // The embedding of a sequence of the last batch; without pooling a row for
  // each of its tokens.
  std::string TextJson(const Engine& engine, size_t sequence) const {
    const Pooling pooling = *engine.options().pooling;
    if (pooling != Pooling::kNone) {
      const auto row = engine.Embedding(static_cast<SequenceId>(sequence));
      return RowJson(row, pooling != Pooling::kRank);
    }
    std::string rows = "[";
    for (int i = 0; i < batch_.size(); ++i) {
      if (batch_[i].sequence != static_cast<SequenceId>(sequence)) continue;
      if (rows.size() > 1) rows += ", ";
      rows += RowJson(engine.Hidden(i), true);
    }
    return rows + "]";
  }

  std::string RowJson(std::span<const float> values, bool scalable) const {
    Row row(values.begin(), values.end());
    if (scalable && normalization_ == Normalization::kEuclidean) {
      NormalizeRow(row);
    }
    return NumbersJson(row);
  }

  PromptFlags prompts_;
  ModelFlags model_;
  EngineFlags engine_;
  PoolingFlag pooling_ = PoolingFlag::kModel;
  Normalization normalization_ = Normalization::kEuclidean;
  Batch batch_;
};

}  // namespace

std::unique_ptr<Command> MakeEmbedding() {
  return std::make_unique<Embedding>();
}

}  // namespace braid::cli
