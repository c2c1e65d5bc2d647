// braid embedding: texts to vectors.
#include <algorithm>
#include <optional>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/embedding_output.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/progress.h"
#include "apps/braid/prompts.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

// Texts that are decoded at a time.
constexpr int kMostTexts = 64;

struct Text {
  std::string name;  // for messages
  EmbeddedText embedded;
  std::vector<TokenId> tokens;  // none: it has no embedding
};

// What stands between separators, empty pieces too.
std::vector<Text> Pieces(const std::vector<Prompt>& prompts,
                         const std::string& separator) {
  std::vector<Text> texts;
  for (const Prompt& prompt : prompts) {
    const std::vector<std::string> pieces = separator.empty()
                                                ? std::vector{prompt.text}
                                                : Split(prompt.text, separator);
    for (size_t i = 0; i < pieces.size(); ++i) {
      std::string name = Format("text {}", texts.size());
      if (separator == "\n" && pieces.size() > 1 && !prompt.where.empty()) {
        name += Format(" ({}, line {})", prompt.where, i + 1);
      } else if (!prompt.where.empty()) {
        name += Format(" ({})", prompt.where);
      }
      texts.push_back({.name = std::move(name),
                       .embedded = {.text = pieces[i], .rows = {}},
                       .tokens = {}});
    }
  }
  return texts;
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
        .Switch("--truncate",
                "embed the start of a text that does not fit; otherwise it has "
                "no embedding",
                &truncate_)
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

  std::vector<UnusedFlags> Unused() const override {
    std::vector<UnusedFlags> unused = {{.names = kGoingBackFlags,
                                        .use = "on texts, which never go back",
                                        .only_noted = true}};
    if (prompts_.EscapesNothing()) {
      unused.push_back(
          {.names = "-e", .use = "on a whole file", .only_noted = true});
    }
    if (pooling_ == Pooling::kRank) {
      unused.push_back({.names = "--embd-normalize",
                        .use = "with --pooling rank",
                        .only_noted = true});
    }
    return unused;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<Prompt> given, prompts_.Read());
    std::vector<Text> texts = Pieces(given, ProcessEscapes(separator_));
    if (texts.empty()) {
      return Error{"nothing to embed; give -p TEXT or -f FILE"};
    }
    double load_seconds = 0;
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 MakeEngine(texts.size(), &load_seconds));
    size_t failed = Tokenize(*engine, texts);
    if (failed == texts.size()) {
      return Error{Format("none of {} can be embedded",
                          Counted(static_cast<int64_t>(failed), "text"))};
    }
    const Stopwatch watch;
    const InterruptGuard guard;
    const size_t done = EmbedAll(*engine, guard, texts, &failed);
    const bool pooled = *engine->options().pooling != Pooling::kNone;
    std::vector<EmbeddedText> embedded;
    for (size_t i = 0; i < done; ++i) {
      embedded.push_back(std::move(texts[i].embedded));
    }
    Print(FormatEmbeddings(embedded, pooled, format_,
                           engine->model().info().name));
    Note(Format("{} in {} s, loading took {} s\n",
                Counted(static_cast<int64_t>(done), "text"),
                Fixed(watch.Seconds(), 2), Fixed(load_seconds, 2)));
    BRAID_TRY(guard.Verdict());
    if (failed == 0) return {};
    return Error{Format("no embedding: {} of {}", failed,
                        Counted(static_cast<int64_t>(texts.size()), "text"))};
  }

 private:
  Result<std::unique_ptr<Engine>> MakeEngine(size_t texts,
                                             double* load_seconds) const {
    const int sequences = std::min(static_cast<int>(texts), kMostTexts);
    BRAID_ASSIGN(EngineOptions options, engine_.Options(sequences));
    BRAID_ASSIGN(std::shared_ptr<const Model> model,
                 model_.LoadFor("embedding", options.threads, load_seconds,
                                /*encoder_only=*/true));
    options.pooling = pooling_;
    if (model->info().bidirectional) {
      const SplitPolicy usual = EngineOptions().split;
      if (options.split != usual && options.split != SplitPolicy::kWhole) {
        Note("note: --split has no effect, the model reads texts whole\n");
      }
      options.split = SplitPolicy::kWhole;
    }
    return Engine::Create(std::move(model), options);
  }

  // Returns how many texts have too many tokens, or none: they are told.
  size_t Tokenize(const Engine& engine, std::vector<Text>& texts) const {
    const Model& model = engine.model();
    const TextLimit limit = LongestText(model, engine.options());
    LengthNotices notices(model.info());
    size_t failed = 0;
    for (Text& text : texts) {
      text.tokens = model.tokenizer().Encode(text.embedded.text, {});
      const auto size = static_cast<int64_t>(text.tokens.size());
      const Status fits = CheckLength(text.name, size, limit);
      if (!fits.ok() && truncate_) {
        text.tokens =
            CutTokens(model.tokenizer(), text.embedded.text,
                      static_cast<size_t>(*limit.tokens()), Kept::kStart);
        Note(Format("{}: {}, the first {} are used\n", text.name,
                    Counted(size, "token"), text.tokens.size()));
      } else if (!fits.ok()) {
        text.tokens.clear();
        Note(fits.error().message + "\n");
      } else if (size == 0) {
        Note(Format("{}: is empty and has no tokens\n", text.name));
      }
      notices.Long(text.name, static_cast<int64_t>(text.tokens.size()));
      text.embedded.tokens = static_cast<int>(text.tokens.size());
      if (text.tokens.empty()) ++failed;
    }
    return failed;
  }

  // Returns how many of the texts were done when it ended, or was interrupted.
  // Adds those that the engine refuses alone to `failed`.
  size_t EmbedAll(Engine& engine, const InterruptGuard& guard,
                  std::vector<Text>& texts, size_t* failed) const {
    Progress progress("embedding", model_.progress);
    size_t done = 0;
    while (done < texts.size()) {
      progress.Show(static_cast<double>(done) /
                    static_cast<double>(texts.size()));
      if (texts[done].tokens.empty()) {
        ++done;
        continue;
      }
      auto end = Embed(engine, guard, done, kMostTexts, texts);
      if (guard.interrupted()) break;
      // The memory of sequences may be too small for them together.
      if (!end.ok()) end = Embed(engine, guard, done, 1, texts);
      if (guard.interrupted()) break;
      if (!end.ok()) {
        Text& text = texts[done];
        Note(Format("{}: {}: {}\n", text.name,
                    Counted(text.embedded.tokens, "token"),
                    end.error().message));
        text.embedded.rows.clear();
        ++*failed;
        end = done + 1;
      }
      done = *end;
    }
    return done;
  }

  // As many of the texts from `first` on as one batch takes, `most` at the
  // most, as sequences 0, 1, ...; returns which is the next one. A text that is
  // longer than a batch comes alone, in several calls.
  Result<size_t> Embed(Engine& engine, const InterruptGuard& guard,
                       size_t first, int most, std::vector<Text>& texts) const {
    const EngineOptions& options = engine.options();
    const Want want =
        *options.pooling == Pooling::kNone ? Want::kHidden : Want::kPooled;
    const ModelInfo& info = engine.model().info();
    int left = options.max_batch;  // tokens that more texts may have
    if (info.attention) left = std::min(left, options.context);
    for (SequenceId s = 0; s < options.max_sequences; ++s) {
      BRAID_TRY(engine.Remove(s, 0, -1));
    }
    std::vector<Text*> sequences;
    Batch batch;
    size_t next = first;
    for (; next < texts.size(); ++next) {
      const std::vector<TokenId>& tokens = texts[next].tokens;
      const int count = static_cast<int>(tokens.size());
      if (count == 0) continue;
      const auto sequence = static_cast<SequenceId>(sequences.size());
      if (sequence == std::min(options.max_sequences, most)) break;
      if (sequence > 0 && count > left) break;
      left -= count;
      texts[next].embedded.rows.clear();
      sequences.push_back(&texts[next]);
      for (int i = 0; i < count; ++i) {
        if (batch.size() == options.max_batch && !info.bidirectional) {
          BRAID_TRY(DecodeRows(engine, batch, guard, sequences));
        }
        batch.Add(tokens[i], i, sequence, want);
      }
    }
    if (sequences.empty()) return next;
    BRAID_TRY(DecodeRows(engine, batch, guard, sequences));
    if (want == Want::kHidden) return next;
    for (size_t s = 0; s < sequences.size(); ++s) {
      AddRow(engine.Embedding(static_cast<SequenceId>(s)),
             *options.pooling != Pooling::kRank, sequences[s]->embedded);
    }
    return next;
  }

  Status DecodeRows(Engine& engine, Batch& batch, const InterruptGuard& guard,
                    const std::vector<Text*>& sequences) const {
    BRAID_TRY(engine.Decode(batch, guard.asked()));
    for (int i = 0; i < batch.size(); ++i) {
      if (batch[i].want != Want::kHidden) continue;
      AddRow(engine.Hidden(i), true,
             sequences[static_cast<size_t>(batch[i].sequence)]->embedded);
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
  bool truncate_ = false;
  EmbeddingFormat format_ = EmbeddingFormat::kText;
};

}  // namespace

std::unique_ptr<Command> MakeEmbedding() {
  return std::make_unique<Embedding>();
}

}  // namespace braid::cli
