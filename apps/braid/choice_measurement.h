// How often a model chooses the right answer of choice tasks: what `braid
// perplexity` prints with --hellaswag, --winogrande and --multiple-choice.
#ifndef BRAID_APPS_BRAID_CHOICE_MEASUREMENT_H_
#define BRAID_APPS_BRAID_CHOICE_MEASUREMENT_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "apps/braid/common_flags.h"
#include "braid/model.h"
#include "braid/result.h"

namespace braid::cli {

enum class ChoiceKind { kHellaSwag, kWinogrande, kMultipleChoice };

struct ChoiceMeasurement {
  ChoiceKind kind;
  int most = 0;               // tasks; 0: all
  bool print_scores = false;  // of every answer, on standard error
  ProgressMode progress = ProgressMode::kBar;
};

// Measures the tasks that the file `path` holds as `contents`, as many side by
// side as `engine` says a batch holds. Standard output has a line after every
// task. Errors name the path, and where in it.
Status MeasureChoices(const ChoiceMeasurement& measurement,
                      const std::string& path, std::string_view contents,
                      const std::shared_ptr<const Model>& model,
                      const EngineFlags& engine);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CHOICE_MEASUREMENT_H_
