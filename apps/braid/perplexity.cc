// braid perplexity: how well a model predicts a text.
//
// Jelinek et al., "Perplexity: a measure of the difficulty of speech
// recognition tasks", 1977: exp of the mean negative log-likelihood of a token.
#include <algorithm>
#include <cmath>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/html_report.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/machine_limits.h"
#include "apps/braid/prompts.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

// Tokens of the text that a page shows: a browser draws so many at once.
constexpr size_t kMostShown = 20000;

// Mean and spread of negative log-likelihoods, added in the order of the text.
class Likelihood {
 public:
  void Add(double log_probability) {
    sum_ -= log_probability;
    squares_ += log_probability * log_probability;
    ++count_;
  }
  int64_t count() const { return count_; }
  double Mean() const { return sum_ / static_cast<double>(count_); }
  double Perplexity() const { return std::exp(Mean()); }
  // The standard error of the mean, carried over to its exponential.
  double PerplexityError() const {
    if (count_ < 2) return 0;
    const double n = static_cast<double>(count_);
    const double variance = squares_ / n - Mean() * Mean();
    return Perplexity() * std::sqrt(std::max(variance, 0.0) / (n - 1));
  }

 private:
  double sum_ = 0;
  double squares_ = 0;
  int64_t count_ = 0;
};

// A text cut into chunks of the same length; what is left over is dropped.
class Chunks {
 public:
  Chunks(std::vector<TokenId> tokens, int length, const Tokenizer& tokenizer)
      : tokens_(std::move(tokens)), length_(length) {
    if (tokenizer.adds_bos()) bos_ = tokenizer.bos();
  }

  int count() const { return static_cast<int>(tokens_.size()) / length_; }
  int length() const { return length_; }
  // Tokens from here on are scored: those before are their context.
  int first_scored() const { return length_ / 2 + 1; }

  // A chunk begins as a text does.
  TokenId Token(int chunk, int i) const {
    if (i == 0 && bos_ != kNoToken) return bos_;
    return tokens_[static_cast<size_t>(chunk) * length_ + i];
  }

 private:
  std::vector<TokenId> tokens_;
  int length_;
  TokenId bos_ = kNoToken;
};

// Decodes consecutive chunks side by side, one sequence each.
class Scorer {
 public:
  Scorer(Engine& engine, const Chunks& chunks, const InterruptGuard& guard)
      : engine_(engine), chunks_(chunks), cancelled_(guard.asked()) {}

  // The log-probabilities of the scored tokens of `count` chunks from `first`
  // on, chunk after chunk.
  Result<std::vector<double>> Score(int first, int count) {
    for (SequenceId s = 0; s < engine_.options().max_sequences; ++s) {
      BRAID_TRY(engine_.Remove(s, 0, -1));
    }
    scores_.assign(static_cast<size_t>(count) * Scored(), 0);
    slots_.clear();
    batch_.Clear();
    for (int s = 0; s < count; ++s) BRAID_TRY(AddChunk(first + s, s));
    if (batch_.size() > 0) BRAID_TRY(Flush());
    return scores_;
  }

 private:
  // Where the score of a batch entry belongs.
  struct Slot {
    int entry;
    size_t score;
  };

  size_t Scored() const {
    return static_cast<size_t>(chunks_.length() - chunks_.first_scored());
  }

  Status AddChunk(int chunk, SequenceId sequence) {
    for (int i = 0; i < chunks_.length(); ++i) {
      const TokenId token = chunks_.Token(chunk, i);
      const int next = i + 1;
      if (next >= chunks_.first_scored() && next < chunks_.length()) {
        const int entry =
            batch_.AddScored(token, i, sequence, chunks_.Token(chunk, next));
        slots_.push_back({entry, static_cast<size_t>(sequence) * Scored() +
                                     (next - chunks_.first_scored())});
      } else {
        batch_.Add(token, i, sequence, Want::kNothing);
      }
      if (batch_.size() == engine_.options().max_batch) BRAID_TRY(Flush());
    }
    return {};
  }

  Status Flush() {
    BRAID_TRY(engine_.Decode(batch_, cancelled_));
    for (const Slot& slot : slots_) {
      scores_[slot.score] = engine_.LogProbability(slot.entry);
    }
    slots_.clear();
    batch_.Clear();
    return {};
  }

  Engine& engine_;
  const Chunks& chunks_;
  const std::function<bool()> cancelled_;
  Batch batch_;
  std::vector<Slot> slots_;
  std::vector<double> scores_;
};

class Perplexity : public Command {
 public:
  Perplexity() { engine_.options.context = 512; }

  FlagTable Flags() override {
    FlagTable table;
    table.Group("Text")
        .Text("-f, --file", "FILE", "the text, byte for byte", &file_)
        .Integer("--chunks", "N", "at most so many chunks; -1: all", &most_,
                 {-1, 1 << 30});
    table.Group("Output").Text("--report", "FILE",
                               "write a page to look at, HTML in one file",
                               &html_);
    model_.Declare(table);
    engine_.Declare(table);
    return table;
  }

