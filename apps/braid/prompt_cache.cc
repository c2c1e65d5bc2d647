#include "apps/braid/prompt_cache.h"

#include <filesystem>

#include "apps/braid/console.h"
#include "apps/braid/model_use.h"
#include "apps/braid/text.h"
#include "apps/braid/text_sequence.h"
#include "base/format.h"
#include "base/try.h"
#include "engine/saved_state_file.h"

namespace braid::cli {

void PromptCache::Declare(FlagTable& table) {
  table.Group("Prompt cache")
      .Text("--prompt-cache", "FILE",
            "keep the prompt's state here: the next run evaluates only what "
            "is new",
            &path)
      .Switch("--prompt-cache-all", "save what was generated, too", &all)
      .Switch("--prompt-cache-ro", "use the file and do not change it",
              &read_only);
}

Status PromptCache::CheckPath() const {
  if (path.empty()) return {};
  if (read_only) {
    std::error_code missing;
    if (std::filesystem::is_regular_file(path, missing)) return {};
    return Error{Format("{}: no file that --prompt-cache-ro could use", path)};
  }
  return CheckWritable(path);
}

Result<bool> PromptCache::CanUse(const Model& model,
                                 const Request& request) const {
  std::error_code missing;
  const auto size = std::filesystem::file_size(path, missing);
  if (missing) return false;
  if (size == 0) {
    Note(Format("{}: an empty file, taken as a new one\n", path));
    return false;
  }
  if (!model.info().encoder) return true;
  BRAID_ASSIGN(const SavedStateFile file, SavedStateFile::Open(path));
  const auto& texts = file.state.texts;
  const bool same = texts.size() == 1 && texts.front() == request.encoder_text;
  if (!same)
    Note(Format("{}: not used, its encoder read another text\n", path));
  return same;
}

Result<int> PromptCache::Hold(TextSequence& text, Engine& engine,
                              const Request& request,
                              bool keep_way_back) const {
  const SequenceId sequence = 0;
  BRAID_ASSIGN(const bool use, CanUse(engine.model(), request));
  if (use) {
    BRAID_ASSIGN(const Restored restored,
                 engine.Restore(path, {.only_sequence_to = sequence}));
    Note(Format("{}: {} from {} bytes\n", path,
                Counted(engine.NextPosition(sequence), "token"),
                restored.bytes));
  }
  const auto before_last = [&]() -> Status {
    if (!keep_way_back) return {};
    const Status kept = engine.Checkpoint(sequence);
    if (!kept.ok()) Note(kept.error().message + "\n");
    return {};
  };
  BRAID_ASSIGN(const int evaluated, text.Hold(request, before_last));
  if (!text.loss().empty()) {
    const bool helps = engine.model().info().recurrent;
    Note(Format("{}: not used, {}{}\n", path, text.loss(),
                helps
                    ? "; --checkpoint-every N or --rollback N, given when the "
                      "file is written, keep ways back in it"
                    : ""));
  }
  const size_t tokens = request.prompt.size() + request.encoder_text.size();
  Note(Format("{} of {} evaluated\n", evaluated,
              Counted(static_cast<int64_t>(tokens), "prompt token")));
  return evaluated;
}

Status PromptCache::Run(Engine& engine, const Request& request,
                        const std::function<bool()>& cancelled,
                        const std::function<void()>& heading,
                        const std::function<void(std::string_view)>& on_text,
                        SchedulerTimes& times) const {
  const Stopwatch watch;
  const SequenceId sequence = 0;
  TextSequence text(engine, sequence, cancelled);
  // Going back to the start of an answer would forget the encoder's text, too:
  // that alone is kept.
  const bool keep_all = all && !engine.model().info().encoder;
  // What is generated is in the way of the same prompt, unless there is a way
  // back.
  BRAID_ASSIGN(const int evaluated,
               Hold(text, engine, request, keep_all && !read_only));
  times.prompt_tokens += evaluated;
  times.prompt_seconds += watch.Seconds();
  const auto save = [&]() -> Status {
    return read_only ? Status() : engine.Save(path, {&sequence, 1});
  };
  Status saved;
  if (!keep_all) saved = save();

  const Stopwatch decoding;
  heading();
  const Position begin = engine.NextPosition(sequence);
  const auto generated = text.Generate(request, on_text);
  on_text("\n");
  if (!generated.ok()) return generated.error();
  times.decoded_tokens += engine.NextPosition(sequence) - begin;
  times.decode_seconds += decoding.Seconds();
  times.seconds += watch.Seconds();
  if (keep_all) saved = save();
  const ModelInfo& info = engine.model().info();
  LengthNotices notices(info);
  if (text.filled()) notices.Filled("prompt 1", engine.options().context);
  notices.Long("prompt 1", engine.NextPosition(sequence));
  return saved;
}

}  // namespace braid::cli
