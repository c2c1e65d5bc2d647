// Which characters the steps of `tokenizers` take for words, punctuation,
// numbers, marks, ... Its steps use Unicode data of several versions, so these
// are tables of their own, asked of the package; and the questions to them.
#ifndef BRAID_SRC_TOKENIZER_PIPELINE_TABLES_H_
#define BRAID_SRC_TOKENIZER_PIPELINE_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <span>

namespace braid {

struct CodePointRange {
  uint32_t first;
  uint32_t last;
};

struct ScriptRange {
  uint32_t first;
  uint32_t last;
  uint16_t script;
};

// Generated: sorted, without overlap.
namespace pipeline_tables {
extern const std::span<const CodePointRange> kWord;
extern const std::span<const CodePointRange> kPunctuation;
extern const std::span<const CodePointRange> kNumeric;
extern const std::span<const CodePointRange> kMark;
extern const std::span<const CodePointRange> kNonspacingMark;
extern const std::span<const CodePointRange> kCleaned;
extern const std::span<const CodePointRange> kIdeograph;
extern const std::span<const CodePointRange> kDecomposes;
extern const std::span<const CodePointRange> kCompatible;
extern const std::span<const ScriptRange> kScripts;
}  // namespace pipeline_tables

// Time O(log(ranges)).
bool IsIn(std::span<const CodePointRange> ranges, uint32_t code_point);

// The number of the character's script; the numbers mean nothing but being the
// same or not, and 0 fits every script (a space).
uint16_t ScriptOf(uint32_t code_point);

// White_Space, the same in all versions.
bool IsWhiteSpace(uint32_t code_point);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_PIPELINE_TABLES_H_
