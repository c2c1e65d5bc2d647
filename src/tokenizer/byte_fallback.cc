#include "tokenizer/byte_fallback.h"

#include <algorithm>
#include <cstdint>

#include "tokenizer/byte_text.h"

namespace braid {

void ByteFallback::Append(std::string_view character,
                          std::vector<TokenId>& tokens) const {
  const auto token_of = [this](char byte) {
    return byte_tokens_[static_cast<uint8_t>(byte)];
  };
  if (std::all_of(character.begin(), character.end(),
                  [&](char byte) { return token_of(byte) != kNoToken; })) {
    for (const char byte : character) tokens.push_back(token_of(byte));
    return;
  }
  const bool repeated = !tokens.empty() && tokens.back() == unknown_;
  if (unknown_ != kNoToken && !repeated) tokens.push_back(unknown_);
}

void AppendPieceText(const Vocabulary& vocabulary, TokenId token,
                     std::string& text) {
  const std::string_view stored = vocabulary.text(token);
  if (vocabulary.type(token) == TokenType::kByte) {
    if (const auto byte = ParseByteToken(stored)) {
      text.push_back(static_cast<char>(*byte));
      return;
    }
  }
  AppendWithSpaces(stored, text);
}

}  // namespace braid
