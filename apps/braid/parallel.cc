// braid parallel: simulated clients with a common system prompt.
#include <algorithm>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/progress.h"
#include "apps/braid/prompts.h"
#include "apps/braid/report.h"
#include "apps/braid/scheduler.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

constexpr const char* kSystemPrompt =
    "The following is a conversation between a curious person and a helpful "
    "assistant. The assistant answers in a few plain sentences.\n\n"
    "User: How far away is the Moon?\n"
    "Assistant: About 384,000 kilometres on average; light takes a little "
    "more than a second for it.\n"
    "User: Who wrote Frankenstein?\n"
    "Assistant: Mary Shelley. It was first published in London in 1818.\n";

constexpr const char* kQuestions[] = {
    "Why is the sky blue?",
    "Which animal sleeps the longest?",
    "How do I keep bread fresh for some days?",
    "Tell me a short story about a lighthouse.",
    "What would you pack for a week in the mountains?",
    "Is a tomato a fruit or a vegetable?",
    "How does a bicycle stay upright?",
    "Name three rivers and the seas they flow into.",
    "What makes a good detective?",
    "Can you explain tides to a child?",
    "Which of the planets has the shortest day?",
    "What should I say to a friend who has lost a game of chess?",
};

class Parallel : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Group("Load")
        .Integer("-np, --parallel", "N", "clients, served side by side",
                 &clients_, {1, 65534})
        .Integer("-ns, --sequences", "N", "requests in total", &count_,
                 {1, 1 << 20})
        .Integer("-n, --predict, --n-predict", "N",
                 "tokens of a response at most; -1: until it ends or fills "
                 "the context",
                 &max_tokens_, {-1, 1 << 30})
        .Toggle("-cb, --cont-batching",
                "give a free client the next request at once, not when all "
                "are free",
                &continuous_)
        .Switch("-nocb", "the same as --no-cont-batching", &continuous_, false)
        .Toggle("-pps, --shared-prompt",
                "decode the system prompt once and fork it", &share_prompt_)
        .Text("-sys, --system-prompt", "TEXT",
              "what every request starts with; a short example conversation "
              "if not given",
              &system_prompt_)
        .Texts("-r, --reverse-prompt", "TEXT",
               "end a response before this; a line break and 'User:' if not "
               "given",
               &stop_texts_);
    prompts_.Declare(table);
    model_.Declare(table);
    engine_.Declare(table);
    sampling_.Declare(table);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    return {{.names = kGoingBackFlags,
             .use = "on requests, which never go back",
             .only_noted = true}};
  }

  Status Run() override {
    BRAID_ASSIGN(const std::vector<std::string> questions, Questions());
    double load_seconds = 0;
    BRAID_ASSIGN(
        const std::shared_ptr<const Model> model,
        model_.LoadFor("parallel", engine_.options.threads, &load_seconds));
    const InterruptGuard guard;
    const SchedulerOptions options = {
        .slots = clients_,
        .continuous = continuous_,
        .prefix = model->tokenizer().Encode(SystemPrompt(), {}),
        .share_prefix = share_prompt_,
        .cancelled = guard.asked()};
    BRAID_ASSIGN(const EngineOptions engine_options,
                 engine_.Options(options.sequences()));
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, engine_options));
    BRAID_ASSIGN(const std::vector<Request> requests,
                 Requests(questions, model->tokenizer()));

    OrderedOutput output(count_);
    Progress progress("parallel", model_.progress);
    LengthNotices notices(model->info());
    int finished = 0;
    int broken = 0;
    Scheduler scheduler(
        *engine, options,
        {.on_text = {}, .on_finish = [&](const Response& response) {
           progress.Hide();
           Note(ClientLine(response));
           const std::string name = Format("request {}", response.request + 1);
           if (response.filled) {
             notices.Filled(name, engine->options().context);
           }
           if (!response.error.empty()) {
             ++broken;
             Note(Format("{}: {}\n", name, response.error));
           }
           notices.Long(name, int64_t{response.prompt_tokens} +
                                  response.generated_tokens);
           output.Finish(response.request, ResponseText(questions, response));
           progress.Show(static_cast<double>(++finished) / count_);
         }});
    BRAID_TRY(scheduler.Run(requests));
    progress.Hide();
    Note(Format("{}, {}\n", Counted(count_, "request"),
                Counted(clients_, "client")) +
         RunReport(*engine, scheduler.times(), load_seconds));
    BRAID_TRY(guard.Verdict());
    if (broken == 0) return {};
    return Error{Format("ended with an error: {} of {}", broken,
                        Counted(count_, "request"))};
  }

 private:
  Result<std::vector<std::string>> Questions() const {
    std::vector<std::string> questions;
    BRAID_ASSIGN(const std::vector<Prompt> given, prompts_.Read());
    for (const Prompt& prompt : given) questions.push_back(prompt.text);
    if (questions.empty()) {
      questions.assign(std::begin(kQuestions), std::end(kQuestions));
    }
    return questions;
  }

  std::string SystemPrompt() const {
    if (system_prompt_.empty()) return kSystemPrompt;
    return prompts_.escape ? ProcessEscapes(system_prompt_) : system_prompt_;
  }

  // The questions in turn, over and over.
  Result<std::vector<Request>> Requests(
      const std::vector<std::string>& questions, const Tokenizer& tokenizer) {
    BRAID_ASSIGN(SamplingParams params, sampling_.Params(tokenizer));
    TextSeeds seeds(std::move(params));
    std::vector<std::string> stops = stop_texts_;
    if (stops.empty()) stops = {"\n", "User:"};
    std::vector<Request> requests;
    for (int i = 0; i < count_; ++i) {
      const std::string& question = questions[i % questions.size()];
      std::vector<TokenId> prompt = tokenizer.Encode(
          "User: " + question + "\nAssistant:", {.add_special = false});
      const SamplingParams sampling = seeds.Next({}, prompt);
      requests.push_back({.prompt = std::move(prompt),
                          .max_tokens = max_tokens_,
                          .sampling = sampling,
                          .stop_texts = stops,
                          .decode = {}});
    }
    return requests;
  }

  std::string ResponseText(const std::vector<std::string>& questions,
                           const Response& response) const {
    const int i = response.request;
    const size_t start = std::min(response.text.find_first_not_of(" \t\r\n"),
                                  response.text.size());
    return Format("{}==> {} of {} <==\nUser: {}\nAssistant: {}\n",
                  i == 0 ? "" : "\n", i + 1, count_,
                  questions[i % questions.size()], response.text.substr(start));
  }

  std::string ClientLine(const Response& response) const {
    return Format(
        "client {}: request {} of {}, prompt {}, response {} in {} s\n",
        response.slot + 1, response.request + 1, count_,
        Counted(response.prompt_tokens, "token"),
        Counted(response.generated_tokens, "token"),
        Fixed(response.seconds, 2));
  }

  PromptFlags prompts_;
  ModelFlags model_;
  EngineFlags engine_;
  SamplingFlags sampling_;
  std::vector<std::string> stop_texts_;
  std::string system_prompt_;
  int clients_ = 4;
  int count_ = 8;
  int max_tokens_ = 128;
  bool continuous_ = true;
  bool share_prompt_ = true;
};

}  // namespace

std::unique_ptr<Command> MakeParallel() { return std::make_unique<Parallel>(); }

}  // namespace braid::cli
