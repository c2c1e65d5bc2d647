// VocabularyDraft: a vocabulary while it is put together from the files of a
// folder, in the terms of GGUF.
#ifndef BRAID_SRC_CONVERT_VOCABULARY_DRAFT_H_
#define BRAID_SRC_CONVERT_VOCABULARY_DRAFT_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "convert/metadata.h"
#include "convert/pipeline_draft.h"
#include "tokenizer/spec.h"

namespace braid::convert {

// More tokens than any vocabulary has; ids above it are refused, because those
// below an id exist too.
inline constexpr int64_t kMaxTokens = 1 << 20;

// SentencePieceRules, with texts of its own.
struct PieceRules {
  bool HasSymbol(int64_t id, std::string_view text) const;
  void DropSymbol(int64_t id);

  bool space_is_suffix = false;
  bool escapes_spaces = true;
  bool falls_back_to_bytes = true;
  std::vector<int64_t> symbols;
  std::vector<std::string> symbol_texts;
  std::vector<int64_t> unused;
};

// Not thread-safe.
class VocabularyDraft {
 public:
  std::string model;                // tokenizer.ggml.model
  std::string pre;                  // tokenizer.ggml.pre; empty: none
  std::vector<std::string> merges;  // "A B"
  std::string charsmap;
  bool has_scores = false;
  std::optional<bool> add_bos;
  std::optional<bool> add_eos;
  std::optional<bool> add_sep;
  // Does the vocabulary's own file say what stands around a text?
  bool has_template = false;
  std::optional<bool> add_space_prefix;
  std::optional<bool> remove_extra_whitespaces;
  std::optional<bool> lowercase;
  std::optional<bool> strip_accents;
  PieceRules pieces;
  std::string chat_template;  // the default one
  // tokenizer.chat_template.NAME, by that name.
  std::vector<std::pair<std::string, std::string>> named_templates;
  // Ends of a text that have no role: braid.tokenizer.end_token_ids.
  std::vector<int64_t> end_ids;
  // braid.tokenizer.pipeline; empty: none.
  std::string pipeline;
  // What becomes of it, if the draft is from a tokenizer.json.
  std::optional<PipelineDraft> pipeline_draft;
  // For Recipe::notices.
  std::vector<std::string> notices;
  // By the key's word: "bos" for tokenizer.ggml.bos_token_id.
  std::map<std::string, int64_t, std::less<>> ids;

  size_t size() const { return tokens_.size(); }
  const std::string& text(size_t id) const { return tokens_[id].text; }
  TokenType type(size_t id) const { return tokens_[id].type; }

  // Ids that are left out between become unused tokens "[PADn]". Error: an id
  // that is negative or too large.
  Status SetToken(int64_t id, std::string text, TokenType type,
                  float score = 0);
  void SetType(size_t id, TokenType type) { tokens_[id].type = type; }
  void SetScore(size_t id, float score) { tokens_[id].score = score; }
  // Leaves out the tokens from `size` on, and notes it. Error, and nothing is
  // left out: one of them was not added to a vocabulary, but is a part of it,
  // or has a role.
  Status DropFrom(size_t size);
  // Unused tokens up to `size`.
  void PadTo(size_t size);

  // The id of a token, the lowest of several.
  std::optional<int64_t> Find(std::string_view text) const;

  // What a loader would read. Views of this object.
  TokenizerSpec Spec() const;

  // Adds the keys tokenizer.*; texts are moved out.
  void Write(Metadata& metadata);

 private:
  struct Token {
    std::string text;
    TokenType type = TokenType::kUnused;
    float score = 0;
  };
  std::vector<Token> tokens_;
  std::unordered_map<std::string, int64_t> by_text_;
};

// Puts all of `spec` into an empty draft.
Status TakeSpec(const TokenizerSpec& spec, VocabularyDraft& draft);

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_VOCABULARY_DRAFT_H_
