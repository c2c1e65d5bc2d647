// What is done with models that have no template of their own.
#ifndef BRAID_SRC_CHAT_DEFAULT_TEMPLATES_H_
#define BRAID_SRC_CHAT_DEFAULT_TEMPLATES_H_

#include <string_view>

#include "braid/result.h"

namespace braid::chat {

struct TemplateSource {
  std::string_view name;  // for a person
  std::string_view text;
  // The text is the start of a text like any other, which the vocabulary may
  // mark. A template of the model's own writes such marks itself.
  bool marks_start = false;
};

// The template for a model whose file has `stored` under
// `tokenizer.chat_template`: that, mostly. Without one everybody's words follow
// one another ("plain"); the name "rwkv-world", which files of RWKV models have
// in its place, stands for the format that these were trained on. Error: any
// other text that is no template.
Result<TemplateSource> TemplateOf(std::string_view stored);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_DEFAULT_TEMPLATES_H_
