#include "tokenizer/vocabulary.h"

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <iterator>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Texts that end a turn or a text in the chat formats in use, whatever the
// file's ids say.
constexpr std::string_view kEndTexts[] = {
    "<|eot_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|flush|>",
    "<|calls|>",
    "<end_of_turn>",
    "<|endoftext|>",
    "</s>",
    "<|eom_id|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<eos>",
    "<turn|>",
    "<|tool_response>",
    "<\uFF5Cend\u2581of\u2581sentence\uFF5C>",
    "[e~[",
};

Status CheckLength(std::string_view key, size_t length, size_t tokens) {
  if (length == 0 || length == tokens) return {};
  return Error{Format("{}: {} elements for {} tokens", key, length, tokens)};
}

Result<std::vector<TokenType>> ReadTypes(const TokenizerSpec& spec) {
  BRAID_TRY(CheckLength("tokenizer.ggml.token_type", spec.types.size(),
                        spec.tokens.size()));
  std::vector<TokenType> types(spec.tokens.size(), TokenType::kNormal);
  for (size_t i = 0; i < spec.types.size(); ++i) {
    if (spec.types[i] < 0 || spec.types[i] >= kTokenTypes) {
      return Error{
          Format("tokenizer.ggml.token_type[{}]: {} is no token type "
                 "(0 to {})",
                 i, spec.types[i], kTokenTypes - 1)};
    }
    types[i] = static_cast<TokenType>(spec.types[i]);
  }
  return types;
}

bool IsOneCharacter(std::string_view text) {
  return text.empty() || DecodeUtf8(text, 0).length == text.size();
}

Status CheckScores(const TokenizerSpec& spec) {
  BRAID_TRY(CheckLength("tokenizer.ggml.scores", spec.scores.size(),
                        spec.tokens.size()));
  for (size_t i = 0; i < spec.scores.size(); ++i) {
    if (std::isnan(spec.scores[i])) {
      return Error{Format("tokenizer.ggml.scores[{}]: not a number", i)};
    }
  }
  return {};
}

Status CheckIds(std::string_view key, const std::vector<int32_t>& ids,
                size_t tokens) {
  for (size_t i = 0; i < ids.size(); ++i) {
    if (ids[i] < 0 || static_cast<size_t>(ids[i]) >= tokens) {
      return Error{Format("{}[{}]: {} is no token (0 to {})", key, i, ids[i],
                          tokens - 1)};
    }
  }
  return {};
}

Status CheckRules(const SentencePieceRules& rules, size_t tokens) {
  BRAID_TRY(CheckIds("braid.tokenizer.sentencepiece.user_defined",
                     rules.symbols, tokens));
  BRAID_TRY(
      CheckIds("braid.tokenizer.sentencepiece.unused", rules.unused, tokens));
  if (rules.symbols.size() == rules.symbol_texts.size()) return {};
  return Error{
      Format("braid.tokenizer.sentencepiece.user_defined_pieces: {} texts for "
             "{} tokens",
             rules.symbol_texts.size(), rules.symbols.size())};
}

}  // namespace

Result<Vocabulary> Vocabulary::Make(const TokenizerSpec& spec,
                                    const TokenIds& default_ids) {
  if (spec.tokens.empty()) {
    return Error{"tokenizer.ggml.tokens: the vocabulary is empty"};
  }
  BRAID_TRY(CheckScores(spec));
  BRAID_TRY(CheckRules(spec.sentencepiece, spec.tokens.size()));
  BRAID_ASSIGN(std::vector<TokenType> types, ReadTypes(spec));
  BRAID_ASSIGN(
      TextTable texts,
      TextTable::Make(spec.tokens, std::vector<bool>(spec.tokens.size(), true),
                      "tokenizer.ggml.tokens"));

  Vocabulary vocabulary;
  vocabulary.texts_ = std::move(texts);
  vocabulary.types_ = std::move(types);
  vocabulary.scores_ = spec.scores;
  for (size_t role = 0; role < kTokenRoles; ++role) {
    vocabulary.ids_[role] = kNoToken;
    for (const auto& id : {spec.ids[role], default_ids[role]}) {
      if (id.has_value() && *id >= 0 && *id < vocabulary.size()) {
        vocabulary.ids_[role] = static_cast<TokenId>(*id);
        break;
      }
    }
  }
  vocabulary.notices_ = spec.notices;
  if (spec.model != "rwkv") vocabulary.MarkNamedAsControl(spec);
  vocabulary.MarkEndOfGeneration(!spec.types.empty());
  vocabulary.MarkSymbols(spec.sentencepiece);
  vocabulary.falls_back_to_bytes_ = spec.sentencepiece.falls_back_to_bytes;
  for (const int32_t end : spec.end_ids) {
    if (end < 0 || end >= vocabulary.size()) {
      return Error{
          Format("braid.tokenizer.end_token_ids: {} is no token of the "
                 "vocabulary, which has {}",
                 end, vocabulary.size())};
    }
    vocabulary.ends_generation_[Index(end)] = true;
  }
  const StripRules rules(spec);
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    vocabulary.strips_.push_back(
        rules.Of(vocabulary.text(token), vocabulary.type(token)));
  }
  return vocabulary;
}

