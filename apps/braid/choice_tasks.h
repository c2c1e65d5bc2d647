// Choice tasks: questions with answers to choose from, as files have them.
#ifndef BRAID_APPS_BRAID_CHOICE_TASKS_H_
#define BRAID_APPS_BRAID_CHOICE_TASKS_H_

#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid::cli {

struct Choice {
  std::string text;  // whole: the question with this answer
  // The part of `text` that ends with what differs between the answers; empty:
  // the score does not need it. Winogrande.
  std::string start;
  bool right = false;
};

struct ChoiceTask {
  std::vector<Choice> choices;  // at least two
};

// Zellers et al., "HellaSwag: Can a machine really finish your sentence?",
// 2019. Six lines for each task: context, number of the right ending, four
// endings.
Result<std::vector<ChoiceTask>> ParseHellaSwag(std::string_view text);

// Sakaguchi et al., "WinoGrande: an adversarial Winograd schema challenge at
// scale", 2019. Lines `index,sentence,choice 1,choice 2,answer`, the sentence
// perhaps in quotes and with a gap "_"; or JSON lines with `context_options`,
// `continuation` and `gold`.
Result<std::vector<ChoiceTask>> ParseWinogrande(std::string_view text);

// llama.cpp's binary form of tasks with any number of answers (ARC, MMLU,
// TruthfulQA): 32-bit little-endian count, offsets, and per task a question and
// two lists of answers with labels, of which the first has one right answer.
// The file is not trusted.
Result<std::vector<ChoiceTask>> ParseMultipleChoice(std::string_view bytes);

// `count` of the tasks, the same as llama.cpp takes with its fixed seed: for
// HellaSwag and multiple choice, and for Winogrande. All if there are not more.
std::vector<ChoiceTask> SelectTasks(std::vector<ChoiceTask> tasks,
                                    size_t count);
std::vector<ChoiceTask> SelectWinogrande(std::vector<ChoiceTask> tasks,
                                         size_t count);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_CHOICE_TASKS_H_
