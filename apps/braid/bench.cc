// braid bench: speed of prompts and of generation.
#include <algorithm>
#include <chrono>
#include <ctime>
#include <filesystem>
#include <functional>
#include <thread>

#include "apps/braid/bench_page.h"
#include "apps/braid/bench_report.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/html_report.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/text.h"
#include "base/random.h"

namespace braid::cli {

namespace {

constexpr int64_t kMostPositions = 1 << 30;
// What a sequence may waste in pages of which it uses a part.
constexpr int kPositionsToSpare = 64;

// Decodes random tokens: how fast does not depend on which they are.
class BenchRun {
 public:
  BenchRun(Engine& engine, const BenchTest& test, const InterruptGuard& guard)
      : engine_(engine),
        test_(test),
        kind_(KindOf(engine.model().info())),
        cancelled_(guard.asked()) {}

  // Fills the sequence that all tests start from, if they start deep.
  Status FillDepth() { return Prompt(Base(), Base() + 1, 0, test_.depth); }

  // Seconds of one repetition.
  Result<double> Measure() {
    for (SequenceId s = 0; s < test_.sequences; ++s) {
      BRAID_TRY(engine_.Remove(s, 0, -1));
      if (test_.depth > 0) BRAID_TRY(engine_.Fork(Base(), s));
    }
    // A decoder looks at something, which is not measured.
    const bool decoder = kind_ == ModelKind::kEncoderDecoder;
    if (decoder && test_.prompt_tokens == 0) BRAID_TRY(Read(1));
    const Stopwatch watch;
    switch (kind_) {
      case ModelKind::kCausal:
        BRAID_TRY(Prompt(0, test_.sequences, test_.depth, test_.prompt_tokens));
        break;
      case ModelKind::kEncoderDecoder:
        BRAID_TRY(Read(test_.prompt_tokens));
        break;
      case ModelKind::kEncoder:
        BRAID_TRY(Embed());
    }
    BRAID_TRY(Generate());
    return watch.Seconds();
  }

 private:
  SequenceId Base() const { return test_.sequences; }

  // Logits are wanted once per sequence, as for a real prompt.
  Status Prompt(SequenceId begin, SequenceId end, Position start, int tokens) {
    batch_.Clear();
    for (SequenceId s = begin; s < end; ++s) {
      for (int i = 0; i < tokens; ++i) {
        const bool last = i + 1 == tokens;
        batch_.Add(Token(), start + i, s,
                   last ? Want::kLogits : Want::kNothing);
        if (batch_.size() == test_.batch) BRAID_TRY(Flush());
      }
    }
    return batch_.size() > 0 ? Flush() : Status();
  }

  // The encoder of a model that has a decoder, too.
  Status Read(int tokens) {
    for (SequenceId s = 0; s < test_.sequences && tokens > 0; ++s) {
      if (BatchTokens() + tokens > test_.batch) BRAID_TRY(Flush());
      std::vector<TokenId> text(static_cast<size_t>(tokens));
      std::ranges::generate(text, [this] { return Token(); });
      batch_.AddEncoder(text, s);
    }
    return BatchTokens() > 0 ? Flush() : Status();
  }

  // Texts that are read whole; one row of each is wanted, as for an embedding.
  Status Embed() {
    batch_.Clear();
    for (SequenceId s = 0; s < test_.sequences; ++s) {
      if (batch_.size() + test_.prompt_tokens > test_.batch) {
        BRAID_TRY(Flush());
      }
      for (int i = 0; i < test_.prompt_tokens; ++i) {
        batch_.Add(Token(), i, s, i == 0 ? Want::kHidden : Want::kNothing);
      }
    }
    return Flush();
  }

  Status Generate() {
    const Position start =
        kind_ == ModelKind::kCausal ? test_.depth + test_.prompt_tokens : 0;
    for (int i = 0; i < test_.generated_tokens; ++i) {
      batch_.Clear();
      for (SequenceId s = 0; s < test_.sequences; ++s) {
        batch_.Add(Token(), start + i, s, Want::kLogits);
        if (batch_.size() == test_.batch) BRAID_TRY(Flush());
      }
      if (batch_.size() > 0) BRAID_TRY(Flush());
    }
    return {};
  }

  int BatchTokens() const {
    return batch_.size() + static_cast<int>(batch_.encoder_tokens());
  }

