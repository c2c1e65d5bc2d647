// braid embedding: texts to vectors.
#include <algorithm>
#include <optional>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/embedding_output.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/progress.h"
#include "apps/braid/prompts.h"

namespace braid::cli {

namespace {

// Texts that are decoded at a time.
constexpr int kMostTexts = 64;

// The pieces between separators, without empty ones.
std::vector<std::string> Pieces(const std::vector<std::string>& texts,
                                const std::string& separator) {
  if (separator.empty()) return texts;
  std::vector<std::string> pieces;
  for (const std::string& text : texts) {
    for (size_t begin = 0; begin <= text.size();) {
      const size_t end = std::min(text.find(separator, begin), text.size());
      if (end > begin) pieces.push_back(text.substr(begin, end - begin));
      begin = end + separator.size();
    }
  }
  return pieces;
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
                {{"model", std::nullopt},
                 {"none", Pooling::kNone},
                 {"mean", Pooling::kMean},
                 {"cls", Pooling::kFirst},
                 {"last", Pooling::kLast},
                 {"rank", Pooling::kRank}})
        .Integer("--embd-normalize, --embedding-normalize", "N",
                 "divide rows; -1: not, 0: largest value 32760, 1: sum of "
                 "values, 2: length, more: p-norm",
                 &norm_, {-1, 64})
        .Text("--embd-separator", "TEXT",
              "what stands between two texts of a prompt or file", &separator_)
        .Choice("--embd-output-format", "FORMAT",
                "text: lines, and how similar the texts are; json+: with "
                "similarities; raw: numbers only",
                &format_,
                {{"text", EmbeddingFormat::kText},
                 {"array", EmbeddingFormat::kArray},
                 {"json", EmbeddingFormat::kJson},
                 {"json+", EmbeddingFormat::kJsonPlus},
                 {"raw", EmbeddingFormat::kRaw}});
    return table;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<std::string> given, prompts_.Read());
    const std::vector<std::string> texts =
        Pieces(given, ProcessEscapes(separator_));
    if (texts.empty()) {
      return Error{"nothing to embed; give -p TEXT or -f FILE"};
    }
    const int sequences = std::min(static_cast<int>(texts.size()), kMostTexts);
    BRAID_ASSIGN(EngineOptions options, engine_.Options(sequences));
    double load_seconds = 0;
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.Load(options.threads, &load_seconds, true));
    options.pooling = pooling_;
    if (model->info().bidirectional) options.split = SplitPolicy::kWhole;
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, options));

    std::vector<EmbeddedText> embedded;
    const Stopwatch watch;
    const InterruptGuard guard;
    Progress progress("embedding", model_.progress);
    while (embedded.size() < texts.size()) {
      progress.Show(static_cast<double>(embedded.size()) /
                    static_cast<double>(texts.size()));
      const size_t done = embedded.size();
      const Status status = Embed(*engine, texts, guard, embedded);
      if (guard.interrupted()) {
        embedded.resize(done);
        break;
      }
      if (!status.ok()) return status;
    }
    const bool pooled = *engine->options().pooling != Pooling::kNone;
    progress.Hide();
    Print(FormatEmbeddings(embedded, pooled, format_, model->info().name));
    Note(Format("{} texts in {} s, loading took {} s\n", embedded.size(),
                Fixed(watch.Seconds(), 2), Fixed(load_seconds, 2)));
    return guard.Verdict();
  }

 private:
  // As many of the texts that are left as one batch takes, as sequences 0, 1,
  // ... One that is longer than a batch comes alone, in several calls.
  Status Embed(Engine& engine, const std::vector<std::string>& texts,
               const InterruptGuard& guard,
               std::vector<EmbeddedText>& embedded) {
    const EngineOptions& options = engine.options();
    const Want want =
        *options.pooling == Pooling::kNone ? Want::kHidden : Want::kPooled;
    const ModelInfo& info = engine.model().info();
    int left = options.max_batch;  // tokens that more texts may have
    if (info.attention) left = std::min(left, options.context);
    for (SequenceId sequence = 0; sequence < options.max_sequences;
         ++sequence) {
      BRAID_TRY(engine.Remove(sequence, 0, -1));
    }
    const size_t first = embedded.size();
    Batch batch;
    for (SequenceId sequence = 0;
         embedded.size() < texts.size() && sequence < options.max_sequences;
         ++sequence) {
      const std::string& text = texts[embedded.size()];
      const std::vector<TokenId> tokens =
          engine.model().tokenizer().Encode(text, {});
      const int count = static_cast<int>(tokens.size());
      if (count == 0) return Error{"a text is empty: it has no tokens"};
      if (sequence > 0 && count > left) break;
      left -= count;
      embedded.push_back({.text = text, .rows = {}, .tokens = count});
      for (int i = 0; i < count; ++i) {
        if (batch.size() == options.max_batch && !info.bidirectional) {
          BRAID_TRY(DecodeRows(engine, batch, first, guard, embedded));
        }
        batch.Add(tokens[i], i, sequence, want);
      }
    }
    BRAID_TRY(DecodeRows(engine, batch, first, guard, embedded));
    if (want == Want::kHidden) return {};
    for (size_t i = first; i < embedded.size(); ++i) {
      AddRow(engine.Embedding(static_cast<SequenceId>(i - first)),
             *options.pooling != Pooling::kRank, embedded[i]);
    }
    return {};
  }

  // Sequence s is text first + s.
  Status DecodeRows(Engine& engine, Batch& batch, size_t first,
                    const InterruptGuard& guard,
                    std::vector<EmbeddedText>& embedded) const {
    BRAID_TRY(engine.Decode(batch, guard.asked()));
    for (int i = 0; i < batch.size(); ++i) {
      if (batch[i].want != Want::kHidden) continue;
      AddRow(engine.Hidden(i), true,
             embedded[first + static_cast<size_t>(batch[i].sequence)]);
    }
    batch.Clear();
    return {};
  }

  void AddRow(std::span<const float> values, bool scalable,
              EmbeddedText& text) const {
    text.rows.emplace_back(values.begin(), values.end());
    if (scalable) NormalizeRow(norm_, text.rows.back());
  }

  PromptFlags prompts_;
  ModelFlags model_;
  EngineFlags engine_;
  std::optional<Pooling> pooling_;  // empty: as the file says
  int norm_ = 2;
  std::string separator_ = "\\n";
  EmbeddingFormat format_ = EmbeddingFormat::kText;
};

}  // namespace

std::unique_ptr<Command> MakeEmbedding() {
  return std::make_unique<Embedding>();
}

}  // namespace braid::cli
