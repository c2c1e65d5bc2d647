// braid perplexity: how well a model predicts a text, or chooses answers.
#include <algorithm>
#include <cmath>
#include <optional>

#include "apps/braid/bench_report.h"
#include "apps/braid/choice_measurement.h"
#include "apps/braid/chunks.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/html_report.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/kl_divergence.h"
#include "apps/braid/logits_file.h"
#include "apps/braid/model_use.h"
#include "apps/braid/progress.h"
#include "apps/braid/statistics.h"
#include "apps/braid/text.h"
#include "apps/braid/text_input.h"
#include "sampling/log_probability.h"

namespace braid::cli {

namespace {

constexpr int kMostPositions = 1 << 30;
constexpr int kLeastContext = 3;  // tokens that have one to score
// Tokens of the text that a page shows: a browser draws so many at once.
constexpr size_t kMostShown = 20000;
constexpr size_t kMostPoints = 250;  // of its line of losses

struct LoadedText {
  std::shared_ptr<const Model> model;
  std::string text;
};

class Perplexity : public Command {
 public:
  Perplexity() { engine_.options.context = 512; }

  FlagTable Flags() override {
    FlagTable table;
    table.Group("Text")
        .Text("-f, --file", "FILE",
              "the text or the tasks, UTF-8 or UTF-16; - is standard input",
              &file_)
        .Text("-bf, --binary-file", "FILE", "the same, byte for byte",
              &binary_file_)
        .Integer("--chunks", "N", "at most so many chunks; -1: all", &most_,
                 {-1, 1 << 30})
        .Integer("--ppl-stride", "N",
                 "a chunk for every N tokens, each with about -c before it; 0: "
                 "chunks do not overlap",
                 &stride_, {0, 1 << 24});
    table.Group("Tasks")
        .Switch("--hellaswag", "endings to choose from, six lines a task",
                &hellaswag_)
        .Integer("--hellaswag-tasks", "N", "tasks of HellaSwag",
                 &hellaswag_tasks_, {1, 1 << 30})
        .Switch("--winogrande", "gaps to fill, a CSV or JSON line a task",
                &winogrande_)
        .Integer("--winogrande-tasks", "N", "tasks of Winogrande; 0: all",
                 &winogrande_tasks_, {0, 1 << 30})
        .Switch("--multiple-choice", "answers to choose from, a binary file",
                &multiple_choice_)
        .Integer("--multiple-choice-tasks", "N",
                 "tasks of multiple choice; 0: all", &multiple_choice_tasks_,
                 {0, 1 << 30})
        .Switch("--scores", "also print the score of every answer",
                &print_scores_);
    table.Group("Divergence")
        .Text("--kl-divergence-base, --save-all-logits", "FILE",
              "write what this model says of every scored token; with "
              "--kl-divergence, read it",
              &base_)
        .Switch("--kl-divergence",
                "compare this model with the one that wrote the base",
                &kl_divergence_);
    table.Group("Output").Text("--report", "FILE",
                               "write a page to look at, HTML in one file",
                               &html_);
    model_.Declare(table);
    engine_.Declare(table);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    const struct {
      bool chosen;
      const char* flag;
      const char* other_tasks;
    } kTasks[] = {
        {hellaswag_, "--hellaswag",
         "--winogrande-tasks, --multiple-choice-tasks"},
        {winogrande_, "--winogrande",
         "--hellaswag-tasks, --multiple-choice-tasks"},
        {multiple_choice_, "--multiple-choice",
         "--hellaswag-tasks, --winogrande-tasks"},
    };
    const UnusedFlags going_back = {.names = kGoingBackFlags,
                                    .use = "on texts, which are evaluated once",
                                    .only_noted = true};
    for (const auto& task : kTasks) {
      if (!task.chosen) continue;
      return {going_back,
              {.names = task.other_tasks, .use = Format("with {}", task.flag)},
              {.names = "--chunks, --ppl-stride",
               .use = Format("with {}", task.flag)},
              {.names = "-c",
               .use = Format("with {}", task.flag),
               .only_noted = true}};
    }
    const std::string of_tasks =
        "--scores, --hellaswag-tasks, --winogrande-tasks, "
        "--multiple-choice-tasks";
    if (!kl_divergence_) {
      return {going_back, {.names = of_tasks, .use = "on a text"}};
    }
    return {going_back,
            {.names = of_tasks, .use = "with --kl-divergence"},
            {.names = "-f, -bf, -c",
             .use = "with --kl-divergence, which reads tokens from the base",
             .only_noted = true}};
  }

