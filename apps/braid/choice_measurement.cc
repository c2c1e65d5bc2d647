#include "apps/braid/choice_measurement.h"

#include <algorithm>
#include <span>
#include <vector>

#include "apps/braid/choice_scorer.h"
#include "apps/braid/choice_tasks.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/statistics.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

// A task's choice of answer: the first of the most likely ones.
size_t Chosen(const std::vector<double>& scores) {
  return static_cast<size_t>(std::max_element(scores.begin(), scores.end()) -
                             scores.begin());
}

Result<std::vector<ChoiceTask>> Parsed(ChoiceKind kind, const std::string& path,
                                       std::string_view contents) {
  auto tasks = kind == ChoiceKind::kHellaSwag ? ParseHellaSwag(contents)
               : kind == ChoiceKind::kWinogrande
                   ? ParseWinogrande(contents)
                   : ParseMultipleChoice(contents);
  if (tasks.ok()) return tasks;
  return Error{Format("{}: not such tasks: {}", path, tasks.error().message)};
}

// Prints what is known after every task, and at the end.
class Tally {
 public:
  explicit Tally(const ChoiceMeasurement& measurement)
      : measurement_(measurement) {}

  void Add(const ChoiceTask& task, const std::vector<double>& scores) {
    const size_t chosen = Chosen(scores);
    right_.Add(task.choices[chosen].right ? 1 : 0);
    hits_ += task.choices[chosen].right ? 1 : 0;
    chance_ += 1.0 / static_cast<double>(task.choices.size());
    switch (measurement_.kind) {
      case ChoiceKind::kHellaSwag: {
        const Interval interval = WilsonInterval(hits_, right_.count());
        Print(Format("{}\t{}%\t[{}%, {}%]\n", right_.count(),
                     Fixed(100.0 * static_cast<double>(hits_) /
                               static_cast<double>(right_.count()),
                           8),
                     Fixed(100 * interval.low, 4),
                     Fixed(100 * interval.high, 4)));
        break;
      }
      case ChoiceKind::kWinogrande:
        Print(Format("{}\t{}\t{}  {}  {}  {}\n", right_.count(),
                     Fixed(100 * right_.Mean(), 4), Fixed(scores[0], 6),
                     Fixed(scores[1], 6), chosen + 1,
                     task.choices[0].right ? 1 : 2));
        break;
      case ChoiceKind::kMultipleChoice:
        Print(
            Format("{}\t{}\n", right_.count(), Fixed(100 * right_.Mean(), 8)));
    }
    NoteScores(scores);
  }

  void PrintResult() const {
    if (right_.count() == 0) return;
    const std::string mean = Fixed(100 * right_.Mean(), 4);
    const std::string error = Fixed(100 * right_.Error(), 4);
    if (measurement_.kind == ChoiceKind::kWinogrande) {
      Print(Format("Final Winogrande score({}): {} +/- {}\n",
                   Counted(right_.count(), "task"), mean, error));
    } else if (measurement_.kind == ChoiceKind::kMultipleChoice) {
      Print(Format(
          "\nFinal result: {} +/- {}\nRandom chance: {}\n", mean, error,
          Fixed(100 * chance_ / static_cast<double>(right_.count()), 4)));
    }
  }

 private:
  void NoteScores(const std::vector<double>& scores) const {
    if (!measurement_.print_scores) return;
    std::string line = Format("scores {}", right_.count());
    for (const double score : scores) line += Format(" {}", score);
    Note(line + "\n");
  }

  const ChoiceMeasurement measurement_;
  Sample right_;
  int64_t hits_ = 0;
  double chance_ = 0;
};

// An engine with room for the longest task, and for as many as a batch holds.
Result<std::unique_ptr<Engine>> MakeEngine(
    const std::vector<TokenizedTask>& tasks,
    const std::shared_ptr<const Model>& model, const EngineFlags& flags) {
  size_t widest = 0;
  size_t longest = 0;
  LengthNotices notices(model->info());
  for (size_t i = 0; i < tasks.size(); ++i) {
    widest = std::max(widest, tasks[i].choices.size());
    longest = std::max(longest, tasks[i].tokens);
    for (const TokenizedTask::Choice& choice : tasks[i].choices) {
      notices.Long(Format("task {}", i + 1),
                   static_cast<int64_t>(choice.tokens.size()));
    }
  }
  const size_t together =
      std::min(ChoiceScorer::kMostTasks, tasks.size()) * widest;
  BRAID_ASSIGN(EngineOptions options,
               flags.Options(static_cast<int>(together)));
  options.context = static_cast<int>(
      std::max(longest, static_cast<size_t>(options.max_batch)));
  return Engine::Create(model, options);
}

// Scores all tasks, in their order.
Status ScoreTasks(const std::vector<ChoiceTask>& tasks,
                  const std::vector<TokenizedTask>& tokenized, Engine& engine,
                  ProgressMode mode, Tally& tally) {
  const InterruptGuard guard;
  ChoiceScorer scorer(engine, guard.asked());
  Progress progress("tasks", mode);
  const Stopwatch watch;
  size_t done = 0;
  while (done < tasks.size()) {
    progress.Show(static_cast<double>(done) /
                  static_cast<double>(tasks.size()));
    const auto left = std::span(tokenized).subspan(done);
    const size_t count = scorer.Together(left);
    const auto scores = scorer.Score(left.first(count));
    if (guard.interrupted()) break;
    if (!scores.ok()) return scores.error();
    progress.Hide();
    for (size_t i = 0; i < count; ++i) tally.Add(tasks[done + i], (*scores)[i]);
    done += count;
  }
  progress.Hide();
  Note(Format("{} in {} s\n", Counted(static_cast<int64_t>(done), "task"),
              Fixed(watch.Seconds(), 1)));
  return guard.Verdict();
}

}  // namespace

Status MeasureChoices(const ChoiceMeasurement& measurement,
                      const std::string& path, std::string_view contents,
                      const std::shared_ptr<const Model>& model,
                      const EngineFlags& engine) {
  const bool winogrande = measurement.kind == ChoiceKind::kWinogrande;
  BRAID_ASSIGN(std::vector<ChoiceTask> all,
               Parsed(measurement.kind, path, contents));
  const size_t wanted =
      measurement.most > 0 ? static_cast<size_t>(measurement.most) : all.size();
  const std::vector<ChoiceTask> tasks =
      winogrande ? SelectWinogrande(std::move(all), wanted)
                 : SelectTasks(std::move(all), wanted);
  std::vector<TokenizedTask> tokenized;
  for (const ChoiceTask& task : tasks) {
    const Tokenizer& tokenizer = model->tokenizer();
    tokenized.push_back(winogrande
                            ? TokenizedTask::FromWinogrande(task, tokenizer)
                            : TokenizedTask::From(task, tokenizer));
  }
  BRAID_ASSIGN(const std::unique_ptr<Engine> made,
               MakeEngine(tokenized, model, engine));
  Tally tally(measurement);
  const Status scored =
      ScoreTasks(tasks, tokenized, *made, measurement.progress, tally);
  tally.PrintResult();
  return scored;
}

}  // namespace braid::cli
