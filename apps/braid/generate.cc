// braid generate: continue prompts.
#include <algorithm>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/prompts.h"
#include "apps/braid/report.h"
#include "apps/braid/scheduler.h"

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
                 "tokens to generate per prompt; -1: until the text ends or "
                 "fills the context",
                 &max_tokens_, {-1, 1 << 30})
        .Texts("-r, --reverse-prompt", "TEXT", "end a text before this",
               &stop_texts_)
        .Toggle("--display-prompt", "print the prompt before its continuation",
                &display_prompt_)
        .Switch("--special", "print control tokens too", &special_);
    return table;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<std::string> prompts, prompts_.Read());
    if (prompts.empty()) {
      return Error{"nothing to continue; give -p TEXT or -f FILE"};
    }
    const int count = static_cast<int>(prompts.size());
    const int slots = slots_ > 0 ? slots_ : std::min(count, kMostDefaultSlots);
    const SchedulerOptions options = {.slots = std::min(slots, count),
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

    OrderedOutput output(count);
    Scheduler scheduler(
        *engine, options,
        count == 1 ? Streamed(Shown(prompts[0], requests[0], *model))
                   : SchedulerEvents{
                         .on_text = {}, .on_finish = [&](Response response) {
                           const int i = response.request;
                           output.Finish(i, Headed(i, count,
                                                   Shown(prompts[i],
                                                         requests[i], *model) +
                                                       response.text));
                         }});
    BRAID_TRY(scheduler.Run(requests));
    Note(RunReport(*engine, scheduler.times(), load_seconds));
    return {};
  }

 private:
  Result<std::vector<Request>> Requests(const std::vector<std::string>& prompts,
                                        const Model& model) {
    const Tokenizer& tokenizer = model.tokenizer();
    BRAID_ASSIGN(const SamplingParams params, sampling_.Params(tokenizer));
    std::vector<Request> requests;
    for (const std::string& prompt : prompts) {
      Request request = {
          .prompt = tokenizer.Encode(prompt, {}),
          .max_tokens = max_tokens_,
          .sampling = ForRequest(params, static_cast<int>(requests.size())),
          .stop_texts = stop_texts_,
          .decode = {.special = special_}};
      if (model.info().encoder) {
        request.encoder_text = std::move(request.prompt);
        request.prompt = {model.info().start_token};
      }
      // A text from nothing starts where the vocabulary starts one.
      if (request.prompt.empty()) {
        const TokenId start =
            tokenizer.bos() != kNoToken ? tokenizer.bos() : tokenizer.eos();
        if (start == kNoToken) {
          return Error{"the prompt is empty and the vocabulary has no BOS"};
        }
        request.prompt.push_back(start);
      }
      requests.push_back(std::move(request));
    }
    return requests;
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
  std::vector<std::string> stop_texts_;
  int slots_ = 0;
  int max_tokens_ = 128;
  bool display_prompt_ = true;
  bool special_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeGenerate() { return std::make_unique<Generate>(); }

}  // namespace braid::cli