  Status Flush() {
    BRAID_TRY(engine_.Decode(batch_, cancelled_));
    batch_.Clear();
    return {};
  }

  TokenId Token() {
    return random_.Below(engine_.model().info().vocabulary_size);
  }

  Engine& engine_;
  const BenchTest test_;
  const ModelKind kind_;
  const std::function<bool()> cancelled_;
  Batch batch_;
  Random random_{/*seed=*/0};
};

// The test as this model can do it. Error: it cannot, and why.
Result<BenchTest> ForModel(BenchTest test, const Model& model) {
  const ModelKind kind = KindOf(model.info());
  if (kind == ModelKind::kCausal) return test;
  if (kind == ModelKind::kEncoder && test.generated_tokens > 0) {
    return Error{
        Format("{}: left out, an encoder generates nothing", test.Name())};
  }
  if (test.depth > 0) {
    return Error{Format("{}: left out, an encoder reads a text from its start",
                        test.Name())};
  }
  const std::string name = test.Name();
  if (const int positions = LearnedPositions(model);
      positions > 0 && test.prompt_tokens > positions) {
    test.prompt_tokens = positions;
    Note(Format("{}: the model has {}, {} is measured\n", name,
                Counted(positions, "position"), test.Name()));
  }
  // Texts that are read whole are in one batch and one ubatch.
  test.ubatch = std::max(test.ubatch, test.prompt_tokens);
  test.batch = std::max(test.batch, test.ubatch);
  return test;
}

// "2025-01-31T12:00:00Z"
std::string TimeNow() {
  const std::time_t now = std::time(nullptr);
  std::tm parts = {};
  ::gmtime_r(&now, &parts);
  char text[32];
  const size_t length =
      std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts);
  return {text, length};
}

class Bench : public Command {
 public:
  FlagTable Flags() override;
  Status Run() override;

 private:
  // Are all models there? The last is asked for when the others are measured.
  Status CheckPaths() const;
  Result<std::vector<KvType>> KvTypes() const;
  // Prompts, then generations, then both, for every choice of the rest.
  std::vector<BenchTest> Tests(const std::vector<KvType>& kv_types) const;
  void AddTests(BenchTest test, std::vector<BenchTest>& tests) const;
  Status ParsePairs();
  // Tells the share that is done after each repetition. Without repetitions if
  // it was interrupted before the first.
  Result<BenchResult> Measure(
      const std::shared_ptr<const Model>& model, const BenchTest& test,
      const InterruptGuard& guard,
      const std::function<void(double)>& on_share) const;

