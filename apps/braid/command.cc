#include "apps/braid/command.h"

#include <algorithm>

#include "apps/braid/console.h"
#include "apps/braid/help.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/known_flags.h"
#include "apps/braid/nearest.h"
#include "apps/braid/text.h"
#include "base/format.h"

namespace braid::cli {

const std::vector<CommandEntry>& Commands() {
  static const auto* const kCommands = new std::vector<CommandEntry>{
      {"Texts", "generate", "continue prompts, all in one batch",
       "Continues one or more prompts. All are decoded in one batch; a text "
       "depends on --seed, its prompt and how many equal prompts came before "
       "it, not on the others. Standard output has each prompt with "
       "its continuation, in the order of the prompts; several are separated "
       "by lines '==> 1 of 3 <=='.",
       MakeGenerate},
      {"Texts", "chat", "talk with a model",
       "Reads what you say line by line and answers. Lines that start with a "
       "slash are commands: /undo takes your last words and the answer back, "
       "/fork goes on in a copy, /save and /load keep the conversation in a "
       "file; /help lists them. None of them evaluates anything again.",
       MakeChat},
      {"Texts", "parallel", "serve simulated clients, continuously batched",
       "Lets simulated clients send short requests that start with the same "
       "system prompt. Standard output has the requests with their responses "
       "in order; they depend on --seed, the request and how many equal ones "
       "came before it, not on the clients or the batches.",
       MakeParallel},
      {"Texts", "embedding", "texts to vectors",
       "Turns texts into embeddings: the model's rows of all tokens, pooled to "
       "one per text. Standard output has them in the order of the texts, and "
       "how similar they are; a vector does not depend on the other texts.",
       MakeEmbedding},
      {"Texts", "tokenize", "text to token ids",
       "Prints the tokens of a text. A GGUF file with a vocabulary and no "
       "tensors is enough.",
       MakeTokenize},
      {"Texts", "detokenize", "token ids to text",
       "Prints the text of token ids, exactly and without a line break after "
       "it. The output of braid tokenize --ids is understood.",
       MakeDetokenize},
      {"Measurements", "perplexity", "how well a model predicts a text",
       "Cuts a text into chunks of -c tokens, decodes as many of them side by "
       "side as -b holds, and scores the second half of each. Standard output "
       "has the running perplexity after every chunk, and the estimate. With "
       "--hellaswag, --winogrande or --multiple-choice it chooses answers "
       "instead, and with --kl-divergence it compares two models. How the "
       "text is batched changes no bit of it.",
       MakePerplexity},
      {"Measurements", "bench", "measure prompt processing and generation",
       "Measures tokens per second for prompts (pp) and for generation (tg), "
       "each as mean and standard deviation over the repetitions, after a "
       "warm-up run.",
       MakeBench},
      {"Measurements", "batched-bench", "speed by the number of sequences",
       "Measures prompts (PP tokens each) and generation (TG tokens each) of B "
       "sequences side by side, for every combination of the three lists. "
       "N_KV is how many positions are held at the end; T are seconds, S are "
       "tokens per second.",
       MakeBatchedBench},
      {"Measurements", "fit", "tell the memory that a set-up needs",
       "Tells the memory that a model needs with a context and a number of "
       "sequences, part by part, and which others fit this machine. No weight "
       "is read.",
       MakeFit},
      {"Saved state", "state",
       "save, restore, show or check what sequences remember",
       "Saves what a model remembers of a prompt to a file, goes on from "
       "there, "
       "shows what a file holds (with -m: the text, too), or checks that it is "
       "whole. Restoring evaluates nothing again, for every kind of model.",
       MakeState},
      {"Saved state", "save-load-state",
       "does a saved state go on as if nothing had happened?",
       "Evaluates a prompt, saves, and generates a text; then generates it "
       "again from the restored state, from one sequence that was moved to "
       "another id, and beside another sequence in an engine with other "
       "options. Fails if any text differs.",
       MakeSaveLoadState},
      {"Model files", "gguf",
       "show, check, hash, compare, change, split or merge GGUF files",
       "Shows the metadata and tensors of a GGUF file; validates it whole and "
       "searches its tensors for NaN and infinity; prints or verifies hashes "
       "of its tensors; tells how two files differ; changes metadata; cuts a "
       "file into parts and merges them. "
       "Files of any size pass through a few MiB of memory.",
       MakeGguf},
      {"Model files", "convert", "a Hugging Face folder to a GGUF file",
       "Converts a folder of Hugging Face (config.json, safetensors in one "
       "file or several, tokenizer) to a GGUF file. Tensors pass one after "
       "another, so that memory for a few of them is enough.",
       MakeConvert},
      {"Model files", "quantize", "a GGUF file in a smaller format",
       "Writes a GGUF file with its matrices in another format; a name like "
       "Q4_K_M stands for a mixture, which gives sensitive matrices more bits. "
       "Standard output says what becomes of every tensor. Files of any size "
       "pass through a few MiB of memory.",
       MakeQuantize},
      {"Model files", "imatrix",
       "which inputs of a model's matrices matter, by a text",
       "Evaluates a text and adds up, for every input of every matrix, the "
       "squares of what came in; braid quantize --imatrix weighs errors with "
       "them. Of a model with encoder and decoder, the encoder is measured. "
       "The sums are the same bits whatever -b, -ub and -t are.",
       MakeImatrix},
      {"The program", "completion", "print a shell completion script",
       "Prints a script that completes commands, flags and values. In bash and "
       "zsh: source <(braid completion bash); in fish: braid completion fish | "
       "source. An installed braid has them in place.",
       MakeCompletion},
      {"The program", "help", "this overview, or the help of a command",
       "Prints the overview of the commands, or the help of one.", MakeHelp},
      {"The program", "version", "print the version", "Prints the version.",
       MakeVersion},
  };
  return *kCommands;
}

std::string OverviewText(size_t columns) {
  std::string text = Format(
      "{}\n\n{}\n", Wrapped("Usage: braid COMMAND [flags]", columns - 2, 2),
      Wrapped("Runs recurrent, attention and hybrid language models; "
              "many sequences at once.",
              columns, 0));
  size_t width = 0;
  for (const CommandEntry& entry : Commands()) {
    width = std::max(width, entry.name.size());
  }
  std::string group;
  for (const CommandEntry& entry : Commands()) {
    if (entry.group != group) text += Format("\n{}:\n", entry.group);
    group = entry.group;
    const std::string gap(width - entry.name.size() + 2, ' ');
    // Words of a summary have up to so many letters.
    constexpr size_t kLeastSummary = 12;
    const size_t indent =
        width + 4 + kLeastSummary <= columns ? width + 4 : size_t{4};
    text += Format("  {}{}{}\n", entry.name,
                   indent == width + 4 ? gap : std::string("\n    "),
                   Wrapped(entry.summary, columns - indent, indent));
  }
  return Format("{}\n{}\n", text,
                Wrapped("braid COMMAND --help lists the flags of a command.",
                        columns, 0));
}

std::string CommandHelp(const CommandEntry& entry, size_t columns) {
  const std::unique_ptr<Command> command = entry.make();
  return HelpText(entry.name, entry.description, command->Flags(), columns);
}

namespace {

// As a shell reports a program that SIGINT ended.
constexpr int kCodeOfInterrupt = 130;

Status CheckUnused(const Command& command, const FlagTable& table) {
  for (const UnusedFlags& unused : command.Unused()) {
    for (const std::string& name : braid::cli::Split(unused.names, ", ")) {
      const std::optional<std::string> given = table.GivenAs(name);
      if (!given) continue;
      const std::string message =
          Format("{} has no effect {}", *given, unused.use);
      if (!unused.only_noted) return Error{message};
      Note(Format("note: {}\n", message));
    }
  }
  return {};
}

Status ParseAndRun(const CommandEntry& entry, Command& command,
                   std::span<const std::string> arguments) {
  FlagTable table = command.Flags();
  AddKnownFlags(entry.name, table);
  BRAID_ASSIGN(const bool help, table.Parse(arguments));
  if (help) {
    Print(CommandHelp(entry, OutputColumns()));
    return {};
  }
  BRAID_TRY(CheckUnused(command, table));
  return command.Run();
}

int RunCommand(const CommandEntry& entry,
               std::span<const std::string> arguments) {
  const std::unique_ptr<Command> command = entry.make();
  const Status status = ParseAndRun(entry, *command, arguments);
  if (status.ok()) return command->CodeOfSuccess();
  Note(Format("braid {}: {}\n", entry.name, status.error().message));
  return WasInterrupted() ? kCodeOfInterrupt : command->CodeOfFailure();
}

Error UnknownCommand(const std::string& name) {
  std::vector<std::string> names;
  for (const CommandEntry& entry : Commands()) names.push_back(entry.name);
  for (const KnownProgram& known : KnownPrograms()) {
    const std::vector<std::string> programs = Split(known.program, ", ");
    if (std::ranges::count(programs, name) == 0) continue;
    return Error{Format("there is no {}; it is braid {}", name, known.command)};
  }
  const std::string nearest = Nearest(name, names);
  return Error{Format("unknown command '{}'; {}", name,
                      nearest.empty()
                          ? std::string("braid help lists the commands")
                          : Format("did you mean {}?", nearest))};
}

}  // namespace

int RunCommandLine(std::span<const std::string> arguments) {
  ReserveStandardStreams();
  if (arguments.empty()) {
    Note(OverviewText(ErrorColumns()));
    return 1;
  }
  std::string name = arguments[0];
  if (name == "-h" || name == "--help") name = "help";
  if (name == "--version") name = "version";
  const auto& commands = Commands();
  const auto entry = std::find_if(
      commands.begin(), commands.end(),
      [&](const CommandEntry& known) { return known.name == name; });
  if (entry != commands.end()) {
    return RunCommand(*entry, arguments.subspan(1));
  }
  Note(Format("braid: {}\n", UnknownCommand(name).message));
  return 1;
}

}  // namespace braid::cli
