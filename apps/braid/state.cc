// braid state: what sequences remember, in a file.
#include <algorithm>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/text.h"
#include "apps/braid/text_sequence.h"
#include "base/format.h"
#include "base/try.h"
#include "engine/saved_state_file.h"

namespace braid::cli {

namespace {

const std::vector<std::string> kActions = {"save", "restore", "show", "check"};

class State : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table
        .Positional({.placeholder = "ACTION",
                     .help = "save: evaluate -p and save; restore: go on from "
                             "there; show: what the file says; check: is it "
                             "whole, and with -m, can it be restored?",
                     .choices = kActions,
                     .required = true,
                     .target = &action_})
        .Positional({.placeholder = "FILE",
                     .help = "the saved state",
                     .choices = {},
                     .required = true,
                     .target = &path_});
    table.Group("Text")
        .Text("-p, --prompt", "TEXT", "what to evaluate before saving",
              &prompt_)
        .Integer("-n, --predict, --n-predict", "N",
                 "tokens to generate after restoring", &max_tokens_,
                 {0, 1 << 30});
    model_.Declare(table);
    engine_.Declare(table);
    sampling_.Declare(table);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    const std::string with = "with " + action_;
    if (action_ == "save") {
      return {{.names = "-n", .use = with},
              {.names = kSamplingFlags, .use = with}};
    }
    if (action_ == "restore") return {{.names = "-p", .use = with}};
    std::vector<UnusedFlags> unused = {{.names = "-p, -n", .use = with},
                                       {.names = kSamplingFlags, .use = with}};
    if (action_ == "show") {
      unused.push_back({.names = kEngineFlags, .use = with});
    } else if (model_.path.empty()) {
      unused.push_back({.names = kEngineFlags, .use = "with check without -m"});
    }
    return unused;
  }

  Status Run() override {
    if (action_ == "save") return Save();
    if (action_ == "restore") return Restore();
    if (action_ == "show") return Show();
    return Check();
  }

 private:
  Result<std::shared_ptr<const Model>> Load(
      const EngineOptions& options) const {
    double seconds = 0;
    return model_.LoadFor("state", options.threads, &seconds);
  }

  Status Save() const {
    if (prompt_.empty()) return Error{"nothing to save; give -p TEXT"};
    BRAID_TRY(CheckWritable(path_));
    BRAID_ASSIGN(const EngineOptions options, engine_.Options(1));
    BRAID_ASSIGN(const auto model, Load(options));
    BRAID_ASSIGN(const auto engine, Engine::Create(model, options));
    BRAID_ASSIGN(const Request request,
                 MakeRequestWithin(*engine, prompt_, "the prompt"));
    const InterruptGuard guard;
    const auto tokens = TextSequence(*engine, 0, guard.asked()).Hold(request);
    BRAID_TRY(guard.Verdict());
    if (!tokens.ok()) return tokens.error();
    BRAID_TRY(engine->Save(path_));
    Note(Format("{}: {}\n", path_, Counted(*tokens, "token")));
    return {};
  }

  // An engine with room for the file's sequences, which has restored them.
  Result<std::unique_ptr<Engine>> Restored(const SavedStateFile& file) const {
    constexpr SequenceId kMostSequences = 65536;
    SequenceId last = 0;
    for (const SavedSequence& sequence : file.state.sequences) {
      last = std::max(last, sequence.id);
    }
    const int sequences = std::min(last, kMostSequences - 1) + 1;
    BRAID_ASSIGN(EngineOptions options, engine_.Options(sequences));
    // What was pooled can only go on that way.
    options.pooling = file.state.pooling;
    BRAID_ASSIGN(const auto model, Load(options));
    BRAID_ASSIGN(auto engine, Engine::Create(model, options));
    BRAID_TRY(engine->Restore(path_));
    return engine;
  }