  ModelFlags model_;
  std::vector<std::string> paths_;
  std::vector<int> prompts_ = {512};
  std::vector<int> generated_ = {128};
  std::vector<std::string> pair_texts_;
  std::vector<std::pair<int, int>> pairs_;
  std::vector<int> depths_ = {0};
  std::vector<int> sequences_ = {1};
  std::vector<int> threads_ = {0};
  std::vector<int> batches_ = {2048};
  std::vector<int> ubatches_ = {512};
  std::string key_types_ = "f16";
  std::string value_types_ = "f16";
  int repetitions_ = 5;
  int delay_ = 0;
  bool warm_up_ = true;
  BenchFormat format_ = BenchFormat::kMarkdown;
  BenchFormat error_format_ = BenchFormat::kNone;
  std::string html_;
};

FlagTable Bench::Flags() {
  const std::vector<std::pair<std::string, BenchFormat>> formats = {
      {"md", BenchFormat::kMarkdown}, {"csv", BenchFormat::kCsv},
      {"json", BenchFormat::kJson},   {"jsonl", BenchFormat::kJsonLines},
      {"sql", BenchFormat::kSql},     {"none", BenchFormat::kNone}};
  FlagTable table;
  table
      .Group(
          "Tests (lists: 1,2,4, ranges: FIRST-LAST, FIRST-LAST+STEP, "
          "FIRST-LAST*FACTOR)")
      .Integers("-p, --n-prompt", "N,...", "prompt lengths; 0: none", &prompts_,
                {0, 1 << 24})
      .Integers("-n, --n-gen", "N,...", "generated lengths; 0: none",
                &generated_, {0, 1 << 24})
      .Texts("-pg", "PP,TG", "a prompt, and generation after it", &pair_texts_)
      .Integers("-d, --n-depth", "N,...",
                "tokens that a sequence has before the test", &depths_,
                {0, 1 << 24})
      .Integers("-np, --parallel", "N,...", "sequences side by side",
                &sequences_, {1, 65535})
      .Integers("-t, --threads", "N,...", "threads; 0: one per core", &threads_,
                {0, 512})
      .Integers("-b, --batch-size", "N,...", "tokens of one decode call",
                &batches_, {1, 1 << 20})
      .Integers("-ub, --ubatch-size", "N,...", "rows of one forward pass",
                &ubatches_, {1, 1 << 20})
      .Text("-ctk, --cache-type-k", "TYPE,...", "how keys are stored: f16, f32",
            &key_types_)
      .Text("-ctv, --cache-type-v", "TYPE,...",
            "how values are stored, the same as keys", &value_types_)
      .Integer("-r, --repetitions", "N", "measured runs of each test",
               &repetitions_, {1, 1 << 20})
      .Integer("--delay", "SECONDS", "rest before each test", &delay_,
               {0, 86400})
      .Switch("--no-warmup", "measure the first run, too", &warm_up_, false);
  table.Group("Output")
      .Choice("-o, --output", "FORMAT", "format of the results", &format_,
              formats)
      .Choice("-oe, --output-err", "FORMAT",
              "format of the results on standard error", &error_format_,
              formats)
      .Text("--report", "FILE", "write a page to look at, HTML in one file",
            &html_);
  model_.Declare(table, &paths_);
  return table;
}

Status Bench::Run() {
  BRAID_TRY(HtmlReport::CheckPath(html_));
  BRAID_TRY(ParsePairs());
  BRAID_ASSIGN(const std::vector<KvType> kv_types, KvTypes());
  const std::vector<BenchTest> tests = Tests(kv_types);
  if (tests.empty()) {
    return Error{"-p and -n are 0, and there is no -pg: nothing to measure"};
  }
  BRAID_TRY(CheckPaths());
  if (paths_.empty()) paths_.emplace_back();
  const BenchColumns columns = {
      .batch = batches_ != std::vector{2048},
      .ubatch = ubatches_ != std::vector{512},
      .kv_type = kv_types != std::vector{KvType::kF16}};
  const BenchReport report(format_, columns);
  const BenchReport error_report(error_format_, columns);
  std::vector<BenchResult> results;
  const InterruptGuard guard;
  Progress progress("bench", model_.progress);
  const double all = static_cast<double>(paths_.size() * tests.size());
  for (size_t i = 0; i < paths_.size() && !guard.interrupted(); ++i) {
    progress.Hide();
    model_.path = paths_[i];
    double load_seconds = 0;
    BRAID_ASSIGN(const std::string path, model_.Path());
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.LoadFor("bench", threads_.front(), &load_seconds));
    if (i == 0) {
      Print(report.Header());
      Note(error_report.Header());
    }
    for (size_t k = 0; k < tests.size() && !guard.interrupted(); ++k) {
      const auto done = static_cast<double>(i * tests.size() + k);
      progress.Show(done / all);
      const auto show = [&](double share) {
        progress.Show((done + share) / all);
      };
      const Result<BenchTest> test = ForModel(tests[k], *model);
      if (!test.ok()) {
        progress.Hide();
        Note(test.error().message + "\n");
        continue;
      }
      BRAID_ASSIGN(BenchResult result, Measure(model, *test, guard, show));
      if (result.seconds.empty()) break;
      progress.Hide();
      result.path = path;
      Print(report.Row(result, results.empty()));
      Note(error_report.Row(result, results.empty()));
      results.push_back(std::move(result));
    }
  }
  progress.Hide();
  Print(report.Footer());
  Note(error_report.Footer());
  if (!html_.empty()) BRAID_TRY(WriteBenchPage(results, html_));
  BRAID_TRY(guard.Verdict());
  if (results.empty()) return Error{"no test was possible"};
  return {};
}

Status Bench::CheckPaths() const {
  for (const std::string& path : paths_) {
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) continue;
    return Error{Format("{}: there is no such file", path)};
  }
  return {};
}

