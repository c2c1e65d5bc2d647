#include "convert/sentencepiece_file.h"

#include <string>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/load.h"
#include "tokenizer/sentencepiece_model.h"

namespace braid::convert {

namespace {

// What other programs do not read of a file that is made of the model.
std::vector<std::string> OnlyOurs(const TokenizerSpec& spec) {
  const SentencePieceRules& rules = spec.sentencepiece;
  std::vector<std::string> list;
  if (spec.model.starts_with("braid-")) {
    list.push_back(Format("the tokenizer \"{}\"", spec.model));
  }
  // They read these keys for unigram models.
  if (spec.model == "llama" && !spec.charsmap.empty()) {
    list.push_back("the rules that rewrite characters");
  }
  if (spec.model == "llama" && spec.remove_extra_whitespaces.value_or(false)) {
    list.push_back("remove_extra_whitespaces");
  }
  if (rules.space_is_suffix) list.push_back("treat_whitespace_as_suffix");
  if (!rules.escapes_spaces) list.push_back("escape_whitespaces");
  if (!rules.falls_back_to_bytes) {
    list.push_back("that pieces named like bytes are none");
  }
  if (!rules.symbols.empty()) {
    list.push_back(
        Format("that {} user-defined pieces are looked for in the "
               "rewritten text",
               rules.symbols.size()));
  }
  if (!rules.unused.empty()) {
    list.push_back(Format("that {} unused pieces are merged and split again",
                          rules.unused.size()));
  }
  return list;
}

}  // namespace

Status ReadSentencePieceFile(std::string_view bytes, VocabularyDraft& draft) {
  BRAID_ASSIGN(const SentencePieceModel model, ReadSentencePieceModel(bytes));
  // What the reader of the file will refuse is refused now.
  const auto tokenizer = MakeTokenizer(model.spec);
  if (!tokenizer.ok()) return tokenizer.error();
  for (const std::string& rule : OnlyOurs(model.spec)) {
    draft.notices.push_back(Format("tokenizer: only Braid will read {}", rule));
  }
  if (model.unknown_surface != SentencePieceModel::kDefaultUnknownSurface) {
    draft.notices.push_back(
        Format("tokenizer: unk_surface \"{}\" is not used: the unknown token "
               "is decoded to nothing",
               model.unknown_surface));
  }
  return TakeSpec(model.spec, draft);
}

}  // namespace braid::convert