  Status Run() override {
    BRAID_TRY(CheckUse());
    if (kl_divergence_) return MeasureDivergence();
    if (const auto choices = Choices()) return MeasureTasks(*choices);
    return MeasureText();
  }

 private:
  // Which flags go together.
  Status CheckUse() const {
    const int tasks = hellaswag_ + winogrande_ + multiple_choice_;
    if (tasks + kl_divergence_ > 1) {
      return Error{
          "one of --hellaswag, --winogrande, --multiple-choice and "
          "--kl-divergence at a time"};
    }
    if (tasks > 0 && !base_.empty()) {
      return Error{"--kl-divergence-base is for texts, not for tasks"};
    }
    if (tasks + kl_divergence_ > 0 && !html_.empty()) {
      return Error{"--report is for texts, not for tasks or --kl-divergence"};
    }
    if (stride_ > 0 && !base_.empty()) {
      return Error{
          "--ppl-stride and --kl-divergence-base: a base has the second half "
          "of every chunk"};
    }
    if (most_ == 0) return Error{"--chunks: 0 leaves nothing to measure"};
    if (!base_.empty() && !kl_divergence_) BRAID_TRY(CheckWritable(base_));
    return HtmlReport::CheckPath(html_);
  }

  // ---- Texts.

  // What --report shows of a text.
  struct TextPage {
    HtmlChart running = {.title = "Running perplexity",
                         .x_name = "chunks",
                         .y_name = "perplexity",
                         .from_zero = false};
    std::vector<TokenLoss> losses;
  };

  Status MeasureText() {
    BRAID_ASSIGN(const LoadedText loaded, LoadText(/*trim=*/true));
    BRAID_ASSIGN(const ChunkShape shape, Shape());
    BRAID_ASSIGN(const Chunks chunks, Cut(*loaded.model, loaded.text, shape));
    if (!base_.empty()) return WriteBase(loaded.model, chunks);
    const int side_by_side =
        std::clamp(engine_.options.max_batch / shape.length, 1, Count(chunks));
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 MakeEngine(loaded.model, side_by_side, shape.length));
    const InterruptGuard guard;
    Progress progress("perplexity", model_.progress, ProgressPlace::kBelow);
    const Stopwatch watch;
    Likelihood likelihood;
    TextPage page;
    ChunkScorer scorer(*engine, chunks, guard.asked());
    const int count = Count(chunks);
    for (int first = 0; first < count; first += side_by_side) {
      progress.Show(static_cast<double>(first) / count);
      const int together = std::min(side_by_side, count - first);
      const auto scores = scorer.Score(first, together);
      if (guard.interrupted()) break;
      if (!scores.ok()) return scores.error();
      progress.Hide();
      AddScores(*loaded.model, chunks, first, *scores, likelihood, page);
    }
    progress.Hide();
    BRAID_TRY(FinishText(*engine, likelihood, page,
                         Format("{} of {} tokens, {} side by side, {} s",
                                Counted(count, "chunk"), shape.length,
                                side_by_side, Fixed(watch.Seconds(), 1))));
    return guard.Verdict();
  }