Result<std::vector<KvType>> Bench::KvTypes() const {
  if (key_types_ != value_types_) {
    return Error{
        "-ctk and -ctv differ; keys and values are stored in one type"};
  }
  std::vector<KvType> types;
  for (size_t begin = 0; begin <= key_types_.size();) {
    const size_t end = std::min(key_types_.find(',', begin), key_types_.size());
    const std::string name = key_types_.substr(begin, end - begin);
    if (name != "f16" && name != "f32") {
      return Error{Format("-ctk: '{}' is none of f16, f32", name)};
    }
    types.push_back(name == "f16" ? KvType::kF16 : KvType::kF32);
    begin = end + 1;
  }
  return types;
}

Status Bench::ParsePairs() {
  for (const std::string& text : pair_texts_) {
    const Result<std::vector<int>> pair = ParseIntegers(text, {1, 1 << 24});
    if (!pair.ok()) return Error{Format("-pg: {}", pair.error().message)};
    if (pair->size() != 2) {
      return Error{Format("-pg: '{}' is not PP,TG", text)};
    }
    pairs_.emplace_back((*pair)[0], (*pair)[1]);
  }
  return {};
}

std::vector<BenchTest> Bench::Tests(const std::vector<KvType>& kv_types) const {
  std::vector<BenchTest> tests;
  for (const int depth : depths_) {
    for (const int batch : batches_) {
      for (const int ubatch : ubatches_) {
        for (const KvType kv_type : kv_types) {
          for (const int threads : threads_) {
            for (const int sequences : sequences_) {
              AddTests({.depth = depth,
                        .sequences = sequences,
                        .threads = threads,
                        .batch = batch,
                        .ubatch = std::min(ubatch, batch),
                        .kv_type = kv_type},
                       tests);
            }
          }
        }
      }
    }
  }
  return tests;
}

void Bench::AddTests(BenchTest test, std::vector<BenchTest>& tests) const {
  const auto add = [&](int prompt, int generated) {
    test.prompt_tokens = prompt;
    test.generated_tokens = generated;
    if (test.tokens() > 0) tests.push_back(test);
  };
  for (const int tokens : prompts_) add(tokens, 0);
  for (const int tokens : generated_) add(0, tokens);
  for (const auto& [prompt, generated] : pairs_) add(prompt, generated);
}

Result<BenchResult> Bench::Measure(
    const std::shared_ptr<const Model>& model, const BenchTest& test,
    const InterruptGuard& guard,
    const std::function<void(double)>& on_share) const {
  const int64_t context =
      test.depth +
      (int64_t{test.tokens()} + kPositionsToSpare) * test.sequences;
  if (context > kMostPositions) {
    return Error{Format("{}: {} positions are needed; at most {} fit",
                        test.Name(), context, kMostPositions)};
  }
  std::this_thread::sleep_for(std::chrono::seconds(delay_));
  BRAID_ASSIGN(
      const std::unique_ptr<Engine> engine,
      Engine::Create(
          model, {.context = static_cast<int>(context),
                  .max_batch = test.batch,
                  .max_ubatch = test.ubatch,
                  .max_sequences = test.sequences + (test.depth > 0 ? 1 : 0),
                  .threads = test.threads,
                  .split = model->info().bidirectional ? SplitPolicy::kWhole
                                                       : SplitPolicy::kRagged,
                  .kv_type = test.kv_type}));
  BenchResult result = {.test = test,
                        .path = {},
                        .info = model->info(),
                        .time = TimeNow(),
                        .seconds = {}};
  result.test.threads = engine->options().threads;
  BenchRun run(*engine, test, guard);
  Status filled;
  if (test.depth > 0) filled = run.FillDepth();
  // The warm-up fills caches, arenas and threads.
  const int first = warm_up_ ? -1 : 0;
  for (int i = first; i < repetitions_ && filled.ok(); ++i) {
    const Result<double> seconds = run.Measure();
    if (guard.interrupted()) break;
    if (!seconds.ok()) return seconds.error();
    if (i >= 0) result.seconds.push_back(*seconds);
    on_share(static_cast<double>(i + 1 - first) / (repetitions_ - first));
  }
  if (!filled.ok() && !guard.interrupted()) return filled.error();
  return result;
}

}  // namespace

std::unique_ptr<Command> MakeBench() { return std::make_unique<Bench>(); }

}  // namespace braid::cli
