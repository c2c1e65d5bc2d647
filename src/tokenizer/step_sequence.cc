#include "tokenizer/step_sequence.h"

#include <algorithm>

#include "base/format.h"

namespace braid {

Result<std::vector<const Json*>> FlattenSteps(const Json& part,
                                              std::string_view where,
                                              std::string_view list) {
  std::vector<const Json*> steps;
  if (part.IsNull()) return steps;
  // Last first, so that the next one is at the back.
  std::vector<const Json*> waiting = {&part};
  while (!waiting.empty()) {
    const Json& step = *waiting.back();
    waiting.pop_back();
    StepOptions options(step, where);
    if (!step.IsObject() || options.type().empty()) {
      return Error{Format("{}: expected a step with a type, found {}", where,
                          step.Kind())};
    }
    if (options.type() != "Sequence") {
      steps.push_back(&step);
    } else {
      const Json& inner = options.Value(list);
      if (!inner.IsArray()) {
        return options.MakeError(
            Format("{}: expected an array, found {}", list, inner.Kind()));
      }
      if (Status finished = options.Finish(); !finished.ok()) {
        return finished.error();
      }
      const auto elements = inner.Elements();
      for (size_t i = elements.size(); i-- > 0;) {
        waiting.push_back(&elements[i]);
      }
    }
    if (steps.size() + waiting.size() > kMostSteps) {
      return Error{Format("{}: more than {} steps", where, kMostSteps)};
    }
  }
  return steps;
}

}  // namespace braid