  // Prints the estimate, if there is one, and writes the page. `what` was done
  // stands before the mean.
  Status FinishText(const Engine& engine, const Likelihood& likelihood,
                    const TextPage& page, const std::string& what) const {
    if (likelihood.count() == 0) return {};
    if (!std::isfinite(likelihood.Mean())) {
      return Error{
          "the model's logits are NaN or infinite: its file is damaged, or its "
          "numbers overflow"};
    }
    Say(Format("\nFinal estimate: PPL = {} +/- {}\n",
               Fixed(likelihood.Perplexity(), 4),
               Fixed(likelihood.PerplexityError(), 5)));
    Note(Format("{}; mean negative log-likelihood of {}: {}\n", what,
                Counted(likelihood.count(), "token"), likelihood.Mean()));
    if (html_.empty()) return {};
    return WriteHtml(engine, likelihood, page);
  }

  // The result of a text is a file if a base is written.
  void Say(std::string_view text) const {
    base_.empty() ? Print(text) : PrintBesideFile(text);
  }

  // The scores of chunks from `first` on.
  void AddScores(const Model& model, const Chunks& chunks, int first,
                 const std::vector<double>& scores, Likelihood& likelihood,
                 TextPage& page) const {
    const ChunkShape& shape = chunks.shape();
    for (size_t i = 0; i < scores.size(); ++i) {
      likelihood.Add(scores[i]);
      const int done = static_cast<int>(i) + 1;
      if (!html_.empty() && page.losses.size() < kMostShown) {
        const TokenId token =
            chunks.Token(first + (done - 1) / shape.scored(),
                         shape.first_scored + (done - 1) % shape.scored());
        const bool skips =
            shape.step > shape.scored() && (done - 1) % shape.scored() == 0;
        page.losses.push_back(
            {model.tokenizer().Piece(token, {}), -scores[i], skips});
      }
      if (done % shape.scored() != 0) continue;
      const int chunk = first + done / shape.scored();
      Say(Format("[{}]{},", stride_ > 0 ? (chunk - 1) * stride_ : chunk,
                 Fixed(likelihood.Perplexity(), 4)));
      page.running.Add("perplexity", chunk, likelihood.Perplexity());
      page.running.AddBand("standard error", chunk, likelihood.Perplexity(),
                           likelihood.PerplexityError());
    }
  }

  Status WriteHtml(const Engine& engine, const Likelihood& likelihood,
                   const TextPage& text) const {
    HtmlReport page("braid perplexity");
    const ModelInfo& info = engine.model().info();
    page.AddFacts(ModelText(info),
                  {{"perplexity", Fixed(likelihood.Perplexity(), 4)},
                   {"standard error", Fixed(likelihood.PerplexityError(), 5)},
                   {"loss, nats a token", Fixed(likelihood.Mean(), 4)},
                   {"scored tokens", Format("{}", likelihood.count())},
                   {"chunks of", Counted(engine_.options.context, "token")}});
    page.AddChart(text.running);
    page.AddChart(LossChart(text.losses));
    page.AddTokens(text.losses);
    return page.Write(html_);
  }

  // Means of neighbours, so that the line has a few hundred points at most.
  static HtmlChart LossChart(const std::vector<TokenLoss>& losses) {
    const size_t count = losses.size();
    const size_t points = std::min(count, kMostPoints);
    HtmlChart chart = {.title = "Loss over the text",
                       .x_name = "scored tokens",
                       .y_name = "nats a token"};
    const std::string name =
        points == count ? "loss"
                        : Format("mean of about {} tokens", count / points);
    for (size_t point = 0; point < points; ++point) {
      const size_t first = point * count / points;
      const size_t end = (point + 1) * count / points;
      double sum = 0;
      for (size_t i = first; i < end; ++i) sum += losses[i].loss;
      chart.Add(name, static_cast<double>(end),
                sum / static_cast<double>(end - first));
    }
    return chart;
  }

  Result<LoadedText> LoadText(bool trim) {
    LoadedText loaded;
    BRAID_ASSIGN(loaded.text, ReadInput());
    if (trim && loaded.text.ends_with('\n')) loaded.text.pop_back();
    BRAID_ASSIGN(loaded.model, LoadModel());
    return loaded;
  }

