// Pre-tokenization by regular expressions, with PCRE2: what the tests compare
// the automata with.
#ifndef BRAID_SRC_TOKENIZER_PCRE2_FOR_TEST_H_
#define BRAID_SRC_TOKENIZER_PCRE2_FOR_TEST_H_

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"

namespace braid {

// One expression over Unicode text. Not thread-safe.
class Pattern {
 public:
  explicit Pattern(std::string_view expression) {
    int error = 0;
    size_t offset = 0;
    code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(expression.data()),
                              expression.size(), PCRE2_UTF | PCRE2_UCP, &error,
                              &offset, nullptr));
    BRAID_CHECK(code_ != nullptr);
    pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
    match_.reset(pcre2_match_data_create_from_pattern(code_.get(), nullptr));
  }

  // Does it match at the start of `text`, which must be UTF-8?
  bool Matches(std::string_view text) const {
    return Match(text, 0, PCRE2_ANCHORED) >= 0;
  }

  // Appends the matches in `text`, which must be UTF-8, and the gaps between.
  void Split(std::string_view text, std::vector<std::string>& pieces) const {
    size_t gap = 0;
    while (gap < text.size()) {
      if (Match(text, gap, PCRE2_NOTEMPTY) < 0) break;
      const size_t* bounds = pcre2_get_ovector_pointer(match_.get());
      if (bounds[0] > gap)
        pieces.emplace_back(text.substr(gap, bounds[0] - gap));
      pieces.emplace_back(text.substr(bounds[0], bounds[1] - bounds[0]));
      gap = bounds[1];
    }
    if (gap < text.size()) pieces.emplace_back(text.substr(gap));
  }

 private:
  struct Deleter {
    void operator()(pcre2_code* code) const { pcre2_code_free(code); }
    void operator()(pcre2_match_data* match) const {
      pcre2_match_data_free(match);
    }
  };
  int Match(std::string_view text, size_t at, uint32_t options) const {
    return pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()),
                       text.size(), at, options, match_.get(), nullptr);
  }

  std::unique_ptr<pcre2_code, Deleter> code_;
  std::unique_ptr<pcre2_match_data, Deleter> match_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PCRE2_FOR_TEST_H_
