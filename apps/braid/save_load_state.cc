// braid save-load-state: does a saved state go on as if nothing had happened?
#include <unistd.h>

#include <filesystem>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/text.h"
#include "apps/braid/text_sequence.h"
#include "base/format.h"
#include "base/try.h"

namespace braid::cli {

namespace {

// Of the engine: the text, and another one to copy it to.
constexpr SequenceId kFirst = 0;
constexpr SequenceId kOther = 1;

// A file that is gone when the command ends.
class TemporaryFile {
 public:
  TemporaryFile()
      : path_(std::filesystem::temp_directory_path() /
              Format("braid-save-load-state-{}", getpid())) {}
  ~TemporaryFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  const std::string& path() const { return path_; }

 private:
  const std::string path_;
};

class SaveLoadState : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Group("Text")
        .Text("-p, --prompt", "TEXT", "the prompt", &prompt_)
        .Integer("-n, --predict, --n-predict", "N",
                 "tokens to generate in every run", &max_tokens_, {1, 1 << 20});
    model_.Declare(table);
    engine_.Declare(table);
    sampling_.Declare(table);
    return table;
  }

  Status Run() override {
    BRAID_ASSIGN(options_, engine_.Options(2));
    double seconds = 0;
    BRAID_ASSIGN(loaded_,
                 model_.LoadFor("save-load-state", options_.threads, &seconds));
    BRAID_ASSIGN(const SamplingParams params,
                 sampling_.Params(loaded_->tokenizer()));
    {
      BRAID_ASSIGN(const auto engine, Engine::Create(loaded_, options_));
      BRAID_ASSIGN(request_, MakeRequestWithin(*engine, prompt_, "the prompt"));
    }
    request_.max_tokens = max_tokens_;
    request_.sampling = params;

    const InterruptGuard guard;
    cancelled_ = guard.asked();
    const Status compared = CompareAll();
    BRAID_TRY(guard.Verdict());
    return compared;
  }

 private:
  Status CompareAll() const {
    const TemporaryFile file;
    BRAID_ASSIGN(const std::string first, FirstRun(file.path()));
    Show("first run", first);
    BRAID_ASSIGN(const std::string whole, WholeState(file.path()));
    BRAID_TRY(Compare("whole state restored", first, whole));
    BRAID_ASSIGN(const std::string moved, OneSequence(file.path()));
    BRAID_TRY(Compare("one sequence moved to another id", first, moved));
    BRAID_ASSIGN(const std::string beside, BesideAnother(file.path()));
    BRAID_TRY(
        Compare("beside another sequence, in another engine", first, beside));
    Print("All tests passed.\n");
    return {};
  }

  Result<std::string> Continue(Engine& engine, SequenceId sequence) const {
    return TextSequence(engine, sequence, cancelled_).Generate(request_);
  }

  // Evaluates the prompt, saves, and goes on.
  Result<std::string> FirstRun(const std::string& path) const {
    BRAID_ASSIGN(const auto engine, Engine::Create(loaded_, options_));
    BRAID_ASSIGN(const int evaluated,
                 TextSequence(*engine, kFirst, cancelled_).Hold(request_));
    BRAID_TRY(engine->Save(path));
    Note(Format("{}, saved state of {} bytes\n", Counted(evaluated, "token"),
                std::filesystem::file_size(path)));
    return Continue(*engine, kFirst);
  }

  Result<std::string> WholeState(const std::string& path) const {
    BRAID_ASSIGN(const auto engine, Engine::Create(loaded_, options_));
    BRAID_TRY(engine->Restore(path));
    return Continue(*engine, kFirst);
  }

  // Through memory; the first sequence is forgotten.
  Result<std::string> OneSequence(const std::string& path) const {
    BRAID_ASSIGN(const auto engine, Engine::Create(loaded_, options_));
    BRAID_TRY(engine->Restore(path));
    BRAID_ASSIGN(const auto saved, engine->SaveToMemory({&kFirst, 1}));
    BRAID_TRY(engine->Remove(kFirst, 0, -1));
    BRAID_TRY(engine->RestoreFromMemory(saved, {.ids = {{kFirst, kOther}}}));
    return Continue(*engine, kOther);
  }

  // Smaller ubatches, larger pages, and a fork that has gone its own way.
  Result<std::string> BesideAnother(const std::string& path) const {
    EngineOptions options = options_;
    options.page_positions *= 2;
    if (!loaded_->info().encoder) options.max_ubatch = 7;
    BRAID_ASSIGN(const auto engine, Engine::Create(loaded_, options));
    BRAID_TRY(engine->Restore(path));
    BRAID_TRY(engine->Fork(kFirst, kOther));
    Batch batch;
    batch.Add(request_.prompt.front(), engine->NextPosition(kFirst), kFirst,
              Want::kNothing);
    BRAID_TRY(engine->Decode(batch));
    return Continue(*engine, kOther);
  }

  void Show(const char* run, const std::string& text) const {
    Print(Format("{}: {}{}\n", run, loaded_->info().encoder ? "" : prompt_,
                 text));
  }

  Status Compare(const char* run, const std::string& expected,
                 const std::string& text) const {
    Show(run, text);
    if (text == expected) return {};
    return Error{
        Format("{}: the text differs from that of the first run", run)};
  }

  std::string prompt_ = "The quick brown fox";
  int max_tokens_ = 16;
  ModelFlags model_;
  EngineFlags engine_;
  SamplingFlags sampling_;
  EngineOptions options_;
  std::shared_ptr<const Model> loaded_;
  Request request_;
  std::function<bool()> cancelled_;
};

}  // namespace

std::unique_ptr<Command> MakeSaveLoadState() {
  return std::make_unique<SaveLoadState>();
}

}  // namespace braid::cli
