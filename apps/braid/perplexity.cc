// braid perplexity: how well a model predicts a text, or chooses answers.
#include <algorithm>
#include <optional>

#include "apps/braid/bench_report.h"
#include "apps/braid/choice_scorer.h"
#include "apps/braid/choice_tasks.h"
#include "apps/braid/chunks.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/html_report.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/kl_divergence.h"
#include "apps/braid/logits_file.h"
#include "apps/braid/progress.h"
#include "apps/braid/prompts.h"
#include "apps/braid/statistics.h"
#include "apps/braid/text.h"
#include "sampling/log_probability.h"

namespace braid::cli {

namespace {

constexpr int kMostPositions = 1 << 30;
// Tokens of the text that a page shows: a browser draws so many at once.
constexpr size_t kMostShown = 20000;
constexpr size_t kMostPoints = 250;  // of its line of losses

struct LoadedText {
  std::shared_ptr<const Model> model;
  std::string text;
};

// A task's choice of answer: the first of the most likely ones.
size_t Chosen(const std::vector<double>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) -
                             scores.begin());
}

class Perplexity : public Command {
 public:
  Perplexity() { engine_.options.context = 512; }

  FlagTable Flags() override {
    FlagTable table;
    table.Group("Text")
        .Text("-f, -bf, --file, --binary-file", "FILE",
              "the text or the tasks, byte for byte", &file_)
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

  Status Run() override {
    BRAID_TRY(CheckUse());
    if (kl_divergence_) return MeasureDivergence();
    if (hellaswag_) return MeasureHellaSwag();
    if (winogrande_) return MeasureWinogrande();
    if (multiple_choice_) return MeasureMultipleChoice();
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
        std::max(1, engine_.options.max_batch / shape.length);
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
    BRAID_TRY(FinishText(
        *engine, likelihood, page,
        Format("{} chunks of {} tokens, {} side by side, {} s", count,
               shape.length, side_by_side, Fixed(watch.Seconds(), 1))));
    return guard.Verdict();
  }

  // Prints the estimate, if there is one, and writes the page. `what` was done
  // stands before the mean.
  Status FinishText(const Engine& engine, const Likelihood& likelihood,
                    const TextPage& page, const std::string& what) const {
    if (likelihood.count() == 0) return {};
    Say(Format("\nFinal estimate: PPL = {} +/- {}\n",
               Fixed(likelihood.Perplexity(), 4),
               Fixed(likelihood.PerplexityError(), 5)));
    Note(Format("{}; mean negative log-likelihood of {} tokens: {}\n", what,
                likelihood.count(), likelihood.Mean()));
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
    if (file_.empty()) return Error{"no text: give -f FILE"};
    LoadedText loaded;
    BRAID_ASSIGN(loaded.text, ReadText(file_));
    if (trim && loaded.text.ends_with('\n')) loaded.text.pop_back();
    BRAID_ASSIGN(loaded.model, LoadModel());
    return loaded;
  }

  Result<std::shared_ptr<const Model>> LoadModel() {
    double load_seconds = 0;
    return model_.Load(engine_.options.threads, &load_seconds);
  }

  Result<ChunkShape> Shape() const {
    const int context = engine_.options.context;
    // 3 tokens are the least that have one to score.
    if (context < 3) return Error{Format("-c: {} is not at least 3", context)};
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
      return Error{Format("the text has {} tokens, two chunks of {} are needed",
                          tokens.size(), shape.length)};
    }
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
      return Error{Format("{} texts of {} tokens side by side: lower -b",
                          sequences, each)};
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
    BRAID_TRY(FinishText(*engine, likelihood, page,
                         Format("{} chunks of {} tokens, {} s", header.chunks,
                                length, Fixed(watch.Seconds(), 1))));
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

  // Scores all tasks; on_task(number, scores) in their order.
  template <class OnTask>
  Status ScoreTasks(const std::shared_ptr<const Model>& model,
                    const std::vector<TokenizedTask>& tasks,
                    const OnTask& on_task) {
    size_t widest = 0;
    size_t longest = 0;
    for (const TokenizedTask& task : tasks) {
      widest = std::max(widest, task.choices.size());
      longest = std::max(longest, task.tokens);
    }
    const size_t together =
        std::min(ChoiceScorer::kMostTasks, tasks.size()) * widest;
    BRAID_ASSIGN(EngineOptions options,
                 engine_.Options(static_cast<int>(together)));
    options.context = static_cast<int>(
        std::max(longest, static_cast<size_t>(options.max_batch)));
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, options));
    const InterruptGuard guard;
    ChoiceScorer scorer(*engine, guard.asked());
    Progress progress("tasks", model_.progress);
    const Stopwatch watch;
    size_t done = 0;
    while (done < tasks.size()) {
      progress.Show(static_cast<double>(done) /
                    static_cast<double>(tasks.size()));
      const auto left = std::span(tasks).subspan(done);
      const size_t count = scorer.Together(left);
      const auto scores = scorer.Score(left.first(count));
      if (guard.interrupted()) break;
      if (!scores.ok()) return scores.error();
      progress.Hide();
      for (size_t i = 0; i < count; ++i) on_task(done + i, (*scores)[i]);
      done += count;
    }
    progress.Hide();
    Note(Format("{} tasks in {} s\n", done, Fixed(watch.Seconds(), 1)));
    return guard.Verdict();
  }

  Status MeasureHellaSwag() {
    BRAID_ASSIGN(const LoadedText loaded, LoadText(/*trim=*/true));
    BRAID_ASSIGN(std::vector<ChoiceTask> all,
                 InFile(ParseHellaSwag(loaded.text)));
    const auto tasks =
        SelectTasks(std::move(all), static_cast<size_t>(hellaswag_tasks_));
    const auto tokenized = Tokenize(*loaded.model, tasks, TokenizedTask::From);
    int64_t right = 0;
    return ScoreTasks(loaded.model, tokenized,
                      [&](size_t task, const std::vector<double>& scores) {
                        right += tasks[task].choices[Chosen(scores)].right;
                        const int64_t tries = static_cast<int64_t>(task) + 1;
                        const Interval interval = WilsonInterval(right, tries);
                        Print(Format("{}\t{}%\t[{}%, {}%]\n", tries,
                                     Fixed(100.0 * static_cast<double>(right) /
                                               static_cast<double>(tries),
                                           8),
                                     Fixed(100 * interval.low, 4),
                                     Fixed(100 * interval.high, 4)));
                        NoteScores(task, scores);
                      });
  }

  Status MeasureWinogrande() {
    BRAID_ASSIGN(const LoadedText loaded, LoadText(/*trim=*/false));
    BRAID_ASSIGN(std::vector<ChoiceTask> all,
                 InFile(ParseWinogrande(loaded.text)));
    const size_t wanted = winogrande_tasks_ > 0
                              ? static_cast<size_t>(winogrande_tasks_)
                              : all.size();
    const auto tasks = SelectWinogrande(std::move(all), wanted);
    const auto tokenized =
        Tokenize(*loaded.model, tasks, TokenizedTask::FromWinogrande);
    Sample right;
    const Status scored =
        ScoreTasks(loaded.model, tokenized,
                   [&](size_t task, const std::vector<double>& scores) {
                     const size_t chosen = Chosen(scores);
                     const auto& choices = tasks[task].choices;
                     right.Add(choices[chosen].right ? 1 : 0);
                     Print(Format("{}\t{}\t{}  {}  {}  {}\n", task + 1,
                                  Fixed(100 * right.Mean(), 4),
                                  Fixed(scores[0], 6), Fixed(scores[1], 6),
                                  chosen + 1, choices[0].right ? 1 : 2));
                     NoteScores(task, scores);
                   });
    if (right.count() == 0) return scored;
    Print(Format("Final Winogrande score({} tasks): {} +/- {}\n", right.count(),
                 Fixed(100 * right.Mean(), 4), Fixed(100 * right.Error(), 4)));
    return scored;
  }

  Status MeasureMultipleChoice() {
    BRAID_ASSIGN(const LoadedText loaded, LoadText(/*trim=*/false));
    BRAID_ASSIGN(std::vector<ChoiceTask> all,
                 InFile(ParseMultipleChoice(loaded.text)));
    const size_t wanted = multiple_choice_tasks_ > 0
                              ? static_cast<size_t>(multiple_choice_tasks_)
                              : all.size();
    const auto tasks = SelectTasks(std::move(all), wanted);
    const auto tokenized = Tokenize(*loaded.model, tasks, TokenizedTask::From);
    Sample right;
    double chance = 0;
    const Status scored = ScoreTasks(
        loaded.model, tokenized,
        [&](size_t task, const std::vector<double>& scores) {
          const auto& choices = tasks[task].choices;
          right.Add(choices[Chosen(scores)].right ? 1 : 0);
          chance += 1.0 / static_cast<double>(choices.size());
          Print(Format("{}\t{}\n", task + 1, Fixed(100 * right.Mean(), 8)));
          NoteScores(task, scores);
        });
    if (right.count() == 0) return scored;
    Print(Format("\nFinal result: {} +/- {}\nRandom chance: {}\n",
                 Fixed(100 * right.Mean(), 4), Fixed(100 * right.Error(), 4),
                 Fixed(100 * chance / static_cast<double>(right.count()), 4)));
    return scored;
  }

  Result<std::vector<ChoiceTask>> InFile(
      Result<std::vector<ChoiceTask>> tasks) const {
    if (tasks.ok()) return tasks;
    return Error{Format("{}: {}", file_, tasks.error().message)};
  }

  template <class From>
  static std::vector<TokenizedTask> Tokenize(
      const Model& model, const std::vector<ChoiceTask>& tasks,
      const From& from) {
    std::vector<TokenizedTask> tokenized;
    for (const ChoiceTask& task : tasks) {
      tokenized.push_back(from(task, model.tokenizer()));
    }
    return tokenized;
  }

  void NoteScores(size_t task, const std::vector<double>& scores) const {
    if (!print_scores_) return;
    std::string line = Format("scores {}", task + 1);
    for (const double score : scores) line += Format(" {}", score);
    Note(line + "\n");
  }

  std::string file_;
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
