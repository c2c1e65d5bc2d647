// braid generate: continue prompts.
#include <algorithm>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/progress.h"
#include "apps/braid/prompt_cache.h"
#include "apps/braid/prompts.h"
#include "apps/braid/report.h"
#include "apps/braid/scheduler.h"
#include "apps/braid/text_sequence.h"

namespace braid::cli {

namespace {

// Slots without -np: one per prompt, but a long --per-line file must not ask
// for the memory of ten thousand sequences.
constexpr int kMostDefaultSlots = 64;

class Generate : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    prompts_.Declare(table);
    model_.Declare(table);
    engine_.Declare(table);
    table.Integer("-np, --parallel", "N",
                  Format("prompts that are decoded at a time; 0: all, at most "
                         "{}",
                         kMostDefaultSlots),
                  &slots_, {0, 65535});
    sampling_.Declare(table);
    table.Group("Text")
        .Integer("-n, --predict, --n-predict", "N",
                 "tokens to generate per prompt; -1 or -2: until the text ends "
                 "or fills the context",
                 &max_tokens_, {-2, 1 << 30})
        .Texts("-r, --reverse-prompt", "TEXT", "end a text before this",
               &stop_texts_)
        .Toggle("--display-prompt", "print the prompt before its continuation",
                &display_prompt_)
        .Switch("-sp, --special", "print control tokens too", &special_);
    cache_.Declare(table);
    return table;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<std::string> prompts, prompts_.Read());
    if (prompts.empty()) {
      return Error{"nothing to continue; give -p TEXT or -f FILE"};
    }
    const int count = static_cast<int>(prompts.size());
    const int slots = slots_ > 0 ? slots_ : std::min(count, kMostDefaultSlots);
    SchedulerOptions options = {.slots = std::min(slots, count),
                                .continuous = true,
                                .prefix = {},
                                .share_prefix = false};
    BRAID_ASSIGN(const EngineOptions engine_options,
                 engine_.Options(options.sequences()));
    double load_seconds = 0;
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.Load(engine_options.threads, &load_seconds));
    BRAID_ASSIGN(const std::vector<Request> requests,
                 Requests(prompts, *model));
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, engine_options));
    if (!cache_.path.empty()) {
      return RunCached(*engine, prompts, requests, load_seconds);
    }

    const InterruptGuard guard;
    options.cancelled = guard.asked();
    OrderedOutput output(count);
    Progress progress("generate", model_.progress);
    int finished = 0;
    Scheduler scheduler(
        *engine, options,
        count == 1
            ? Streamed(Shown(prompts[0], requests[0], *model))
            : SchedulerEvents{
                  .on_text = {}, .on_finish = [&](Response response) {
                    const int i = response.request;
                    progress.Hide();
                    output.Finish(
                        i, Headed(i, count,
                                  Shown(prompts[i], requests[i], *model) +
                                      response.text));
                    progress.Show(static_cast<double>(++finished) / count);
                  }});
    BRAID_TRY(scheduler.Run(requests));
    progress.Hide();
    Note(RunReport(*engine, scheduler.times(), load_seconds));
    return guard.Verdict();
  }

 private:
  Result<std::vector<Request>> Requests(const std::vector<std::string>& prompts,
                                        const Model& model) {
    BRAID_ASSIGN(const SamplingParams params,
                 sampling_.Params(model.tokenizer()));
    std::vector<Request> requests;
    for (const std::string& prompt : prompts) {
      BRAID_ASSIGN(Request request, MakeRequest(model, prompt));
      request.max_tokens = std::max(max_tokens_, -1);
      request.sampling = ForRequest(params, static_cast<int>(requests.size()));
      request.stop_texts = stop_texts_;
      request.decode = {.special = special_};
      requests.push_back(std::move(request));
    }
    return requests;
  }

  Status RunCached(Engine& engine, const std::vector<std::string>& prompts,
                   const std::vector<Request>& requests,
                   double load_seconds) const {
    if (prompts.size() != 1) {
      return Error{
          Format("--prompt-cache is for one prompt, {} given", prompts.size())};
    }
    SchedulerTimes times;
    BRAID_TRY(cache_.Run(
        engine, requests[0],
        [&] { Print(Shown(prompts[0], requests[0], engine.model())); }, Print,
        times));
    Print("\n");
    Note(RunReport(engine, times, load_seconds));
    return {};
  }

  // What is printed before a continuation.
  std::string Shown(const std::string& prompt, const Request& request,
                    const Model& model) const {
    // What an encoder reads is answered, not continued.
    if (!display_prompt_ || model.info().encoder) return "";
    if (!special_) return prompt;
    return model.tokenizer().Decode(request.prompt, {.special = true});
  }

  // A single text is printed as it grows.
  static SchedulerEvents Streamed(const std::string& shown) {
    Print(shown);
    return {.on_text = [](int, std::string_view text) { Print(text); },
            .on_finish = [](const Response&) { Print("\n"); }};
  }

  static std::string Headed(int number, int count, const std::string& text) {
    return Format("{}==> {} of {} <==\n{}\n", number == 0 ? "" : "\n",
                  number + 1, count, text);
  }

  PromptFlags prompts_;
  ModelFlags model_;
  EngineFlags engine_;
  SamplingFlags sampling_;
  PromptCache cache_;
  std::vector<std::string> stop_texts_;
  int slots_ = 0;
  int max_tokens_ = 128;
  bool display_prompt_ = true;
  bool special_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeGenerate() { return std::make_unique<Generate>(); }

}  // namespace braid::cli
