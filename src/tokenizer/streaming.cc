#include <utility>

#include "braid/tokenizer.h"
#include "tokenizer/utf8.h"

namespace braid {

std::string StreamingDetokenizer::Add(TokenId token) {
  pending_ += tokenizer_->Piece(token, options_);
  const size_t held = UnfinishedUtf8(pending_);
  std::string text = pending_.substr(0, pending_.size() - held);
  pending_.erase(0, text.size());
  return text;
}

std::string StreamingDetokenizer::Finish() {
  return std::exchange(pending_, std::string());
}

}  // namespace braid
