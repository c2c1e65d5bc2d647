// braid batched-bench: speed of prompts and generation by the number of
// sequences, with the columns of llama-batched-bench.
#include <algorithm>

#include "apps/braid/bench_report.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/html_report.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/machine_limits.h"
#include "apps/braid/text.h"
#include "base/random.h"

namespace braid::cli {

namespace {

enum class BatchedFormat { kMarkdown, kJsonLines };

struct BatchedTest {
  int prompt_tokens = 0;     // PP, of each sequence or of all together
  int generated_tokens = 0;  // TG, of each sequence
  int sequences = 1;         // B
  bool shared = false;       // one prompt, which the sequences fork

  int prompts() const { return shared ? 1 : sequences; }
  // N_KV: positions that are held at the end.
  int64_t positions() const {
    return int64_t{prompt_tokens} * prompts() +
           int64_t{generated_tokens} * sequences;
  }
};

struct BatchedResult {
  BatchedTest test;
  double prompt_seconds = 0;
  double generation_seconds = 0;

  double PromptSpeed() const {
    const double tokens =
        static_cast<double>(test.prompt_tokens) * test.prompts();
    return tokens > 0 ? tokens / prompt_seconds : 0;
  }
  double GenerationSpeed() const {
    const double tokens =
        static_cast<double>(test.generated_tokens) * test.sequences;
    return tokens > 0 ? tokens / generation_seconds : 0;
  }
  double seconds() const { return prompt_seconds + generation_seconds; }
  double Speed() const {
    return static_cast<double>(test.positions()) / seconds();
  }
};

// Decodes random tokens from empty sequences.
class BatchedRun {
 public:
  BatchedRun(Engine& engine, const InterruptGuard& guard)
      : engine_(engine), cancelled_(guard.asked()) {}

  Result<BatchedResult> Measure(const BatchedTest& test) {
    for (SequenceId s = 0; s < engine_.options().max_sequences; ++s) {
      BRAID_TRY(engine_.Remove(s, 0, -1));
    }
    BatchedResult result = {.test = test};
    const Stopwatch prompt_watch;
    BRAID_TRY(Prompt(test));
    result.prompt_seconds = prompt_watch.Seconds();
    const Stopwatch generation_watch;
    BRAID_TRY(Generate(test));
    result.generation_seconds = generation_watch.Seconds();
    return result;
  }

 private:
  Status Prompt(const BatchedTest& test) {
    for (SequenceId s = 0; s < test.prompts(); ++s) {
      for (Position i = 0; i < test.prompt_tokens; ++i) {
        const bool last = i + 1 == test.prompt_tokens;
        BRAID_TRY(Add(i, s, last ? Want::kLogits : Want::kNothing));
      }
    }
    BRAID_TRY(Flush());
    for (SequenceId s = test.prompts(); s < test.sequences; ++s) {
      if (test.prompt_tokens > 0) BRAID_TRY(engine_.Fork(0, s));
    }
    return {};
  }

  Status Generate(const BatchedTest& test) {
    for (int i = 0; i < test.generated_tokens; ++i) {
      for (SequenceId s = 0; s < test.sequences; ++s) {
        BRAID_TRY(Add(test.prompt_tokens + i, s, Want::kLogits));
      }
      BRAID_TRY(Flush());
    }
    return {};
  }

  Status Add(Position position, SequenceId sequence, Want want) {
    batch_.Add(random_.Below(engine_.model().info().vocabulary_size), position,
               sequence, want);
    return batch_.size() == engine_.options().max_batch ? Flush() : Status();
  }

  Status Flush() {
    if (batch_.size() == 0) return {};
    const Status decoded = engine_.Decode(batch_, cancelled_);
    batch_.Clear();
    return decoded;
  }