  Status Run() override {
    if (file_.empty()) return Error{"no text: give -f FILE"};
    BRAID_ASSIGN(std::string text, ReadText(file_));
    if (text.ends_with('\n')) text.pop_back();
    const int length = engine_.options.context;
    // 3 tokens are the least that have one to score.
    if (length < 3) return Error{Format("-c: {} is not at least 3", length)};
    const int side_by_side = std::max(1, engine_.options.max_batch / length);
    BRAID_ASSIGN(EngineOptions options, engine_.Options(side_by_side));
    double load_seconds = 0;
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.Load(options.threads, &load_seconds));
    BRAID_ASSIGN(const Chunks chunks, Cut(model->tokenizer(), text, length));
    if (int64_t{length} * side_by_side > 1 << 30) {
      return Error{Format("{} chunks of {} tokens side by side: lower -b",
                          side_by_side, length)};
    }
    options.context = length * side_by_side;
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, options));
    return Measure(*engine, chunks);
  }

 private:
  static Result<Chunks> Cut(const Tokenizer& tokenizer, const std::string& text,
                            int length) {
    std::vector<TokenId> tokens =
        tokenizer.Encode(text, {.add_special = true, .parse_special = false});
    if (tokens.size() < 2 * static_cast<size_t>(length)) {
      return Error{Format("the text has {} tokens, two chunks of {} are needed",
                          tokens.size(), length)};
    }
    return Chunks(std::move(tokens), length, tokenizer);
  }

  Status Measure(Engine& engine, const Chunks& chunks) const {
    const int count =
        most_ < 0 ? chunks.count() : std::min(most_, chunks.count());
    const int side_by_side = engine.options().max_sequences;
    const InterruptGuard guard;
    Progress progress("perplexity", model_.progress);
    const Stopwatch watch;
    Likelihood likelihood;
    Scorer scorer(engine, chunks, guard);
    HtmlChart running = {"Running perplexity", "chunks", "perplexity", {}};
    std::vector<TokenLoss> losses;
    for (int first = 0; first < count; first += side_by_side) {
      progress.Show(static_cast<double>(first) / count);
      const int together = std::min(side_by_side, count - first);
      const Result<std::vector<double>> scored = scorer.Score(first, together);
      if (guard.interrupted()) break;
      if (!scored.ok()) return scored.error();
      const std::vector<double>& scores = *scored;
      const size_t each = scores.size() / static_cast<size_t>(together);
      for (size_t i = 0; i < scores.size(); ++i) {
        likelihood.Add(scores[i]);
        if (!html_.empty() && losses.size() < kMostShown) {
          const TokenId token =
              chunks.Token(first + static_cast<int>(i / each),
                           chunks.first_scored() + static_cast<int>(i % each));
          losses.push_back(
              {engine.model().tokenizer().Piece(token, {}), -scores[i]});
        }
        if ((i + 1) % each != 0) continue;
        const int chunk = first + static_cast<int>(i / each) + 1;
        Print(Format("[{}]{},", chunk, Fixed(likelihood.Perplexity(), 4)));
        running.Add("perplexity", chunk, likelihood.Perplexity());
      }
    }
    if (likelihood.count() == 0) return guard.Verdict();
    Print(Format("\nFinal estimate: PPL = {} +/- {}\n",
                 Fixed(likelihood.Perplexity(), 4),
                 Fixed(likelihood.PerplexityError(), 5)));
    Note(
        Format("{} chunks of {} tokens, {} side by side, {} s; mean negative "
               "log-likelihood of {} tokens: {}\n",
               count, chunks.length(), side_by_side, Fixed(watch.Seconds(), 1),
               likelihood.count(), likelihood.Mean()));
    if (!html_.empty()) {
      BRAID_TRY(WriteHtml(engine, likelihood, running, losses));
    }
    return guard.Verdict();
  }

  Status WriteHtml(const Engine& engine, const Likelihood& likelihood,
                   const HtmlChart& running,
                   const std::vector<TokenLoss>& losses) const {
    HtmlReport page("braid perplexity");
    page.AddFacts({{"perplexity", Fixed(likelihood.Perplexity(), 4)},
                   {"standard error", Fixed(likelihood.PerplexityError(), 5)},
                   {"scored tokens", Format("{}", likelihood.count())}});
    BRAID_ASSIGN(const MachineLimits limits,
                 MeasureLimits(engine.options().threads));
    page.AddFacts(FactsAbout(engine.model().info(), limits));
    page.AddChart(running);
    page.AddTokens(losses);
    return page.Write(html_);
  }

  std::string file_;
  std::string html_;
  int most_ = -1;
  ModelFlags model_;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> MakePerplexity() {
  return std::make_unique<Perplexity>();
}

}  // namespace braid::cli
