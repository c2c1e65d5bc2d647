// ChoiceScorer: how likely a model finds each answer of a task.
#ifndef BRAID_APPS_BRAID_CHOICE_SCORER_H_
#define BRAID_APPS_BRAID_CHOICE_SCORER_H_

#include <cstdint>
#include <functional>
#include <span>
#include <utility>
#include <vector>

#include "apps/braid/choice_tasks.h"
#include "braid/engine.h"
#include "braid/result.h"

namespace braid::cli {

// One task as tokens.
struct TokenizedTask {
  struct Choice {
    std::vector<TokenId> tokens;
    // Those that are scored, by all tokens before them: [begin, end), begin
    // >= 1.
    size_t begin = 0;
    size_t end = 0;
  };
  std::vector<Choice> choices;
  size_t common = 0;  // leading tokens that all choices have
  size_t tokens = 0;  // that are decoded

  // Scored from where the answers differ.
  static TokenizedTask From(const ChoiceTask& task, const Tokenizer& tokenizer);
  // As llama.cpp scores Winogrande: if all have more than three tokens that are
  // not common, only those behind Choice::start count; and never the last one,
  // if there are others.
  static TokenizedTask FromWinogrande(const ChoiceTask& task,
                                      const Tokenizer& tokenizer);
};

// Decodes tasks side by side. The common tokens of a task's choices are
// computed once, in as many sequences as it has choices.
class ChoiceScorer {
 public:
  // The most tasks of one Score.
  static constexpr size_t kMostTasks = 32;

  // `engine` has kMostTasks sequences for each choice of its widest task.
  // `cancelled`, if given, is asked as in Engine::Decode.
  explicit ChoiceScorer(Engine& engine, std::function<bool()> cancelled = {})
      : engine_(engine), cancelled_(std::move(cancelled)) {}

  // How many of the tasks, from the first on, Score takes at once; at least 1.
  size_t Together(std::span<const TokenizedTask> tasks) const;
  // [tasks][choices] the mean log-probability of the scored tokens; minus
  // infinity where there are none.
  Result<std::vector<std::vector<double>>> Score(
      std::span<const TokenizedTask> tasks);

 private:
  // Where the score of a batch entry's target belongs.
  struct Slot {
    int entry;
    int target;
    double* sum;
  };

  Status AddCommon(const TokenizedTask& task, SequenceId first,
                   std::vector<double>& sums);
  Status AddChoice(const TokenizedTask& task, size_t choice,
                   SequenceId sequence, double& sum);
  Status FlushIfFull();
  Status Flush();

  Engine& engine_;
  const std::function<bool()> cancelled_;
  Batch batch_;
  std::vector<Slot> slots_;
};

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CHOICE_SCORER_H_