  Engine& engine_;
  const std::function<bool()> cancelled_;
  Batch batch_;
  Random random_{/*seed=*/0};
};

constexpr char kMarkdownHeader[] =
    "|    PP |     TG |    B |   N_KV |   T_PP s | S_PP t/s |   T_TG s | "
    "S_TG t/s |      T s |    S t/s |\n"
    "|-------|--------|------|--------|----------|----------|----------|"
    "----------|----------|----------|\n";

std::string Right(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string MarkdownRow(const BatchedResult& result) {
  const BatchedTest& test = result.test;
  return Format("|{} |{} |{} |{} |{} |{} |{} |{} |{} |{} |\n",
                Right(Format("{}", test.prompt_tokens), 6),
                Right(Format("{}", test.generated_tokens), 7),
                Right(Format("{}", test.sequences), 5),
                Right(Format("{}", test.positions()), 7),
                Right(Fixed(result.prompt_seconds, 3), 9),
                Right(Fixed(result.PromptSpeed(), 2), 9),
                Right(Fixed(result.generation_seconds, 3), 9),
                Right(Fixed(result.GenerationSpeed(), 2), 9),
                Right(Fixed(result.seconds(), 3), 9),
                Right(Fixed(result.Speed(), 2), 9));
}

std::string JsonLine(const BatchedResult& result, const EngineOptions& engine) {
  const BatchedTest& test = result.test;
  return Format(
      "{\"n_kv_max\": {}, \"n_batch\": {}, \"n_ubatch\": {}, "
      "\"is_pp_shared\": {}, \"n_threads\": {}, \"pp\": {}, \"tg\": {}, "
      "\"pl\": {}, \"n_kv\": {}, \"t_pp\": {}, \"speed_pp\": {}, \"t_tg\": {}, "
      "\"speed_tg\": {}, \"t\": {}, \"speed\": {}}\n",
      engine.context, engine.max_batch, engine.max_ubatch, test.shared ? 1 : 0,
      engine.threads, test.prompt_tokens, test.generated_tokens, test.sequences,
      test.positions(), Fixed(result.prompt_seconds, 6),
      Fixed(result.PromptSpeed(), 4), Fixed(result.generation_seconds, 6),
      Fixed(result.GenerationSpeed(), 4), Fixed(result.seconds(), 6),
      Fixed(result.Speed(), 4));
}

class BatchedBench : public Command {
 public:
  FlagTable Flags() override;
  Status Run() override;

 private:
  std::vector<BatchedTest> Tests() const;
  Status WriteHtml(const std::vector<BatchedResult>& results,
                   const Engine& engine) const;

  ModelFlags model_;
  EngineFlags engine_;
  std::vector<int> prompts_ = {128};
  std::vector<int> generated_ = {128};
  std::vector<int> sequences_ = {1, 2, 4, 8};
  bool shared_ = false;
  BatchedFormat format_ = BatchedFormat::kMarkdown;
  std::string html_;
};

FlagTable BatchedBench::Flags() {
  FlagTable table;
  table
      .Group(
          "Tests (lists: 1,2,4, ranges: FIRST-LAST, FIRST-LAST+STEP, "
          "FIRST-LAST*FACTOR)")
      .Integers("-npp", "N,...", "prompt lengths", &prompts_, {0, 1 << 24})
      .Integers("-ntg", "N,...", "generated lengths", &generated_, {0, 1 << 24})
      .Integers("-npl", "N,...", "sequences side by side", &sequences_,
                {1, 65535})
      .Switch("-pps", "one prompt, which all sequences share", &shared_);
  table.Group("Output")
      .Choice("--output-format", "FORMAT", "format of the results", &format_,
              {{"md", BatchedFormat::kMarkdown},
               {"jsonl", BatchedFormat::kJsonLines}})
      .Text("--report", "FILE", "write a page to look at, HTML in one file",
            &html_);
  model_.Declare(table);
  engine_.Declare(table);
  return table;
}

std::vector<BatchedTest> BatchedBench::Tests() const {
  std::vector<BatchedTest> tests;
  for (const int prompt : prompts_) {
    for (const int generated : generated_) {
      for (const int sequences : sequences_) {
        if (prompt + generated == 0) continue;
        tests.push_back({prompt, generated, sequences, shared_});
      }
    }
  }
  return tests;
}

Status BatchedBench::Run() {
  BRAID_TRY(HtmlReport::CheckPath(html_));
  const std::vector<BatchedTest> tests = Tests();
  if (tests.empty()) return Error{"-npp and -ntg are 0: nothing to measure"};
  BRAID_ASSIGN(EngineOptions options,
               engine_.Options(std::ranges::max(sequences_)));
  // Without -c: what the largest test needs, and a part of a page each.
  int64_t most = 0;
  for (const BatchedTest& test : tests) {
    most = std::max(most, test.positions() + 64 * int64_t{test.sequences});
  }
  if (options.context == 0) {
    options.context = static_cast<int>(std::min<int64_t>(most, 1 << 30));
  }
  double load_seconds = 0;
  BRAID_ASSIGN(const std::shared_ptr<const Model> model,
               model_.LoadFor("batched-bench", options.threads, &load_seconds));
  BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
               Engine::Create(model, options));
  const InterruptGuard guard;
  BatchedRun run(*engine, guard);
  const Result<BatchedResult> warm_up = run.Measure({1, 1, 1, false});
  if (!warm_up.ok() && !guard.interrupted()) return warm_up.error();
  if (format_ == BatchedFormat::kMarkdown) Print(kMarkdownHeader);
  std::vector<BatchedResult> results;
  Progress progress("batched-bench", model_.progress);
  double all = 0;
  for (const BatchedTest& test : tests) {
    all += static_cast<double>(test.positions());
  }
  double done = 0;
  int left_out = 0;
  for (size_t i = 0; i < tests.size() && !guard.interrupted(); ++i) {
    if (tests[i].positions() > options.context) {
      progress.Hide();
      ++left_out;
      Note(Format("{} of {} + {} tokens: {} positions, -c {} has not as many\n",
                  Counted(tests[i].sequences, "sequence"),
                  tests[i].prompt_tokens, tests[i].generated_tokens,
                  tests[i].positions(), options.context));
      continue;
    }
    progress.Show(done / all);
    done += static_cast<double>(tests[i].positions());
    const Result<BatchedResult> result = run.Measure(tests[i]);
    if (guard.interrupted()) break;
    if (!result.ok()) return result.error();
    results.push_back(*result);
    progress.Hide();
    Print(format_ == BatchedFormat::kMarkdown
              ? MarkdownRow(*result)
              : JsonLine(*result, engine->options()));
  }
  progress.Hide();
  if (!html_.empty()) BRAID_TRY(WriteHtml(results, *engine));
  BRAID_TRY(guard.Verdict());
  if (left_out == 0) return {};
  return Error{Format("not measured: {} of {}", left_out,
                      Counted(static_cast<int64_t>(tests.size()), "test"))};
}

Status BatchedBench::WriteHtml(const std::vector<BatchedResult>& results,
                               const Engine& engine) const {
  HtmlReport page("braid batched-bench");
  const ModelInfo& info = engine.model().info();
  const MachineLimits limits = MeasureLimits(engine.options().threads, info);
  page.AddLimits(ModelText(info), info, limits);
  page.AddLimitsNote();
  HtmlTable table = {
      .title = "Results",
      .names = {"PP", "TG", "B", "N_KV", "S_PP t/s", "S_TG t/s", "S t/s"}};
  HtmlChart prompts = {.title = "Prompts",
                       .x_name = "sequences",
                       .y_name = "tokens/s of all",
                       .logarithmic = true};
  HtmlChart generation = prompts;
  generation.title = "Generation";
  for (const BatchedResult& result : results) {
    const BatchedTest& test = result.test;
    table.rows.push_back(
        {Format("{}", test.prompt_tokens), Format("{}", test.generated_tokens),
         Format("{}", test.sequences), Format("{}", test.positions()),
         Fixed(result.PromptSpeed(), 2), Fixed(result.GenerationSpeed(), 2),
         Fixed(result.Speed(), 2)});
    if (test.prompt_tokens > 0) {
      prompts.Add(Format("prompts of {}", test.prompt_tokens), test.sequences,
                  result.PromptSpeed());
      const int64_t rows = int64_t{test.prompt_tokens} * test.prompts();
      const int most = engine.options().max_ubatch;
      prompts.AddLimit(
          "limit", test.sequences,
          PassLimit(limits, info,
                    static_cast<int>(std::min<int64_t>(rows, most))));
    }
    if (test.generated_tokens > 0) {
      generation.Add(
          Format("{} after {}", Counted(test.generated_tokens, "token"),
                 test.prompt_tokens),
          test.sequences, result.GenerationSpeed());
      generation.AddLimit("limit", test.sequences,
                          PassLimit(limits, info, test.sequences));
    }
  }
  page.AddChart(generation);
  page.AddChart(prompts);
  page.AddTable(table);
  return page.Write(html_);
}

}  // namespace

std::unique_ptr<Command> MakeBatchedBench() {
  return std::make_unique<BatchedBench>();
}

}  // namespace braid::cli
