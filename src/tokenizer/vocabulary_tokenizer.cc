#include "tokenizer/vocabulary_tokenizer.h"

#include <initializer_list>
#include <utility>

namespace braid {

namespace {

std::vector<SpecialTokens::Entry> TokensOfTypes(
    const Vocabulary& vocabulary, std::initializer_list<TokenType> types) {
  std::vector<SpecialTokens::Entry> entries;
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    for (const TokenType type : types) {
      if (vocabulary.type(token) == type && !vocabulary.is_symbol(token)) {
        entries.push_back(
            {vocabulary.text(token), token, vocabulary.strip(token)});
      }
    }
  }
  return entries;
}

}  // namespace

VocabularyTokenizer::VocabularyTokenizer(Vocabulary vocabulary, bool add_bos,
                                         bool add_end, TokenRole end)
    : vocabulary_(std::move(vocabulary)),
      add_bos_(add_bos),
      add_end_(add_end),
      end_(vocabulary_.id(end)),
      user_defined_(TokensOfTypes(vocabulary_, {TokenType::kUserDefined})),
      all_special_(TokensOfTypes(vocabulary_,
                                 {TokenType::kControl, TokenType::kUserDefined,
                                  TokenType::kUnknown})) {}

std::vector<TokenId> VocabularyTokenizer::Encode(
    std::string_view text, const EncodeOptions& options) const {
  const SpecialTokens& special =
      options.parse_special ? all_special_ : user_defined_;
  std::vector<TokenId> tokens;
  tokens.reserve(text.size() / 4 + 2);  // English has about 4 bytes a token
  if (options.add_special && adds_bos()) tokens.push_back(bos());
  EncodeFragments(special.Split(text), tokens);
  if (options.add_special && add_end_ && end_ != kNoToken) {
    tokens.push_back(end_);
  }
  return tokens;
}

std::string VocabularyTokenizer::Piece(TokenId token,
                                       const DecodeOptions& options) const {
  std::string text;
  AppendPiece(token, options, text);
  return text;
}

std::string VocabularyTokenizer::Decode(std::span<const TokenId> tokens,
                                        const DecodeOptions& options) const {
  std::string text;
  bool at_start = true;
  for (const TokenId token : tokens) {
    AppendPiece(token, options, text);
    at_start = at_start && (!Has(token) || TrimStart(token, text));
  }
  return text;
}

void VocabularyTokenizer::AppendPiece(TokenId token,
                                      const DecodeOptions& options,
                                      std::string& text) const {
  if (!Has(token)) return;
  switch (vocabulary_.type(token)) {
    case TokenType::kNormal:
    case TokenType::kByte:
      AppendBytes(token, text);
      break;
    case TokenType::kUserDefined:
      AppendSpecial(token, text);
      break;
    case TokenType::kControl:
    case TokenType::kUnknown:
      if (options.special) AppendSpecial(token, text);
      break;
    case TokenType::kUndefined:
    case TokenType::kUnused:
      break;
  }
}

void VocabularyTokenizer::AppendSpecial(TokenId token,
                                        std::string& text) const {
  text += vocabulary_.text(token);
}

bool VocabularyTokenizer::TrimStart(TokenId, std::string&) const {
  return false;
}

bool VocabularyTokenizer::IsEndOfGeneration(TokenId token) const {
  return Has(token) && vocabulary_.IsEndOfGeneration(token);
}

bool VocabularyTokenizer::IsControl(TokenId token) const {
  return Has(token) && vocabulary_.type(token) == TokenType::kControl;
}

std::string_view VocabularyTokenizer::StoredText(TokenId token) const {
  return Has(token) ? vocabulary_.text(token) : std::string_view();
}

bool VocabularyTokenizer::Has(TokenId token) const {
  return token >= 0 && token < vocabulary_.size();
}

}  // namespace braid
