// A part of a tokenizer.json is nothing, one step, or a Sequence of parts.
#ifndef BRAID_SRC_TOKENIZER_STEP_SEQUENCE_H_
#define BRAID_SRC_TOKENIZER_STEP_SEQUENCE_H_

#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "json/json.h"
#include "tokenizer/step_options.h"

namespace braid {

inline constexpr size_t kMostSteps = 256;

// The steps of `part` in order, sequences in sequences made flat; views of it.
// `where` is its name ("normalizer"), `list` that of a Sequence's member
// ("normalizers"). Errors: what is neither, more than kMostSteps.
Result<std::vector<const Json*>> FlattenSteps(const Json& part,
                                              std::string_view where,
                                              std::string_view list);

// A kind of step and what makes one; `options` is finished by the caller.
template <class Step>
struct StepKind {
  std::string_view type;
  Result<std::unique_ptr<Step>> (*make)(StepOptions& options);
};

// The steps of `part`, by the table of their kinds.
template <class Step>
Result<std::vector<std::unique_ptr<const Step>>> ReadSteps(
    const Json& part, std::string_view where, std::string_view list,
    std::span<const StepKind<Step>> kinds) {
  auto flat = FlattenSteps(part, where, list);
  if (!flat.ok()) return flat.error();
  std::vector<std::unique_ptr<const Step>> steps;
  for (const Json* json : *flat) {
    StepOptions options(*json, where);
    const StepKind<Step>* kind = nullptr;
    for (const StepKind<Step>& known : kinds) {
      if (known.type == options.type()) kind = &known;
    }
    if (kind == nullptr) return options.MakeError("this step is not supported");
    Result<std::unique_ptr<Step>> step = kind->make(options);
    if (!step.ok()) return options.MakeError(step.error().message);
    const Status finished = options.Finish();
    if (!finished.ok()) return finished.error();
    if (*step != nullptr) steps.push_back(std::move(*step));
  }
  return steps;
}

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_STEP_SEQUENCE_H_
