// The characters whose upper case is several characters (Unicode 14,
// SpecialCasing.txt, the rows without conditions).
#ifndef BRAID_SRC_CHAT_SPECIAL_CASING_H_
#define BRAID_SRC_CHAT_SPECIAL_CASING_H_

#include <string_view>

namespace braid::chat {

// Empty for every other character.
std::u32string_view SpecialUpper(char32_t code_point);

}  // namespace braid::chat

#endif  // BRAID_SRC_CHAT_SPECIAL_CASING_H_
