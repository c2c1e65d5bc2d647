#include "engine/check_contents.h"

#include <memory>

#include "base/try.h"
#include "engine/loaded_model.h"
#include "gguf/planned_file.h"
#include "tokenizer/load.h"

namespace braid {

Status CheckContents(const gguf::Contents& contents) {
  BRAID_ASSIGN(const gguf::PlannedFile planned,
               gguf::PlannedFile::Make(contents));
  BRAID_ASSIGN(const std::unique_ptr<Tokenizer> tokenizer,
               LoadTokenizer(planned.file()));
  if (contents.tensors.empty()) return {};
  BRAID_ASSIGN(const FileUse use, ExamineModelFile(planned.file()));
  return use.status;
}

}  // namespace braid
