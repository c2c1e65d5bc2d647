// StepOptions: the options of one step of a tokenizer.json, each asked for by
// name, so that one that nobody asks for is found and not ignored.
#ifndef BRAID_SRC_TOKENIZER_STEP_OPTIONS_H_
#define BRAID_SRC_TOKENIZER_STEP_OPTIONS_H_

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "json/json.h"

namespace braid {

// Ask for all options, then for Finish(): until then a wrong option reads as
// its default. An option that is null counts as absent. Not thread-safe.
class StepOptions {
 public:
  // `step`, which must outlive this, is an object with a member "type"; `where`
  // is the part that it stands in ("normalizer").
  StepOptions(const Json& step, std::string_view where);

  // Empty if there is none.
  std::string_view type() const { return type_; }

  bool Flag(std::string_view name, bool default_value);
  std::string Text(std::string_view name, std::string_view default_value);
  // Error: absent.
  std::string RequiredText(std::string_view name);
  // Error: not in [lowest, highest].
  int64_t Count(std::string_view name, int64_t default_value, int64_t lowest,
                int64_t highest);
  // The index in `choices` of a text; error: it is none of them.
  size_t Choice(std::string_view name, size_t default_value,
                std::initializer_list<std::string_view> choices);
  // null if absent; whoever asks checks what it is.
  const Json& Value(std::string_view name);
  bool Has(std::string_view name) const { return !step_[name].IsNull(); }
  // Options that touch no token.
  void IgnoreOffsets(std::initializer_list<std::string_view> names);

  // "normalizer Strip: MESSAGE". The first stays.
  void Fail(std::string_view message);
  Error MakeError(std::string_view message) const;

  // The first error; one is an option that nobody has asked for.
  Status Finish();

 private:
  void ExpectKind(std::string_view name, const Json& value,
                  std::string_view expected);

  const Json& step_;
  std::string where_;
  std::string_view type_;
  std::vector<std::string_view> asked_ = {"type"};
  Status status_;
};

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_STEP_OPTIONS_H_
