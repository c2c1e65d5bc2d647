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

// A part of a text that is UTF-8 as a whole, and how long it is.
struct Fragment {
  size_t begin = 0;
  size_t size = 0;
};

// Behind `begin`, the next bytes that are UTF-8; of size 0 at the text's end.
Fragment NextFragment(std::string_view text, size_t begin) {
  size_t at = begin;
  while (at < text.size()) {
    const Utf8Char next = DecodeUtf8(text, at);
    if (!next.valid && at > begin) break;
    at += next.length;
    if (!next.valid) begin = at;
  }
  return {begin, at - begin};
}

// Runs one expression over one text, which is UTF-8: PCRE2 is not told to look
// for what is none, as it would look through the rest of the text at every
// match.
class Search {
 public:
  // `flags`: of pcre2_match. `allowance`: steps that are left for this text and
  // what else it is a part of.
  Search(const pcre2_code* code, std::string_view text, uint32_t flags,
         uint64_t& allowance)
      : code_(code),
        text_(text),
        allowance_(allowance),
        flags_(flags | PCRE2_NO_UTF_CHECK),
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
                       text_.size(), at, flags_, data_.get(), context_.get());
  }

  const pcre2_code* code_;
  std::string_view text_;
  uint64_t& allowance_;
  uint32_t flags_;
  std::unique_ptr<pcre2_match_context, Free> context_;
  std::unique_ptr<pcre2_match_data, Free> data_;
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
      PCRE2_UTF | PCRE2_UCP | PCRE2_USE_OFFSET_LIMIT, &code, &offset,
      context.get());
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
  uint64_t allowance = kAllowance;
  Fragment part = NextFragment(text, 0);
  do {
    const size_t end = part.begin + part.size;
    // A line does not begin or end at bytes that are no UTF-8.
    const uint32_t flags = (part.begin > 0 ? PCRE2_NOTBOL : 0) |
                           (end < text.size() ? PCRE2_NOTEOL : 0);
    const auto found_here = [&](size_t match_begin, size_t match_end) {
      found(part.begin + match_begin, part.begin + match_end);
    };
    ForEachMatchIn(text.substr(part.begin, part.size), flags, allowance,
                   found_here);
    part = NextFragment(text, end);
  } while (part.size > 0);
}

void Regex::ForEachMatchIn(
    std::string_view text, uint32_t flags, uint64_t& allowance,
    FunctionRef<void(size_t begin, size_t end)> found) const {
  Search search(code_->compiled.get(), text, flags, allowance);
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
