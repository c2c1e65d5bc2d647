#include "convert/vocabulary_draft.h"

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/pipeline.h"

namespace braid::convert {

namespace {

// Of tokens that are never made of text.
constexpr float kUnusedScore = -10000;

// Keys of our own, of which each is there only if it says something.
void WritePieceRules(PieceRules rules, size_t tokens, Metadata& metadata) {
  const auto key = [](std::string_view name) {
    return Format("braid.tokenizer.sentencepiece.{}", name);
  };
  // Pieces that are left out because the model has no rows for them.
  for (size_t i = rules.symbols.size(); i-- > 0;) {
    const int64_t id = rules.symbols[i];
    if (id >= static_cast<int64_t>(tokens)) rules.DropSymbol(id);
  }
  std::erase_if(rules.unused, [tokens](int64_t id) {
    return id >= static_cast<int64_t>(tokens);
  });
  if (rules.space_is_suffix) {
    metadata.Flag(key("treat_whitespace_as_suffix"), true);
  }
  if (!rules.escapes_spaces) metadata.Flag(key("escape_whitespaces"), false);
  if (!rules.falls_back_to_bytes) {
    metadata.Flag(key("byte_fallback"), false);
  }
  if (!rules.symbols.empty()) {
    metadata.Counts(key("user_defined"), rules.symbols);
    metadata.Texts(key("user_defined_pieces"), std::move(rules.symbol_texts));
  }
  if (!rules.unused.empty()) metadata.Counts(key("unused"), rules.unused);
}

}  // namespace

bool PieceRules::HasSymbol(int64_t id, std::string_view text) const {
  const auto found = std::ranges::find(symbols, id);
  return found != symbols.end() &&
         symbol_texts[static_cast<size_t>(found - symbols.begin())] == text;
}

void PieceRules::DropSymbol(int64_t id) {
  const auto found = std::ranges::find(symbols, id);
  if (found == symbols.end()) return;
  symbol_texts.erase(symbol_texts.begin() + (found - symbols.begin()));
  symbols.erase(found);
}

Status VocabularyDraft::SetToken(int64_t id, std::string text, TokenType type,
                                 float score) {
  if (id < 0 || id >= kMaxTokens) {
    return Error{Format("token \"{}\": id {} is not in [0, {})", Excerpt(text),
                        id, kMaxTokens)};
  }
  const auto index = static_cast<size_t>(id);
  if (index >= tokens_.size()) PadTo(index + 1);
  const auto [known, added] = by_text_.emplace(text, id);
  if (!added && id < known->second) known->second = id;
  tokens_[index] = {std::move(text), type, score};
  return {};
}

Status VocabularyDraft::DropFrom(size_t size) {
  for (size_t id = size; id < tokens_.size(); ++id) {
    const TokenType type = tokens_[id].type;
    if (type != TokenType::kControl && type != TokenType::kUserDefined &&
        type != TokenType::kUnused) {
      return Error{Format("token {} \"{}\" is of the vocabulary itself", id,
                          Excerpt(tokens_[id].text))};
    }
  }
  for (const auto& [word, id] : ids) {
    if (id < static_cast<int64_t>(size)) continue;
    return Error{Format("token {} \"{}\" is the token {}", id,
                        Excerpt(tokens_[static_cast<size_t>(id)].text), word)};
  }
  const size_t count = tokens_.size() - size;
  notices.push_back(
      Format("{} token{} without a row of the embedding left "
             "out, the first is {} \"{}\"",
             count, count == 1 ? "" : "s", size, Excerpt(tokens_[size].text)));
  std::erase_if(by_text_, [size](const auto& entry) {
    return entry.second >= static_cast<int64_t>(size);
  });
  tokens_.resize(size);
  return {};
}

void VocabularyDraft::PadTo(size_t size) {
  while (tokens_.size() < size) {
    tokens_.push_back({.text = Format("[PAD{}]", tokens_.size()),
                       .type = TokenType::kUnused,
                       .score = kUnusedScore});
  }
}

std::optional<int64_t> VocabularyDraft::Find(std::string_view text) const {
  const auto found = by_text_.find(std::string(text));
  if (found == by_text_.end()) return std::nullopt;
  return found->second;
}

TokenizerSpec VocabularyDraft::Spec() const {
  TokenizerSpec spec;
  spec.model = model;
  if (!pre.empty()) spec.pre = pre;
  for (const Token& token : tokens_) {
    spec.tokens.push_back(token.text);
    if (has_scores) spec.scores.push_back(token.score);
    spec.types.push_back(static_cast<int32_t>(token.type));
  }
  spec.merges.assign(merges.begin(), merges.end());
  spec.pipeline = pipeline;
  return spec;
}

void VocabularyDraft::Write(Metadata& metadata) {
  metadata.Text("tokenizer.ggml.model", model);
  if (!pre.empty()) metadata.Text("tokenizer.ggml.pre", pre);
  std::vector<std::string> texts;
  std::vector<float> scores;
  std::vector<int64_t> types;
  for (Token& token : tokens_) {
    texts.push_back(std::move(token.text));
    scores.push_back(token.score);
    types.push_back(static_cast<int64_t>(token.type));
  }
  metadata.Texts("tokenizer.ggml.tokens", std::move(texts));
  if (has_scores) {
    metadata.Numbers("tokenizer.ggml.scores", std::move(scores));
  }
  metadata.Counts("tokenizer.ggml.token_type", types);
  if (!merges.empty()) {
    metadata.Texts("tokenizer.ggml.merges", std::move(merges));
  }
  for (const auto& [word, id] : ids) {
    metadata.Count(Format("tokenizer.ggml.{}_token_id", word), id);
  }
  const auto flag = [&metadata](std::string_view key,
                                const std::optional<bool>& value) {
    if (value) metadata.Flag(Format("tokenizer.ggml.{}", key), *value);
  };
  flag("add_bos_token", add_bos);
  flag("add_eos_token", add_eos);
  flag("add_sep_token", add_sep);
  flag("add_space_prefix", add_space_prefix);
  flag("remove_extra_whitespaces", remove_extra_whitespaces);
  flag("normalizer.lowercase", lowercase);
  flag("normalizer.strip_accents", strip_accents);
  if (!charsmap.empty()) {
    metadata.Bytes("tokenizer.ggml.precompiled_charsmap", charsmap);
  }
  WritePieceRules(std::move(pieces), tokens_.size(), metadata);
  if (!end_ids.empty()) {
    metadata.Counts("braid.tokenizer.end_token_ids", end_ids);
  }
  if (!pipeline.empty()) metadata.Text(kPipelineKey, pipeline);
  if (!chat_template.empty()) {
    metadata.Text("tokenizer.chat_template", chat_template);
  }
  std::vector<std::string> names;
  for (auto& [name, text] : named_templates) {
    metadata.Text(Format("tokenizer.chat_template.{}", name), std::move(text));
    names.push_back(name);
  }
  if (!names.empty()) {
    metadata.Texts("tokenizer.chat_templates", std::move(names));
  }
}

Status TakeSpec(const TokenizerSpec& spec, VocabularyDraft& draft) {
  draft.model = spec.model;
  draft.has_scores = !spec.scores.empty();
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    const auto type = spec.types.empty()
                          ? TokenType::kNormal
                          : static_cast<TokenType>(spec.types[i]);
    BRAID_TRY(draft.SetToken(static_cast<int64_t>(i),
                             std::string(spec.tokens[i]), type,
                             draft.has_scores ? spec.scores[i] : 0));
  }
  struct Word {
    TokenRole role;
    const char* key;
  };
  constexpr Word kWords[] = {{TokenRole::kBos, "bos"},
                             {TokenRole::kEos, "eos"},
                             {TokenRole::kUnknown, "unknown"},
                             {TokenRole::kPadding, "padding"}};
  for (const auto& [role, key] : kWords) {
    const std::optional<int64_t> id = spec.ids[static_cast<size_t>(role)];
    if (id) draft.ids.emplace(key, *id);
  }
  draft.add_bos = spec.add_bos;
  draft.add_eos = spec.add_eos;
  draft.add_space_prefix = spec.add_space_prefix;
  draft.remove_extra_whitespaces = spec.remove_extra_whitespaces;
  draft.charsmap = spec.charsmap;
  const SentencePieceRules& rules = spec.sentencepiece;
  draft.pieces = {
      .space_is_suffix = rules.space_is_suffix,
      .escapes_spaces = rules.escapes_spaces,
      .falls_back_to_bytes = rules.falls_back_to_bytes,
      .symbols = {rules.symbols.begin(), rules.symbols.end()},
      .symbol_texts = {rules.symbol_texts.begin(), rules.symbol_texts.end()},
      .unused = {rules.unused.begin(), rules.unused.end()}};
  return {};
}

}  // namespace braid::convert
