// braid generate: continue prompts.
#include <algorithm>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/doubled_bos.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/progress.h"
#include "apps/braid/prompt_cache.h"
#include "apps/braid/prompts.h"
#include "apps/braid/report.h"
#include "apps/braid/scheduler.h"
#include "apps/braid/text.h"
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
        .Switch("--truncate",
                "leave out the start of a prompt that does not fit, of a model "
                "with an encoder its end; otherwise it is not continued",
                &truncate_)
        .Switch("-sp, --special", "print control tokens too", &special_);
    cache_.Declare(table);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    std::vector<UnusedFlags> unused;
    if (prompts_.EscapesNothing()) {
      unused.push_back(
          {.names = "-e", .use = "on a whole file", .only_noted = true});
    }
    if (!cache_.path.empty()) {
      unused.push_back(
          {.names = "-np", .use = "with --prompt-cache", .only_noted = true});
      return unused;
    }
    unused.push_back({.names = "--prompt-cache-all, --prompt-cache-ro",
                      .use = "without --prompt-cache"});
    unused.push_back({.names = kGoingBackFlags,
                      .use = "without --prompt-cache",
                      .only_noted = true});
    return unused;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<Prompt> prompts, prompts_.Read());
    if (prompts.empty()) {
      return Error{"nothing to continue; give -p TEXT or -f FILE"};
    }
    if (!cache_.path.empty() && prompts.size() != 1) {
      return Error{
          Format("--prompt-cache is for one prompt, {} given", prompts.size())};
    }
    BRAID_TRY(cache_.CheckPath());
    const int count = static_cast<int>(prompts.size());
    const int slots = slots_ > 0 ? slots_ : std::min(count, kMostDefaultSlots);
    const SchedulerOptions options = {.slots = std::min(slots, count),
                                      .continuous = true,
                                      .prefix = {},
                                      .share_prefix = false};
    BRAID_ASSIGN(const EngineOptions engine_options,
                 engine_.Options(options.sequences()));
    double load_seconds = 0;
    BRAID_ASSIGN(
        const std::shared_ptr<const Model> model,
        model_.LoadFor("generate", engine_options.threads, &load_seconds));
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, engine_options));
    BRAID_ASSIGN(const Work work, MakeWork(prompts, *engine));
    return cache_.path.empty() ? Serve(*engine, options, work, load_seconds)
                               : RunCached(*engine, work, load_seconds);
  }

 private:
  // The prompts that can be continued.
  struct Work {
    std::vector<Prompt> prompts;    // all of them
    std::vector<int> numbers;       // of those that can be
    std::vector<Request> requests;  // theirs

    int count() const { return static_cast<int>(prompts.size()); }
    const Prompt& PromptOf(int request) const {
      return prompts[numbers[request]];
    }
    std::string NameOf(int request) const {
      return PromptName(static_cast<size_t>(numbers[request]),
                        PromptOf(request));
    }
    // `broken`: requests that ended with an error.
    Status Verdict(int broken) const {
      const int failed = count() - static_cast<int>(numbers.size()) + broken;
      if (failed == 0) return {};
      return Error{Format("not continued: {} of {}", failed,
                          Counted(count(), "prompt"))};
    }
  };

  // One prompt that cannot be continued is an error, one of several is told.
  Result<Work> MakeWork(const std::vector<Prompt>& prompts,
                        const Engine& engine) {
    BRAID_ASSIGN(SamplingParams params,
                 sampling_.Params(engine.model().tokenizer()));
    TextSeeds seeds(std::move(params));
    DoubledBosNote doubled_bos;
    Work work = {.prompts = prompts, .numbers = {}, .requests = {}};
    for (int i = 0; i < work.count(); ++i) {
      auto request = RequestOf(PromptName(static_cast<size_t>(i), prompts[i]),
                               prompts[i].text, engine);
      if (!request.ok()) {
        if (work.count() == 1) return request.error();
        Note(request.error().message + "\n");
        continue;
      }
      doubled_bos.Look(request->prompt, engine.model().tokenizer());
      request->max_tokens = std::max(max_tokens_, -1);
      request->sampling = seeds.Next(request->encoder_text, request->prompt);
      request->stop_texts = stop_texts_;
      request->decode = {.special = special_};
      work.numbers.push_back(i);
      work.requests.push_back(std::move(*request));
    }
    return work;
  }

  // With its tokens alone. Error: no tokens, or too many.
  Result<Request> RequestOf(const std::string& name, const std::string& text,
                            const Engine& engine) const {
    const Model& model = engine.model();
    Result<Request> request = MakeRequest(model, text);
    if (!request.ok()) {
      return Error{Format("{}: {}", name, request.error().message)};
    }
    const bool encoder = model.info().encoder;
    std::vector<TokenId>& tokens =
        encoder ? request->encoder_text : request->prompt;
    const TextLimit limit = LongestText(model, engine.options());
    const auto size = static_cast<int64_t>(tokens.size());
    const Status fits = CheckLength(name, size, limit);
    if (fits.ok()) return request;
    if (!truncate_) return fits.error();
    // A text that goes on keeps its end, and room to go on.
    const int64_t most = *limit.tokens();
    const int64_t more = max_tokens_ < 0 ? most : max_tokens_;
    const int64_t kept =
        encoder
            ? most
            : std::clamp(most + 1 - more, std::max<int64_t>(most / 2, 1), most);
    tokens = CutTokens(model.tokenizer(), text, static_cast<size_t>(kept),
                       encoder ? Kept::kStart : Kept::kEnd);
    Note(Format("{}: {}, the {} {} are used\n", name, Counted(size, "token"),
                encoder ? "first" : "last", tokens.size()));
    return request;
  }

  Status Serve(Engine& engine, SchedulerOptions options, const Work& work,
               double load_seconds) const {
    const InterruptGuard guard;
    options.cancelled = guard.asked();
    const Model& model = engine.model();
    const int count = work.count();
    OrderedOutput output(count);
    Progress progress("generate", model_.progress);
    LengthNotices notices(model.info());
    int finished = 0;
    int broken = 0;
    const auto on_finish = [&](const Response& response) {
      const int request = response.request;
      if (count == 1) {
        Print("\n");
      } else {
        const int number = work.numbers[request];
        progress.Hide();
        output.Finish(
            number,
            Headed(number, count, Shown(work, request, model) + response.text));
        progress.Show(static_cast<double>(++finished) / count);
      }
      NoteLength(engine, work, response, progress, notices);
      if (response.error.empty()) return;
      ++broken;
      Note(Format("{}: {}\n", work.NameOf(request), response.error));
    };
    if (count == 1) {
      Print(Shown(work, 0, model));  // and what follows as it grows
    } else {
      FinishOthers(work, output);
    }
    Scheduler scheduler(engine, options,
                        {.on_text =
                             [&](int, std::string_view text) {
                               if (count == 1) Print(text);
                             },
                         .on_finish = on_finish});
    BRAID_TRY(scheduler.Run(work.requests));
    progress.Hide();
    Note(RunReport(engine, scheduler.times(), load_seconds));
    BRAID_TRY(guard.Verdict());
    return work.Verdict(broken);
  }

  // Prompts that are not continued keep their place.
  static void FinishOthers(const Work& work, OrderedOutput& output) {
    for (int number = 0; number < work.count(); ++number) {
      if (std::ranges::find(work.numbers, number) != work.numbers.end()) {
        continue;
      }
      output.Finish(number, Headed(number, work.count(), ""));
    }
  }

  static void NoteLength(const Engine& engine, const Work& work,
                         const Response& response, Progress& progress,
                         LengthNotices& notices) {
    const Request& request = work.requests[response.request];
    const std::string name = work.NameOf(response.request);
    progress.Hide();
    if (response.filled) notices.Filled(name, engine.options().context);
    notices.Long(
        name,
        std::max(static_cast<int64_t>(request.encoder_text.size()),
                 int64_t{response.prompt_tokens} + response.generated_tokens));
  }

  Status RunCached(Engine& engine, const Work& work,
                   double load_seconds) const {
    const InterruptGuard guard;
    SchedulerTimes times;
    const Status run = cache_.Run(
        engine, work.requests[0], guard.asked(),
        [&] { Print(Shown(work, 0, engine.model())); }, Print, times);
    BRAID_TRY(guard.Verdict());
    if (!run.ok()) return run;
    Note(RunReport(engine, times, load_seconds));
    return {};
  }

  // What is printed before a continuation.
  std::string Shown(const Work& work, int request, const Model& model) const {
    // What an encoder reads is answered, not continued.
    if (!display_prompt_ || model.info().encoder) return "";
    if (!special_) return work.PromptOf(request).text;
    return model.tokenizer().Decode(work.requests[request].prompt,
                                    {.special = true});
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
  bool truncate_ = false;
};

}  // namespace

std::unique_ptr<Command> MakeGenerate() { return std::make_unique<Generate>(); }

}  // namespace braid::cli
