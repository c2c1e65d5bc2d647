// braid bench: speed of prompts and of generation.
#include <algorithm>

#include "apps/braid/bench_report.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "base/random.h"

namespace braid::cli {

namespace {

// Decodes random tokens: how fast does not depend on which they are.
class BenchRun {
 public:
  BenchRun(Engine& engine, const BenchTest& test)
      : engine_(engine), test_(test) {}

  // Seconds of one repetition, from empty sequences.
  Result<double> Measure() {
    for (SequenceId s = 0; s < test_.sequences; ++s) {
      BRAID_TRY(engine_.Remove(s, 0, -1));
    }
    const Stopwatch watch;
    if (test_.prompt_tokens > 0) {
      BRAID_TRY(Prompt());
    } else {
      BRAID_TRY(Generate());
    }
    return watch.Seconds();
  }

 private:
  // Logits are wanted once per sequence, as for a real prompt.
  Status Prompt() {
    batch_.Clear();
    for (SequenceId s = 0; s < test_.sequences; ++s) {
      for (Position i = 0; i < test_.prompt_tokens; ++i) {
        const bool last = i + 1 == test_.prompt_tokens;
        batch_.Add(Token(), i, s, last ? Want::kLogits : Want::kNothing);
        if (batch_.size() == test_.batch) BRAID_TRY(Flush());
      }
    }
    return batch_.size() > 0 ? Flush() : Status();
  }

  Status Generate() {
    for (Position i = 0; i < test_.generated_tokens; ++i) {
      batch_.Clear();
      for (SequenceId s = 0; s < test_.sequences; ++s) {
        batch_.Add(Token(), i, s, Want::kLogits);
        if (batch_.size() == test_.batch) BRAID_TRY(Flush());
      }
      if (batch_.size() > 0) BRAID_TRY(Flush());
    }
    return {};
  }

  Status Flush() {
    BRAID_TRY(engine_.Decode(batch_));
    batch_.Clear();
    return {};
  }

  TokenId Token() {
    return random_.Below(engine_.model().info().vocabulary_size);
  }

  Engine& engine_;
  const BenchTest test_;
  Batch batch_;
  Random random_{/*seed=*/0};
};

class Bench : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Group("Tests (lists are separated by commas)")
        .Integers("-p, --n-prompt", "N,...", "prompt lengths; 0: none",
                  &prompts_, {0, 1 << 24})
        .Integers("-n, --n-gen", "N,...", "generated lengths; 0: none",
                  &generated_, {0, 1 << 24})
        .Integers("-np, --parallel", "N,...", "sequences side by side",
                  &sequences_, {1, 65536})
        .Integers("-t, --threads", "N,...", "threads; 0: one per core",
                  &threads_, {0, 512})
        .Integer("-b, --batch-size", "N", "tokens of one decode call", &batch_,
                 {1, 1 << 20})
        .Integer("-ub, --ubatch-size", "N", "rows of one forward pass",
                 &ubatch_, {1, 1 << 20})
        .Integer("-r, --repetitions", "N", "measured runs of each test",
                 &repetitions_, {1, 1 << 20})
        .Choice("-o, --output", "FORMAT", "format of the results", &format_,
                {{"md", BenchFormat::kMarkdown},
                 {"csv", BenchFormat::kCsv},
                 {"json", BenchFormat::kJson}});
    model_.Declare(table);
    return table;
  }

  Status Run() override {
    double load_seconds = 0;
    BRAID_ASSIGN(const std::string path, model_.Path());
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.Load(threads_.front(), &load_seconds));
    const BenchReport report(format_, path, model->info());
    Print(report.Header());
    bool first = true;
    for (const BenchTest& test : Tests()) {
      BRAID_ASSIGN(const BenchResult result, Measure(model, test));
      Print(report.Row(result, first));
      first = false;
    }
    Print(report.Footer());
    return {};
  }

 private:
  std::vector<BenchTest> Tests() const {
    std::vector<BenchTest> tests;
    for (const int threads : threads_) {
      for (const int sequences : sequences_) {
        BenchTest test = {.prompt_tokens = 0,
                          .generated_tokens = 0,
                          .sequences = sequences,
                          .threads = threads,
                          .batch = batch_,
                          .ubatch = std::min(ubatch_, batch_)};
        for (const int tokens : prompts_) {
          test.prompt_tokens = tokens;
          if (tokens > 0) tests.push_back(test);
        }
        test.prompt_tokens = 0;
        for (const int tokens : generated_) {
          test.generated_tokens = tokens;
          if (tokens > 0) tests.push_back(test);
        }
      }
    }
    return tests;
  }

  Result<BenchResult> Measure(const std::shared_ptr<const Model>& model,
                              const BenchTest& test) const {
    const int64_t context = int64_t{test.tokens()} * test.sequences;
    if (context > 1 << 30) {
      return Error{Format("{} sequences of {} tokens are {}; at most {} fit",
                          test.sequences, test.tokens(), context, 1 << 30)};
    }
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, {.context = static_cast<int>(context),
                                        .max_batch = test.batch,
                                        .max_ubatch = test.ubatch,
                                        .max_sequences = test.sequences,
                                        .threads = test.threads}));
    BenchResult result = {.test = test, .seconds = {}};
    result.test.threads = engine->options().threads;
    BenchRun run(*engine, test);
    BRAID_TRY(run.Measure());  // warms up caches, arenas and threads
    for (int i = 0; i < repetitions_; ++i) {
      BRAID_ASSIGN(const double seconds, run.Measure());
      result.seconds.push_back(seconds);
    }
    return result;
  }

  ModelFlags model_;
  std::vector<int> prompts_ = {512};
  std::vector<int> generated_ = {128};
  std::vector<int> sequences_ = {1};
  std::vector<int> threads_ = {0};
  int batch_ = 2048;
  int ubatch_ = 512;
  int repetitions_ = 5;
  BenchFormat format_ = BenchFormat::kMarkdown;
};

}  // namespace

std::unique_ptr<Command> MakeBench() { return std::make_unique<Bench>(); }

}  // namespace braid::cli