  Result<std::string> ReadInput() const {
    if (file_.empty() && binary_file_.empty()) {
      return Error{"no text: give -f FILE"};
    }
    if (!file_.empty() && !binary_file_.empty()) {
      return Error{"-f and -bf: only one of them"};
    }
    // Tasks of multiple choice are no text.
    return file_.empty() || multiple_choice_ ? ReadBytes(InputPath())
                                             : ReadText(file_);
  }

  const std::string& InputPath() const {
    return file_.empty() ? binary_file_ : file_;
  }

  Result<std::shared_ptr<const Model>> LoadModel() {
    double load_seconds = 0;
    return model_.LoadFor("perplexity", engine_.options.threads, &load_seconds);
  }

  Result<ChunkShape> Shape() const {
    const int context = engine_.options.context;
    if (context < kLeastContext) {
      return Error{Format("-c: {} is not at least {}", context, kLeastContext)};
    }
    if (stride_ > context) {
      return Error{
          Format("--ppl-stride: {} is more than -c {}", stride_, context)};
    }
    return stride_ > 0 ? ChunkShape::Strided(context, stride_)
                       : ChunkShape::Halves(context);
  }

  static Result<Chunks> Cut(const Model& model, const std::string& text,
                            const ChunkShape& shape) {
    const Tokenizer& tokenizer = model.tokenizer();
    std::vector<TokenId> tokens =
        tokenizer.Encode(text, {.add_special = true, .parse_special = false});
    if (tokens.size() < 2 * static_cast<size_t>(shape.length)) {
      return Error{Format(
          "the text has {}, two chunks of {} are needed{}",
          Counted(static_cast<int64_t>(tokens.size()), "token"), shape.length,
          tokens.size() < 2 * kLeastContext ? "" : ": lower -c")};
    }
    LengthNotices(model.info()).Long("a chunk of -c", shape.length);
    return Chunks(std::move(tokens), shape, tokenizer);
  }

  int Count(const Chunks& chunks) const {
    return most_ < 0 ? chunks.count() : std::min(most_, chunks.count());
  }

  // `each` positions for every sequence.
  Result<std::unique_ptr<Engine>> MakeEngine(std::shared_ptr<const Model> model,
                                             int sequences, int each) {
    BRAID_ASSIGN(EngineOptions options, engine_.Options(sequences));
    if (int64_t{each} * sequences > kMostPositions) {
      return Error{Format("{} of {} side by side: lower -b",
                          Counted(sequences, "text"), Counted(each, "token"))};
    }
    options.context = each * sequences;
    return Engine::Create(std::move(model), options);
  }

  // ---- Divergence.

  Status WriteBase(const std::shared_ptr<const Model>& model,
                   const Chunks& chunks) {
    const int length = chunks.shape().length;
    LogitsHeader header = {.context = length,
                           .vocabulary = model->info().vocabulary_size,
                           .chunks = Count(chunks),
                           .tokens = {}};
    for (int chunk = 0; chunk < header.chunks; ++chunk) {
      for (int i = 0; i < length; ++i) {
        header.tokens.push_back(chunks.Token(chunk, i));
      }
    }
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 MakeEngine(model, 1, length));
    BRAID_ASSIGN(LogitsWriter writer, LogitsWriter::Create(base_, header));
    const InterruptGuard guard;
    Progress progress("logits", model_.progress, ProgressPlace::kBelow);
    const Stopwatch watch;
    Likelihood likelihood;
    TextPage page;
    ChunkScorer scorer(*engine, chunks, guard.asked());
    for (int chunk = 0; chunk < header.chunks; ++chunk) {
      progress.Show(static_cast<double>(chunk) / header.chunks);
      std::vector<double> scores;
      const Status scored = scorer.ScoreRows(
          chunk, [&](std::span<const float> logits, TokenId token) {
            scores.push_back(LogProbability(logits, token));
            return writer.Add(logits);
          });
      if (guard.interrupted()) break;
      if (!scored.ok()) return scored;
      progress.Hide();
      AddScores(*model, chunks, chunk, scores, likelihood, page);
    }
    progress.Hide();
    BRAID_TRY(FinishText(
        *engine, likelihood, page,
        Format("{} of {} tokens, {} s", Counted(header.chunks, "chunk"), length,
               Fixed(watch.Seconds(), 1))));
    BRAID_TRY(guard.Verdict());
    return writer.Finish();
  }

