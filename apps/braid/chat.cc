// braid chat: a conversation on the terminal.
#include <charconv>
#include <cstdio>
#include <optional>

#include "apps/braid/chat_session.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/text.h"
#include "apps/braid/text_input.h"

namespace braid::cli {

namespace {

constexpr const char* kHelp =
    "/undo           take back your last words and the answer\n"
    "/fork           go on in a copy of the conversation\n"
    "/branch [N]     go to branch N, or list the branches\n"
    "/save FILE      keep the conversation in a file\n"
    "/load FILE      go on with a conversation from a file\n"
    "/history        print the conversation so far\n"
    "/clear          forget it\n"
    "/quit           end\n"
    "//TEXT          say /TEXT\n"
    "Ctrl-C ends an answer; where there is none, the program.\n";

Result<int> ParseBranch(const std::string& text) {
  int number = 0;
  const auto parsed =
      std::from_chars(text.data(), text.data() + text.size(), number);
  if (parsed.ec == std::errc() && parsed.ptr == text.data() + text.size()) {
    return number;
  }
  return Error{Format("'{}' is no number of a branch", text)};
}

class Chat : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    model_.Declare(table);
    engine_.Declare(table);
    table.Integer("-np, --parallel", "N", "branches that /fork can make",
                  &branches_, {1, 4096});
    sampling_.Declare(table);
    table.Group("Chat")
        .Text("-sys, --system-prompt", "TEXT", "what the system says first",
              &options_.system)
        .Text("-sysf, --system-prompt-file", "FILE",
              "a file that is what the system says first", &system_file_)
        .Text("-p, --prompt", "TEXT", "what you say first", &first_)
        .Switch("-st, --single-turn", "end after the answer to -p",
                &single_turn_)
        .Text("--chat-template-file", "FILE",
              "a file with the Jinja template to use instead of the model's",
              &template_file_)
        .Integer("-n, --predict, --n-predict", "N",
                 "tokens of an answer; -1: until it ends", &options_.max_tokens,
                 {-1, 1 << 30});
    return table;
  }

  Status Run() override {
    BRAID_TRY(ReadSystemFile());
    if (single_turn_ && first_.empty()) return Error{"-st needs -p TEXT"};
    BRAID_ASSIGN(const EngineOptions options, engine_.Options(branches_));
    double load_seconds = 0;
    BRAID_ASSIGN(const std::shared_ptr<const Model> model,
                 model_.Load(options.threads, &load_seconds));
    if (!model->info().logits || model->info().encoder) {
      return Error{"this model answers no conversation: it has an encoder"};
    }
    BRAID_ASSIGN(options_.sampling, sampling_.Params(model->tokenizer()));
    BRAID_ASSIGN(const std::unique_ptr<Engine> engine,
                 Engine::Create(model, options));
    BRAID_ASSIGN(const Prompter prompter, MakePrompter(*model));
    ChatSession session(*engine, prompter, options_);
    Note(Format("chat template: {}; /help lists the commands\n",
                template_file_.empty() ? prompter.name() : template_file_));
    if (!options_.system.empty() && !session.takes_system_text()) {
      Note(
          "the chat template takes no system text: it is said before your "
          "first words\n");
    }
    if (!first_.empty()) {
      const Status status = Say(session, first_);
      if (single_turn_) return status;
      if (!status.ok()) Note(Format("{}\n", status.error().message));
    }
    return Talk(session);
  }

 private:
  Status ReadSystemFile() {
    if (system_file_.empty()) return {};
    if (!options_.system.empty()) {
      return Error{"-sys and -sysf: only one of them"};
    }
    BRAID_ASSIGN(options_.system, ReadText(system_file_));
    if (options_.system.ends_with('\n')) options_.system.pop_back();
    return {};
  }

  Result<Prompter> MakePrompter(const Model& model) const {
    if (template_file_.empty()) {
      return Prompter::Create(model, model.info().chat_template);
    }
    BRAID_ASSIGN(const std::string source, ReadText(template_file_));
    return Prompter::Create(model, source);
  }

  static Status Talk(ChatSession& session) {
    LineReader lines(stdin);
    while (true) {
      if (ErrorsAreTerminal()) Note("\n> ");
      BRAID_ASSIGN(const std::optional<std::string> read, lines.Next());
      if (!read.has_value() || *read == "/quit") return {};
      const std::string& line = *read;
      if (line.empty()) continue;
      const bool escaped = line.starts_with("//");
      const Status status = line.front() == '/' && !escaped
                                ? Obey(session, line)
                                : Say(session, line.substr(escaped ? 1 : 0));
      // A conversation goes on after a mistake.
      if (!status.ok()) Note(Format("{}\n", status.error().message));
    }
  }

  static Status Say(ChatSession& session, const std::string& text) {
    const InterruptGuard guard;
    const Status status = session.Say(
        text, [](std::string_view piece) { Print(piece); }, guard.asked());
    Print("\n");
    return status;
  }

  static Status Obey(ChatSession& session, const std::string& line) {
    const size_t space = std::min(line.find(' '), line.size());
    const std::string command = line.substr(0, space);
    const std::string argument =
        space < line.size() ? line.substr(space + 1) : "";
    if (command == "/help") return Said(kHelp);
    if (command == "/history") return Said(session.Transcript() + "\n");
    if (command == "/clear") return session.Clear();
    if (command == "/undo") {
      BRAID_ASSIGN(const int evaluated, session.Undo());
      return Said(Format("back at position {}, {} tokens evaluated again\n",
                         session.position(), evaluated));
    }
    if (command == "/fork") {
      BRAID_ASSIGN(const int branch, session.Fork());
      return Said(Format("now in branch {}\n", branch));
    }
    if (command == "/branch") return Branch(session, argument);
    if (command == "/save" || command == "/load") {
      if (argument.empty()) return Error{Format("{} needs a file", command)};
      return command == "/save" ? session.Save(argument)
                                : session.Load(argument);
    }
    return Error{Format("there is no {}; /help lists the commands", command)};
  }

  static Status Branch(ChatSession& session, const std::string& argument) {
    if (!argument.empty()) {
      BRAID_ASSIGN(const int branch, ParseBranch(argument));
      return session.Switch(branch);
    }
    for (int i = 0; i < session.branches(); ++i) {
      Note(Format("{} branch {}: {} turns\n",
                  i == session.current() ? "*" : " ", i, session.turns(i)));
    }
    return {};
  }

  static Status Said(const std::string& text) {
    Note(text);
    return {};
  }

  ModelFlags model_;
  EngineFlags engine_;
  SamplingFlags sampling_;
  ChatOptions options_;
  std::string template_file_;
  std::string system_file_;
  std::string first_;
  bool single_turn_ = false;
  int branches_ = 8;
};

}  // namespace

std::unique_ptr<Command> MakeChat() { return std::make_unique<Chat>(); }

}  // namespace braid::cli
