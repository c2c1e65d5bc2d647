// SpecBuilder: a TokenizerSpec that owns its texts, filled in by the readers of
// vocabularies that are not GGUF as the GGUF converter would write them down.
#ifndef BRAID_TESTS_GOLDEN_TOKENIZER_SPEC_BUILDER_H_
#define BRAID_TESTS_GOLDEN_TOKENIZER_SPEC_BUILDER_H_

#include <deque>
#include <string>
#include <string_view>
#include <utility>

#include "base/format.h"
#include "tokenizer/spec.h"

namespace braid {

class SpecBuilder {
 public:
  TokenizerSpec& spec() { return spec_; }

  std::string_view Own(std::string text) {
    return texts_.emplace_back(std::move(text));
  }

  // Ids that are left out become unused tokens.
  void SetToken(size_t id, std::string text, TokenType type, float score = 0) {
    while (spec_.tokens.size() <= id) {
      spec_.types.push_back(static_cast<int32_t>(TokenType::kUnused));
      spec_.scores.push_back(0);
      spec_.tokens.push_back(Own(Format("[PAD{}]", spec_.tokens.size())));
    }
    spec_.tokens[id] = Own(std::move(text));
    spec_.types[id] = static_cast<int32_t>(type);
    spec_.scores[id] = score;
  }

  void SetId(TokenRole role, int64_t id) {
    spec_.ids[static_cast<size_t>(role)] = id;
  }

 private:
  std::deque<std::string> texts_;
  TokenizerSpec spec_;
};

}  // namespace braid

#endif  // BRAID_TESTS_GOLDEN_TOKENIZER_SPEC_BUILDER_H_
