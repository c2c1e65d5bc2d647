#include "apps/braid/choice_scorer.h"

#include <algorithm>
#include <limits>
#include <numeric>

#include "base/try.h"

namespace braid::cli {

namespace {

constexpr EncodeOptions kPlainText = {.add_special = true,
                                      .parse_special = false};

size_t CommonTokens(const std::vector<TokenizedTask::Choice>& choices) {
  const std::vector<TokenId>& first = choices.front().tokens;
  size_t common = first.size();
  for (const auto& choice : choices) {
    const auto [end, other] = std::mismatch(
        first.begin(),
        first.begin() +
            static_cast<std::ptrdiff_t>(std::min(common, choice.tokens.size())),
        choice.tokens.begin());
    common = static_cast<size_t>(end - first.begin());
  }
  return common;
}

TokenizedTask Tokenized(const ChoiceTask& task, const Tokenizer& tokenizer) {
  TokenizedTask tokenized;
  for (const Choice& choice : task.choices) {
    tokenized.choices.push_back(
        {.tokens = tokenizer.Encode(choice.text, kPlainText)});
  }
  tokenized.common = CommonTokens(tokenized.choices);
  tokenized.tokens = tokenized.common;
  for (auto& choice : tokenized.choices) {
    choice.begin = std::max<size_t>(tokenized.common, 1);
    choice.end = choice.tokens.size();
    tokenized.tokens += choice.tokens.size() - tokenized.common;
  }
  return tokenized;
}

}  // namespace

TokenizedTask TokenizedTask::From(const ChoiceTask& task,
                                  const Tokenizer& tokenizer) {
  return Tokenized(task, tokenizer);
}

TokenizedTask TokenizedTask::FromWinogrande(const ChoiceTask& task,
                                            const Tokenizer& tokenizer) {
  constexpr size_t kFew = 3;
  TokenizedTask tokenized = Tokenized(task, tokenizer);
  const bool skip_start = std::all_of(
      tokenized.choices.begin(), tokenized.choices.end(),
      [&](const auto& c) { return c.tokens.size() - tokenized.common > kFew; });
  for (size_t i = 0; i < tokenized.choices.size(); ++i) {
    Choice& choice = tokenized.choices[i];
    if (skip_start) {
      const size_t start =
          tokenizer.Encode(task.choices[i].start, kPlainText).size();
      choice.begin = std::clamp<size_t>(start, 1, choice.tokens.size());
    }
    if (choice.end > choice.begin + 1) --choice.end;
  }
  return tokenized;
}

size_t ChoiceScorer::Together(std::span<const TokenizedTask> tasks) const {
  const EngineOptions& options = engine_.options();
  const size_t room = static_cast<size_t>(options.context);
  size_t sequences = 0;
  size_t tokens = 0;
  size_t count = 0;
  for (const TokenizedTask& task :
       tasks.first(std::min(tasks.size(), kMostTasks))) {
    sequences += task.choices.size();
    tokens += task.tokens;
    const bool fits = sequences <= static_cast<size_t>(options.max_sequences) &&
                      tokens <= room;
    if (count > 0 && !fits) break;
    ++count;
  }
  return count;
}

Result<std::vector<std::vector<double>>> ChoiceScorer::Score(
    std::span<const TokenizedTask> tasks) {
  for (SequenceId s = 0; s < engine_.options().max_sequences; ++s) {
    BRAID_TRY(engine_.Remove(s, 0, -1));
  }
  std::vector<std::vector<double>> sums;
  for (const TokenizedTask& task : tasks) {
    sums.emplace_back(task.choices.size(), 0.0);
  }
  // All common parts first: what follows them can then share ubatches.
  SequenceId first = 0;
  for (size_t t = 0; t < tasks.size(); ++t) {
    BRAID_TRY(AddCommon(tasks[t], first, sums[t]));
    first += static_cast<SequenceId>(tasks[t].choices.size());
  }
  SequenceId sequence = 0;
  for (size_t t = 0; t < tasks.size(); ++t) {
    for (size_t c = 0; c < tasks[t].choices.size(); ++c) {
      BRAID_TRY(AddChoice(tasks[t], c, sequence++, sums[t][c]));
    }
  }
  BRAID_TRY(Flush());
  for (size_t t = 0; t < tasks.size(); ++t) {
    for (size_t c = 0; c < tasks[t].choices.size(); ++c) {
      const auto& choice = tasks[t].choices[c];
      const double count =
          static_cast<double>(choice.end) - static_cast<double>(choice.begin);
      sums[t][c] = count > 0 ? sums[t][c] / count
                             : -std::numeric_limits<double>::infinity();
    }
  }
  return sums;
}

Status ChoiceScorer::AddCommon(const TokenizedTask& task, SequenceId first,
                               std::vector<double>& sums) {
  std::vector<SequenceId> sequences(task.choices.size());
  std::iota(sequences.begin(), sequences.end(), first);
  const std::vector<TokenId>& tokens = task.choices.front().tokens;
  for (size_t i = 0; i < task.common; ++i) {
    BRAID_TRY(FlushIfFull());
    const Position position = static_cast<Position>(i);
    std::vector<TokenId> targets;
    std::vector<double*> owners;
    for (size_t c = 0; c < task.choices.size(); ++c) {
      const auto& choice = task.choices[c];
      if (i + 1 < choice.begin || i + 1 >= choice.end) continue;
      targets.push_back(choice.tokens[i + 1]);
      owners.push_back(&sums[c]);
    }
    if (targets.empty()) {
      batch_.Add(tokens[i], position, sequences, Want::kNothing);
      continue;
    }
    const int entry = batch_.AddScored(tokens[i], position, sequences, targets);
    for (size_t t = 0; t < owners.size(); ++t) {
      slots_.push_back({entry, static_cast<int>(t), owners[t]});
    }
  }
  return {};
}

Status ChoiceScorer::AddChoice(const TokenizedTask& task, size_t index,
                               SequenceId sequence, double& sum) {
  const auto& choice = task.choices[index];
  // Nothing is asked of the rows from the last scored token on.
  for (size_t i = task.common; i + 1 < choice.end; ++i) {
    BRAID_TRY(FlushIfFull());
    const Position position = static_cast<Position>(i);
    if (i + 1 < choice.begin) {
      batch_.Add(choice.tokens[i], position, sequence, Want::kNothing);
      continue;
    }
    const int entry = batch_.AddScored(choice.tokens[i], position, sequence,
                                       choice.tokens[i + 1]);
    slots_.push_back({entry, 0, &sum});
  }
  return {};
}

Status ChoiceScorer::FlushIfFull() {
  if (batch_.size() < engine_.options().max_batch) return {};
  return Flush();
}

Status ChoiceScorer::Flush() {
  if (batch_.size() == 0) return {};
  BRAID_TRY(engine_.Decode(batch_, cancelled_));
  for (const Slot& slot : slots_) {
    *slot.sum += engine_.LogProbability(slot.entry, slot.target);
  }
  slots_.clear();
  batch_.Clear();
  return {};
}

}  // namespace braid::cli