  Status Restore() {
    BRAID_ASSIGN(const SavedStateFile file, SavedStateFile::Open(path_));
    BRAID_ASSIGN(const auto engine, Restored(file));
    const Model& model = engine->model();
    BRAID_ASSIGN(SamplingParams params, sampling_.Params(model.tokenizer()));
    TextSeeds seeds(std::move(params));
    LengthNotices notices(model.info());
    const InterruptGuard guard;
    const auto& sequences = file.state.sequences;
    for (size_t i = 0; i < sequences.size(); ++i) {
      const SequenceId id = sequences[i].id;
      const auto tokens = engine->Tokens(id);
      std::string text = model.tokenizer().Decode(tokens, {});
      Request request;
      request.max_tokens = max_tokens_;
      std::span<const TokenId> encoder_text;
      if (sequences[i].text >= 0) {
        encoder_text = file.state.texts[sequences[i].text];
      }
      request.sampling = seeds.Next(encoder_text, tokens);
      if (engine->LastLogits(id).empty()) {
        return Error{Format("sequence {} does not know what follows it", id)};
      }
      TextSequence continued(*engine, id, guard.asked());
      BRAID_ASSIGN(const std::string more, continued.Generate(request));
      if (sequences.size() > 1) {
        text =
            Format("{}==> sequence {} <==\n{}", i == 0 ? "" : "\n", id, text);
      }
      Print(text + more + "\n");
      const std::string name = Format("sequence {}", id);
      if (continued.filled()) {
        notices.Filled(name, engine->options().context);
      }
      notices.Long(name, engine->NextPosition(id));
      BRAID_TRY(guard.Verdict());
    }
    return {};
  }

  Status Show() const {
    BRAID_ASSIGN(const SavedStateFile file, SavedStateFile::Open(path_));
    const Fingerprint& model = file.fingerprint;
    Print(Format("file       {}, format {}, contract {}\n",
                 SizeText(static_cast<double>(file.bytes)),
                 archive::kFormatVersion, model.contract));
    Print(Format("model      {}, {}, KV {}, weights {}, vocabulary {}\n",
                 model.architecture,
                 Counted(static_cast<int64_t>(model.layers.size()), "layer"),
                 model.kv_type == KvType::kF16 ? "f16" : "f32",
                 model.identity.weights, model.identity.tokenizer));
    for (const SavedStateFile::Section& section : file.sections) {
      std::string name = section.name;
      name.resize(8, ' ');
      Print(Format("section    {} {}\n", name,
                   SizeText(static_cast<double>(section.bytes))));
    }
    std::unique_ptr<Tokenizer> tokenizer;
    if (!model_.path.empty()) {
      BRAID_ASSIGN(tokenizer, LoadTokenizer(model_.path));
    }
    for (const SavedSequence& sequence : file.state.sequences) {
      ShowSequence(file.state, sequence, tokenizer.get());
    }
    return {};
  }

  void ShowSequence(const SavedState& state, const SavedSequence& sequence,
                    const Tokenizer* tokenizer) const {
    std::string line = Format("sequence {} {}", sequence.id,
                              Counted(sequence.length(), "token"));
    const bool shares =
        sequence.parent >= 0 &&
        static_cast<size_t>(sequence.parent) < state.sequences.size();
    if (shares) {
      line += Format(", {} shared with sequence {}", sequence.shared,
                     state.sequences[sequence.parent].id);
    }
    if (!sequence.checkpoints.empty()) {
      std::vector<std::string> positions;
      for (const SavedCheckpoint& checkpoint : sequence.checkpoints) {
        positions.push_back(Format("{}", checkpoint.position));
      }
      line += Format(", checkpoints at {}", Joined(positions, " "));
    }
    if (sequence.carried.pooled) line += ", pooled";
    if (sequence.text >= 0 &&
        static_cast<size_t>(sequence.text) < state.texts.size()) {
      line += Format(
          ", encoder text of {}",
          Counted(static_cast<int64_t>(state.texts[sequence.text].size()),
                  "token"));
    }
    Print(line + "\n");
    if (tokenizer == nullptr) return;
    Print(tokenizer->Decode(sequence.carried.tokens, {.special = true}) + "\n");
  }

  Status Check() const {
    BRAID_ASSIGN(const SavedStateFile file, SavedStateFile::Open(path_));
    if (model_.path.empty()) {
      Print(
          Format("{}: all checksums are right, {}\n", path_, Sequences(file)));
      return {};
    }
    BRAID_TRY(Restored(file));
    Print(Format("{}: restored, {}\n", path_, Sequences(file)));
    return {};
  }

  static std::string Sequences(const SavedStateFile& file) {
    return Counted(static_cast<int64_t>(file.state.sequences.size()),
                   "sequence");
  }

  std::string action_;
  std::string path_;
  std::string prompt_;
  int max_tokens_ = 128;
  ModelFlags model_;
  EngineFlags engine_;
  SamplingFlags sampling_;
};

}  // namespace

std::unique_ptr<Command> MakeState() { return std::make_unique<State>(); }

}  // namespace braid::cli