  Status MeasureDivergence() {
    if (base_.empty()) {
      return Error{"--kl-divergence needs --kl-divergence-base FILE"};
    }
    BRAID_ASSIGN(const LogitsReader base, LogitsReader::Open(base_));
    const LogitsHeader& header = base.header();
    BRAID_ASSIGN(const std::shared_ptr<const Model> model, LoadModel());
    if (model->info().vocabulary_size != header.vocabulary) {
      return Error{Format("{}: a vocabulary of {} tokens, the model has {}",
                          base_, header.vocabulary,
                          model->info().vocabulary_size)};
    }
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 MakeEngine(model, 1, header.context));
    ChunkShape shape = ChunkShape::Halves(header.context);
    shape.begins_with_bos = false;  // the file's tokens are what was decoded
    const Chunks chunks(header.tokens, shape, model->tokenizer());
    const int count = Count(chunks);
    const InterruptGuard guard;
    Progress progress("divergence", model_.progress);
    ChunkScorer scorer(*engine, chunks, guard.asked());
    KlDivergence divergence;
    std::vector<float> said(static_cast<size_t>(header.vocabulary));
    int64_t row = 0;
    Print(KlDivergence::Heading());
    for (int chunk = 0; chunk < count; ++chunk) {
      progress.Show(static_cast<double>(chunk) / count);
      const Status scored = scorer.ScoreRows(
          chunk, [&](std::span<const float> logits, TokenId token) -> Status {
            BRAID_TRY(base.Row(row++, said));
            divergence.Add(logits, said, token);
            return {};
          });
      if (guard.interrupted()) break;
      if (!scored.ok()) return scored.error();
      progress.Hide();
      Print(divergence.Line(chunk + 1));
    }
    progress.Hide();
    if (row > 0) Print(divergence.Summary());
    return guard.Verdict();
  }

  // ---- Tasks.

  std::optional<ChoiceMeasurement> Choices() const {
    ChoiceMeasurement choices = {.kind = ChoiceKind::kHellaSwag,
                                 .most = hellaswag_tasks_,
                                 .print_scores = print_scores_,
                                 .progress = model_.progress};
    if (hellaswag_) return choices;
    choices.kind = ChoiceKind::kWinogrande;
    choices.most = winogrande_tasks_;
    if (winogrande_) return choices;
    choices.kind = ChoiceKind::kMultipleChoice;
    choices.most = multiple_choice_tasks_;
    if (multiple_choice_) return choices;
    return {};
  }

  Status MeasureTasks(const ChoiceMeasurement& choices) {
    const bool trim = choices.kind == ChoiceKind::kHellaSwag;
    BRAID_ASSIGN(const LoadedText loaded, LoadText(trim));
    return MeasureChoices(choices, InputPath(), loaded.text, loaded.model,
                          engine_);
  }

  std::string file_;
  std::string binary_file_;
  std::string html_;
  int most_ = -1;
  int stride_ = 0;
  bool hellaswag_ = false;
  int hellaswag_tasks_ = 400;
  bool winogrande_ = false;
  int winogrande_tasks_ = 0;
  bool multiple_choice_ = false;
  int multiple_choice_tasks_ = 0;
  std::string base_;
  bool kl_divergence_ = false;
  bool print_scores_ = false;
  ModelFlags model_;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> MakePerplexity() {
  return std::make_unique<Perplexity>();
}

}  // namespace braid::cli
