// The two ways in which vocabularies of text write tokens that are bytes.
#ifndef BRAID_SRC_TOKENIZER_BYTE_TEXT_H_
#define BRAID_SRC_TOKENIZER_BYTE_TEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace braid {

// GPT-2's way: every byte is a printable character. 21..7E, A1..AC and AE..FF
// (hexadecimal) stand for themselves; the other 68 bytes, in order, are U+0100
// onwards. Appends the character of `byte` to `text`.
void AppendByteCharacter(uint8_t byte, std::string& text);

// Appends the bytes that `text` stands for; false, and nothing appended, if a
// character of it stands for no byte.
bool AppendBytesOf(std::string_view text, std::string& bytes);

// SentencePiece's way: "<0x0A>" is the byte 10. Upper-case digits only.
std::optional<uint8_t> ParseByteToken(std::string_view text);
std::string ByteTokenText(uint8_t byte);

// What SentencePiece writes for a space.
inline constexpr std::string_view kSpaceMark = "\u2581";

// Appends `stored` with spaces for the space marks.
void AppendWithSpaces(std::string_view stored, std::string& text);

}  // namespace braid

#endif  // BRAID_SRC_TOKENIZER_BYTE_TEXT_H_
