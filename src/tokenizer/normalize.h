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

// Appends the canonical decomposition of one character (form D), a Unicode
// scalar value.
void AppendDecomposed(uint32_t code_point, std::vector<int32_t>& out);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_NORMALIZE_H_
