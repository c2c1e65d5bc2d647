// Unicode normalization, for the vocabularies whose tokenizer.json asks for it.
#ifndef BRAID_SRC_TOKENIZER_NORMALIZE_H_
#define BRAID_SRC_TOKENIZER_NORMALIZE_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace braid {

// `text` in normalization form C (Unicode Standard Annex 15). Bytes that are
// no UTF-8 stay as they are. Returns a view of `text` itself if that is
// already normal (nearly always), else of `storage`, which it fills.
// Time O(n log n), also for long runs of combining marks.
std::string_view NormalizeNfc(std::string_view text, std::string& storage);

enum class NormalForm { kC, kD, kKC, kKD };

// Replaces `out` by `text` in that form, as `tokenizers` has it: it leaves
// characters that decompose in later versions of Unicode as they are. Bytes
// that are no UTF-8 stay. Time O(n log n).
void Normalize(NormalForm form, std::string_view text, std::string& out);

// Appends the canonical decomposition of one character (form D), a Unicode
// scalar value.
void AppendDecomposed(uint32_t code_point, std::vector<int32_t>& out);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_NORMALIZE_H_
