#include "apps/braid/prompt_cache.h"

#include <filesystem>

#include "apps/braid/console.h"
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

Result<bool> PromptCache::CanUse(const Model& model,
                                 const Request& request) const {
  if (!std::filesystem::exists(path)) return false;
  if (!model.info().encoder) return true;
  BRAID_ASSIGN(const SavedStateFile file, SavedStateFile::Open(path));
  const auto& texts = file.state.texts;
  return texts.size() == 1 && texts.front() == request.encoder_text;
}

Status PromptCache::Run(Engine& engine, const Request& request,
                        const std::function<void()>& heading,
                        const std::function<void(std::string_view)>& on_text,
                        SchedulerTimes& times) const {
  const Stopwatch watch;
  const SequenceId sequence = 0;
  BRAID_ASSIGN(const bool use, CanUse(engine.model(), request));
  if (use) {
    BRAID_ASSIGN(const Restored restored,
                 engine.Restore(path, {.only_sequence_to = sequence}));
    Note(Format("{}: {} tokens from {} bytes\n", path,
                engine.NextPosition(sequence), restored.bytes));
  }
  TextSequence text(engine, sequence);
  // Going back to the start of an answer would forget the encoder's text, too:
  // that alone is kept.
  const bool keep_all = all && !engine.model().info().encoder;
  // What is generated is in the way of the same prompt, unless there is a way
  // back.
  const auto keep_way_back = [&]() -> Status {
    if (!keep_all || read_only) return {};
    const Status kept = engine.Checkpoint(sequence);
    if (!kept.ok()) Note(kept.error().message + "\n");
    return {};
  };
  BRAID_ASSIGN(const int evaluated, text.Hold(request, keep_way_back));
  Note(Format("{} of {} prompt tokens evaluated\n", evaluated,
              request.prompt.size() + request.encoder_text.size()));
  times.prompt_tokens += evaluated;
  times.prompt_seconds += watch.Seconds();
  const auto save = [&] { return engine.Save(path, {&sequence, 1}); };
  if (!read_only && !keep_all) BRAID_TRY(save());

  const Stopwatch decoding;
  heading();
  const Position begin = engine.NextPosition(sequence);
  BRAID_TRY(text.Generate(request, on_text));
  times.decoded_tokens += engine.NextPosition(sequence) - begin;
  times.decode_seconds += decoding.Seconds();
  times.seconds += watch.Seconds();
  return read_only || !keep_all ? Status() : save();
}

}  // namespace braid::cli
