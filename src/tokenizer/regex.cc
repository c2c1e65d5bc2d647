#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <algorithm>
#include <cstdint>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/regex_syntax.h"
#include "tokenizer/spec.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

struct Free {
  void operator()(pcre2_code* code) const { pcre2_code_free(code); }
  void operator()(pcre2_compile_context* context) const {
    pcre2_compile_context_free(context);
  }
  void operator()(pcre2_match_context* context) const {
    pcre2_match_context_free(context);
  }
  void operator()(pcre2_match_data* data) const { pcre2_match_data_free(data); }
};

// Longer ones are none.
constexpr size_t kLongestExpression = 64 * 1024;

// Steps of backtracking. Each beginning may take kEasySteps; those that need
// more are tried again with kStepGrowth times as many, out of an allowance for
// the whole text.
constexpr uint32_t kEasySteps = 4096;
constexpr uint32_t kStepGrowth = 64;
constexpr uint64_t kAllowance = uint64_t{1} << 26;
constexpr uint32_t kHeapKib = 64 * 1024;

// Runs one expression over one text.
class Search {
 public:
  Search(const pcre2_code* code, std::string_view text)
      : code_(code),
        text_(text),
        context_(pcre2_match_context_create(nullptr)),
        data_(pcre2_match_data_create(1, nullptr)) {}

  struct Match {
    size_t begin;
    size_t end;
  };
  // The first at or behind `at`; false: there is none, or it takes too long.
  bool Find(size_t at, Match& match) {
    if (context_ == nullptr || data_ == nullptr) return false;
    pcre2_set_heap_limit(context_.get(), kHeapKib);
    int rc = Try(at, kEasySteps, text_.size());
    if (rc == PCRE2_ERROR_MATCHLIMIT) rc = FindHard(at);
    if (rc < 0) return false;
    const size_t* bounds = pcre2_get_ovector_pointer(data_.get());
    match = {bounds[0], bounds[1]};
    return true;
  }

 private:
  // PCRE2 counts the steps of each beginning by itself and does not say which
  // one took too many: windows of beginnings close in on it, so that no other
  // gets more than kEasySteps.
  int FindHard(size_t at) {
    size_t window = 1;
    while (at <= text_.size()) {
      int rc = Try(at, kEasySteps, at + window - 1);
      if (rc == PCRE2_ERROR_MATCHLIMIT && window > 1) {
        if (!Pay(kEasySteps)) return rc;
        window /= 2;
        continue;
      }
      if (rc == PCRE2_ERROR_MATCHLIMIT) rc = TryHarder(at);
      if (rc != PCRE2_ERROR_NOMATCH) return rc;
      at += window;
      while (at < text_.size() && IsContinuationByte(text_[at])) ++at;
      window *= 2;
    }
    return PCRE2_ERROR_NOMATCH;
  }

  // The one beginning `at`.
  int TryHarder(size_t at) {
    int rc = PCRE2_ERROR_MATCHLIMIT;
    uint64_t steps = kEasySteps;
    while (rc == PCRE2_ERROR_MATCHLIMIT && allowance_ > 0) {
      steps = std::min(steps * kStepGrowth, allowance_);
      Pay(steps);
      rc = Try(at, static_cast<uint32_t>(steps), at);
    }
    return rc;
  }

  // Every search looks at the rest of the text, too.
  bool Pay(uint64_t steps) {
    constexpr size_t kBytesPerStep = 16;
    allowance_ -= std::min(allowance_, steps + text_.size() / kBytesPerStep);
    return allowance_ > 0;
  }

  static bool IsContinuationByte(char byte) {
    return (static_cast<uint8_t>(byte) & 0xC0) == 0x80;
  }

  // Matches that begin in [at, last_begin].
  int Try(size_t at, uint32_t steps, size_t last_begin) {
    pcre2_set_match_limit(context_.get(), steps);
    pcre2_set_offset_limit(context_.get(), std::min(last_begin, text_.size()));
    return pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text_.data()),
                       text_.size(), at, 0, data_.get(), context_.get());
  }

  const pcre2_code* code_;
  std::string_view text_;
  std::unique_ptr<pcre2_match_context, Free> context_;
  std::unique_ptr<pcre2_match_data, Free> data_;
  uint64_t allowance_ = kAllowance;
};

}  // namespace

struct Regex::Code {
  std::unique_ptr<pcre2_code, Free> compiled;
};

Regex::Regex(std::unique_ptr<const Code> code) : code_(std::move(code)) {}
Regex::Regex(Regex&&) noexcept = default;
Regex& Regex::operator=(Regex&&) noexcept = default;
Regex::~Regex() = default;

Result<Regex> Regex::Make(std::string_view expression) {
  if (expression.size() > kLongestExpression) {
    return Error{Format("a regular expression of {} bytes; at most {}",
                        expression.size(), kLongestExpression)};
  }
  BRAID_ASSIGN(const std::string translated, TranslateRegex(expression));
  const std::unique_ptr<pcre2_compile_context, Free> context(
      pcre2_compile_context_create(nullptr));
  if (context == nullptr) return Error{"out of memory"};
  pcre2_set_newline(context.get(), PCRE2_NEWLINE_LF);
  int code = 0;
  size_t offset = 0;
  pcre2_code* compiled = pcre2_compile(
      reinterpret_cast<PCRE2_SPTR>(translated.data()), translated.size(),
      PCRE2_UTF | PCRE2_UCP | PCRE2_MATCH_INVALID_UTF | PCRE2_USE_OFFSET_LIMIT,
      &code, &offset, context.get());
  if (compiled == nullptr) {
    char message[256] = {};
    pcre2_get_error_message(code, reinterpret_cast<PCRE2_UCHAR*>(message),
                            sizeof message);
    return Error{Format("regular expression \"{}\": {}", Excerpt(expression),
                        std::string_view(message))};
  }
  return Regex(std::make_unique<Code>(
      Code{std::unique_ptr<pcre2_code, Free>(compiled)}));
}

void Regex::ForEachMatch(
    std::string_view text,
    FunctionRef<void(size_t begin, size_t end)> found) const {
  Search search(code_->compiled.get(), text);
  Search::Match match = {};
  size_t last_end = std::string_view::npos;
  for (size_t at = 0; at <= text.size() && search.Find(at, match);) {
    const bool empty = match.begin == match.end;
    if (!empty || match.end != last_end) found(match.begin, match.end);
    last_end = match.end;
    at = match.end;
    if (empty) at += at < text.size() ? DecodeUtf8(text, at).length : 1;
  }
}

}  // namespace braid
