#include "apps/braid/model_use.h"

#include <algorithm>

#include "apps/braid/console.h"
#include "apps/braid/text.h"
#include "base/check.h"
#include "base/format.h"
#include "engine/loaded_model.h"

namespace braid::cli {

namespace {

// Which commands take which kinds; all take causal models.
struct CommandUse {
  std::string_view command;
  bool encoder_decoder;
  bool encoder;
};

constexpr CommandUse kUses[] = {
    {"generate", true, false},        {"chat", false, false},
    {"parallel", false, false},       {"embedding", true, true},
    {"perplexity", false, false},     {"bench", true, true},
    {"batched-bench", false, false},  {"state", true, false},
    {"save-load-state", true, false}, {"imatrix", true, true},
};

bool Takes(const CommandUse& use, ModelKind kind) {
  switch (kind) {
    case ModelKind::kCausal:
      return true;
    case ModelKind::kEncoderDecoder:
      return use.encoder_decoder;
    case ModelKind::kEncoder:
      return use.encoder;
  }
  return false;
}

std::string Description(ModelKind kind) {
  switch (kind) {
    case ModelKind::kCausal:
      return "predicts the next token of a text";
    case ModelKind::kEncoderDecoder:
      return "has an encoder that reads a text, and a decoder that answers it";
    case ModelKind::kEncoder:
      return "is an encoder: it makes embeddings and predicts no tokens";
  }
  return "";
}

std::string CommandsFor(ModelKind kind) {
  std::vector<std::string> commands;
  for (const CommandUse& use : kUses) {
    if (Takes(use, kind)) commands.push_back(std::string(use.command));
  }
  return Joined(commands, ", ");
}

}  // namespace

ModelKind KindOf(const ModelInfo& info) {
  if (info.encoder) return ModelKind::kEncoderDecoder;
  return info.logits ? ModelKind::kCausal : ModelKind::kEncoder;
}

Status CheckUse(std::string_view command, const std::string& path,
                const ModelInfo& info) {
  const ModelKind kind = KindOf(info);
  const auto* const use =
      std::ranges::find(kUses, command, &CommandUse::command);
  BRAID_CHECK(use != std::end(kUses));
  if (Takes(*use, kind)) return {};
  return Error{Format("{}: {} {}; commands that take such a model: {}", path,
                      info.architecture, Description(kind), CommandsFor(kind))};
}

int LearnedPositions(const Model& model) {
  const auto* const loaded = dynamic_cast<const LoadedModel*>(&model);
  return loaded == nullptr ? 0 : loaded->language_model().traits().positions;
}

std::optional<int64_t> TextLimit::tokens() const {
  if (bounds.empty()) return {};
  return std::ranges::min(bounds, {}, &Bound::tokens).tokens;
}

TextLimit LongestText(const Model& model, const EngineOptions& options) {
  const ModelInfo& info = model.info();
  TextLimit limit;
  if (const int64_t positions = LearnedPositions(model); positions > 0) {
    limit.bounds.push_back({.tokens = positions, .flag = ""});
  }
  if (info.attention || info.encoder) {
    limit.bounds.push_back({.tokens = options.context, .flag = "-c"});
  }
  if (info.bidirectional || info.encoder) {
    limit.bounds.push_back({.tokens = options.max_batch, .flag = "-b"});
    limit.bounds.push_back({.tokens = options.max_ubatch, .flag = "-ub"});
  }
  return limit;
}

Status CheckLength(std::string_view name, int64_t tokens,
                   const TextLimit& limit) {
  std::vector<std::string> flags;
  bool fixed = false;
  for (const TextLimit::Bound& bound : limit.bounds) {
    if (tokens <= bound.tokens) continue;
    fixed |= bound.flag.empty();
    flags.push_back(bound.flag);
  }
  if (flags.empty()) return {};
  return Error{Format("{}: {}, at most {} fit: {}", name,
                      Counted(tokens, "token"), *limit.tokens(),
                      fixed ? std::string("the model has no more positions")
                            : Format("raise {}", Joined(flags, ", ")))};
}

std::vector<TokenId> CutTokens(const Tokenizer& tokenizer,
                               std::string_view text, size_t most, Kept kept) {
  std::vector<TokenId> tokens = tokenizer.Encode(text, {});
  if (tokens.size() <= most) return tokens;
  const std::vector<TokenId> plain =
      tokenizer.Encode(text, {.add_special = false});
  // What is around the text; a vocabulary that joins it to the text has nothing
  // that can be told apart.
  const auto found =
      std::search(tokens.begin(), tokens.end(), plain.begin(), plain.end());
  const bool apart = found != tokens.end() || plain.empty();
  const auto before = apart ? found - tokens.begin() : 0;
  const auto after =
      apart ? tokens.end() - found - static_cast<std::ptrdiff_t>(plain.size())
            : 0;
  const auto excess = static_cast<std::ptrdiff_t>(tokens.size() - most);
  const auto begin = kept == Kept::kStart ? tokens.end() - after - excess
                                          : tokens.begin() + before;
  if (begin < tokens.begin() + before ||
      begin + excess > tokens.end() - after) {
    tokens.resize(most);  // no room for more than what is around it
    return tokens;
  }
  tokens.erase(begin, begin + excess);
  return tokens;
}

void LengthNotices::Filled(std::string_view name, int64_t context) {
  if (said_filled_) return;
  said_filled_ = true;
  Note(
      Format("{}: its text ends where the context of {} does: raise -c for "
             "longer ones\n",
             name, Counted(context, "token")));
}

void LengthNotices::Long(std::string_view name, int64_t tokens) {
  if (said_long_ || trained_ == 0 || tokens <= trained_) return;
  said_long_ = true;
  Note(Format("{}: {}, the model was trained with texts of {} at most\n", name,
              Counted(tokens, "token"), trained_));
}

}  // namespace braid::cli
