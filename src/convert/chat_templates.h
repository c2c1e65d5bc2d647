// The chat templates of a folder.
#ifndef BRAID_SRC_CONVERT_CHAT_TEMPLATES_H_
#define BRAID_SRC_CONVERT_CHAT_TEMPLATES_H_

#include <string>

#include "braid/result.h"
#include "convert/folder_files.h"
#include "convert/vocabulary_draft.h"

namespace braid::convert {

// Into draft.chat_template (the default one) and draft.named_templates. The
// first of these that is there counts, as in transformers:
// chat_template.jinja with additional_chat_templates/NAME.jinja; chat_template
// in tokenizer_config.json, a text or a list of {name, template};
// chat_template.json. One that differs from it is noted. Error: a list of
// something else, a name that is there twice.
Status ReadChatTemplates(const std::string& folder, const Companions& files,
                         VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_CHAT_TEMPLATES_H_
