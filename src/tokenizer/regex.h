// Regex: a regular expression of a tokenizer.json, run by PCRE2.
//
// The expressions of the models in use have splitters by hand (pretokenize.h);
// this is for all others.
#ifndef BRAID_SRC_TOKENIZER_REGEX_H_
#define BRAID_SRC_TOKENIZER_REGEX_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/function_ref.h"
#include "braid/result.h"

namespace braid {

// Immutable; every method may be called from any thread.
class Regex {
 public:
  // In Oniguruma's syntax (regex_syntax.h). Errors: those of TranslateRegex,
  // and PCRE2's, in words.
  static Result<Regex> Make(std::string_view expression);

  Regex(Regex&&) noexcept;
  Regex& operator=(Regex&&) noexcept;
  ~Regex();

  // Calls found(begin, end) for the matches in `text`, from left to right and
  // without overlap; one that is empty is not where the one before it ended.
  // Bytes that are no UTF-8 match nothing.
  //
  // Backtracking is bounded: an attempt that takes more than a share of steps
  // in proportion to the text ends the search, as if nothing matched any more,
  // so that no file can hang its host.
  void ForEachMatch(std::string_view text,
                    FunctionRef<void(size_t begin, size_t end)> found) const;

 private:
  struct Code;
  explicit Regex(std::unique_ptr<const Code> code);

  // The same in a text that is UTF-8. `flags`: of pcre2_match; `allowance`:
  // hard steps that are left.
  void ForEachMatchIn(std::string_view text, uint32_t flags,
                      uint64_t& allowance,
                      FunctionRef<void(size_t begin, size_t end)> found) const;

  std::unique_ptr<const Code> code_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_REGEX_H_