void Vocabulary::MarkNamedAsControl(const TokenizerSpec& spec) {
  struct Named {
    TokenRole role;
    std::string_view key;
  };
  constexpr Named kNamed[] = {
      {TokenRole::kBos, "tokenizer.ggml.bos_token_id"},
      {TokenRole::kEos, "tokenizer.ggml.eos_token_id"},
      {TokenRole::kEndOfTurn, "tokenizer.ggml.eot_token_id"},
      {TokenRole::kEndOfMessage, "tokenizer.ggml.eom_token_id"},
  };
  for (const auto& [role, key] : kNamed) {
    const TokenId token = id(role);
    const bool by_file = spec.ids[static_cast<size_t>(role)] == token;
    if (token == kNoToken || !by_file || IsOneCharacter(text(token))) continue;
    const TokenType typed = type(token);
    if (typed != TokenType::kNormal && typed != TokenType::kUserDefined) {
      continue;
    }
    types_[Index(token)] = TokenType::kControl;
    if (spec.types.empty()) continue;
    notices_.push_back(Format(
        "{}: token {} \"{}\" is typed {}; it is taken for a control token", key,
        token, Excerpt(text(token)),
        typed == TokenType::kNormal ? "normal" : "user-defined"));
  }
}

void Vocabulary::MarkEndOfGeneration(bool has_types) {
  ends_generation_.assign(types_.size(), false);
  for (const std::string_view text : kEndTexts) {
    const TokenId token = Find(text);
    if (token == kNoToken) continue;
    // Qwen's vocabulary has a "</s>" that is an ordinary word.
    if (has_types && type(token) == TokenType::kNormal) continue;
    // Gemma's has the tags of HTML, among them that of struck-out text.
    if (text == "</s>" && Find("</u>") != kNoToken) continue;
    ends_generation_[Index(token)] = true;
    // Some files call them user-defined; a user's text must not be able to end
    // a turn.
    types_[Index(token)] = TokenType::kControl;
  }

  const auto has = [&](std::string_view text) {
    return Find(text) != kNoToken;
  };
  const auto spare = [&](std::string_view text) {
    if (has(text)) ends_generation_[Index(Find(text))] = false;
  };
  // In these formats <|end|> closes one message of several.
  const bool calls = has("<|call|>") || has("<|calls|>");
  if (calls && (has("<|return|>") || has("<|flush|>"))) spare("<|end|>");
  if (has("<|tool_response>")) spare("</s>");

  for (const TokenRole role :
       {TokenRole::kEos, TokenRole::kEndOfTurn, TokenRole::kEndOfMessage,
        TokenRole::kFimPadding, TokenRole::kFimRepository,
        TokenRole::kFimSeparator}) {
    if (id(role) != kNoToken) ends_generation_[Index(id(role))] = true;
  }
}

// One that became a control token is none: a user's text must not make it.
void Vocabulary::MarkSymbols(const SentencePieceRules& rules) {
  if (rules.symbols.empty()) return;
  symbols_.assign(types_.size(), false);
  for (const TokenId token : rules.symbols) {
    symbols_[Index(token)] = type(token) == TokenType::kUserDefined;
  }
}

bool IsEndText(std::string_view text) {
  return std::ranges::find(kEndTexts, text) != std::end(kEndTexts);
}

ByteTokens FindNamedByteTokens(const Vocabulary& vocabulary) {
  ByteTokens tokens;
  for (int i = 0; i < 256; ++i) {
    const uint8_t byte = static_cast<uint8_t>(i);
    tokens[byte] = vocabulary.falls_back_to_bytes()
                       ? vocabulary.Find(ByteTokenText(byte))
                       : kNoToken;
  }
  return tokens;
}

ByteTokens FindByteTokens(const Vocabulary& vocabulary) {
  ByteTokens tokens = FindNamedByteTokens(vocabulary);
  for (int i = 0; i < 256; ++i) {
    TokenId& found = tokens[static_cast<uint8_t>(i)];
    if (found != kNoToken) continue;
    const TokenId token = vocabulary.Find(std::string(1, static_cast<char>(i)));
    // A text must not make a control token that has a single letter.
    const bool normal =
        token != kNoToken && vocabulary.type(token) == TokenType::kNormal;
    if (normal) found = token;
  }
  return tokens;
}

bool AnyTokenSpansWords(const Vocabulary& vocabulary) {
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    if (vocabulary.type(token) != TokenType::kNormal) continue;
    std::string_view text = vocabulary.text(token);
    while (text.starts_with(kSpaceMark)) text.remove_prefix(kSpaceMark.size());
    if (text.find(kSpaceMark) != std::string_view::npos) return true;
  }
  return false;
}

}  // namespace braid
