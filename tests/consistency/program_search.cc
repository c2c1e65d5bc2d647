#include "tests/consistency/program_search.h"

#include <algorithm>
#include <functional>

#include "tests/consistency/program_generator.h"

namespace braid::programs {

namespace {

Outcome Finish(Program program, const Run& run, Alone& oracle) {
  oracle.Forget();
  return {.program = std::move(program),
          .failure = run.failure(),
          .tally = run.tally()};
}

// Smaller and smaller variants of a program that fails.
class Shrinker {
 public:
  Shrinker(const Subject& subject, Alone& oracle, Outcome outcome, int tries)
      : subject_(subject),
        oracle_(oracle),
        best_(std::move(outcome)),
        tries_(tries) {}

  Outcome Shrink() {
    bool smaller = true;
    while (smaller && tries_ > 0) {
      smaller = SimplifyOptions();
      smaller |= DropSteps();
      smaller |= SimplifySteps();
    }
    return std::move(best_);
  }

 private:
  using Change = std::function<void(Program&)>;

  // Keeps a change after which the program still fails.
  bool Try(const Change& change) {
    if (tries_ <= 0) return false;
    Program program = best_.program;
    change(program);
    if (ToText(program) == ToText(best_.program)) return false;
    --tries_;
    Outcome outcome = RunProgram(subject_, oracle_, program);
    if (!outcome.failed()) return false;
    best_ = std::move(outcome);
    return true;
  }

  // Runs of 1/2, 1/4, ... of the steps.
  bool DropSteps() {
    bool smaller = false;
    for (size_t run = best_.program.steps.size(); run >= 1; run /= 2) {
      for (size_t end = best_.program.steps.size(); end > 0;) {
        end = std::min(end, best_.program.steps.size());
        const size_t begin = end - std::min(end, run);
        smaller |= Try([&](Program& program) {
          program.steps.erase(program.steps.begin() + begin,
                              program.steps.begin() + end);
        });
        end = begin;
      }
    }
    return smaller;
  }

  bool SimplifySteps() {
    bool smaller = false;
    for (size_t i = 0; i < best_.program.steps.size(); ++i) {
      const auto change = [&](const std::function<void(Step&)>& of_step) {
        smaller |= Try([&](Program& p) { of_step(p.steps[i]); });
      };
      for (size_t j = best_.program.steps[i].pieces.size(); j-- > 0;) {
        change([&](Step& step) { step.pieces.erase(step.pieces.begin() + j); });
      }
      for (size_t j = best_.program.steps[i].pieces.size(); j-- > 0;) {
        SimplifyPiece(change, i, j);
      }
      for (size_t j = best_.program.steps[i].texts.size(); j-- > 0;) {
        change([&](Step& step) { step.texts.erase(step.texts.begin() + j); });
        Shorten(
            change, [&](Step & step) -> auto& { return step.texts[j].tokens; });
      }
      change([](Step& step) {
        const bool plain = step.operation == Operation::kSpeculate ||
                           step.operation == Operation::kCancel;
        if (plain) step.operation = Operation::kDecode;
      });
      change([](Step& step) { step.shuffle = 0; });
      change([](Step& step) { step.count /= 2; });
      change([](Step& step) { step.count = std::max(0, step.count - 1); });
      change(
          [](Step& step) { step.file = step.renamed = step.resume = false; });
      for (size_t j = best_.program.steps[i].sequences.size(); j-- > 2;) {
        change([&](Step& step) {
          step.sequences.erase(step.sequences.begin() + j);
        });
      }
      SimplifyEngine([&](const std::function<void(EngineOptions&)>& options) {
        change([&](Step& step) { options(step.options); });
      });
    }
    return smaller;
  }

  template <class ChangeStep>
  void SimplifyPiece(const ChangeStep& change, size_t i, size_t j) {
    for (size_t k = best_.program.steps[i].pieces[j].sequences.size();
         k-- > 1;) {
      change([&](Step& step) {
        auto& sequences = step.pieces[j].sequences;
        if (k < sequences.size()) sequences.erase(sequences.begin() + k);
      });
    }
    Shorten(
        change, [&](Step & step) -> auto& { return step.pieces[j].tokens; });
    change([&](Step& step) { step.pieces[j].all = false; });
    change([&](Step& step) {
      if (step.pieces[j].want != Want::kPooled) {
        step.pieces[j].want = Want::kNothing;
      }
    });
    change([&](Step& step) {
      for (TokenId& token : step.pieces[j].tokens) token = 1;
    });
  }

  template <class ChangeStep, class TokensOf>
  static void Shorten(const ChangeStep& change, const TokensOf& tokens_of) {
    const auto keep = [&](auto length_of) {
      change([&](Step& step) {
        auto& tokens = tokens_of(step);
        tokens.resize(std::max<size_t>(1, length_of(tokens.size())));
      });
    };
    for (int again = 0; again < 5; ++again) {
      keep([](size_t length) { return length / 2; });
    }
    for (int again = 0; again < 4; ++again) {
      keep([](size_t length) { return length - length / 4; });
      keep([](size_t length) { return length - 1; });
    }
  }

  bool SimplifyOptions() {
    bool smaller = false;
    SimplifyEngine([&](const std::function<void(EngineOptions&)>& change) {
      smaller |= Try([&](Program& program) { change(program.options); });
    });
    return smaller;
  }

  template <class ChangeOptions>
  static void SimplifyEngine(const ChangeOptions& change) {
    const EngineOptions usual;
    change([](EngineOptions& o) { o.max_sequences = 8; });
    change([](EngineOptions& o) { o.threads = 1; });
    change([&](EngineOptions& o) { o.max_batch = usual.max_batch; });
    change([&](EngineOptions& o) { o.max_ubatch = usual.max_ubatch; });
    change([&](EngineOptions& o) { o.split = usual.split; });
    change([&](EngineOptions& o) { o.context = 1024; });
    change([&](EngineOptions& o) { o.memory_limit = usual.memory_limit; });
    change([&](EngineOptions& o) { o.page_positions = usual.page_positions; });
    change([&](EngineOptions& o) { o.rollback = usual.rollback; });
    change([&](EngineOptions& o) { o.checkpoint_every = 0; });
    change(
        [&](EngineOptions& o) { o.checkpoint_bytes = usual.checkpoint_bytes; });
  }

  const Subject& subject_;
  Alone& oracle_;
  Outcome best_;
  int tries_;
};

}  // namespace

Outcome RunSeed(const Subject& subject, Alone& oracle, uint64_t seed) {
  Generator generator(subject, seed);
  Program program{.options = generator.Options(), .steps = {}};
  Run run(subject, oracle);
  bool going = run.Start(program.options);
  while (going && !generator.Done(run)) {
    program.steps.push_back(generator.Next(run));
    going = run.Do(program.steps.back());
  }
  return Finish(std::move(program), run, oracle);
}

Outcome RunProgram(const Subject& subject, Alone& oracle,
                   const Program& program) {
  Run run(subject, oracle);
  bool going = run.Start(program.options);
  for (size_t i = 0; going && i < program.steps.size(); ++i) {
    going = run.Do(program.steps[i]);
  }
  return Finish(program, run, oracle);
}

Outcome Shrink(const Subject& subject, Alone& oracle, Outcome outcome,
               int tries) {
  return Shrinker(subject, oracle, std::move(outcome), tries).Shrink();
}

}  // namespace braid::programs
