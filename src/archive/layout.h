// The container of saved state: how its bytes lie.
//
//   magic "BRAIDSAV", format version u64                                header
//   the sections' bytes, one after another
//   {tag: 8 characters, bytes u64, checksum u64} for every section   directory
//   number of sections u64, bytes of the file u64, checksum u64,        footer
//   magic "BRAIDEND"
//
// Numbers are little-endian. A section's checksum is of its bytes, the footer's
// of the header, the directory and the footer's two numbers: no byte is outside
// of a checksum or a comparison. The directory stands at the end because a
// writer knows lengths and checksums only then, and never goes back.
#ifndef BRAID_SRC_ARCHIVE_LAYOUT_H_
#define BRAID_SRC_ARCHIVE_LAYOUT_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace braid::archive {

inline constexpr std::string_view kMagic = "BRAIDSAV";
inline constexpr std::string_view kEndMagic = "BRAIDEND";
// Changes whenever the same bytes would mean something else.
inline constexpr uint64_t kFormatVersion = 1;

using Tag = std::array<char, 8>;

// "pages" and blanks.
constexpr Tag MakeTag(std::string_view name) {
  Tag tag;
  for (size_t i = 0; i < tag.size(); ++i) {
    tag[i] = i < name.size() ? name[i] : ' ';
  }
  return tag;
}

struct DirectoryEntry {
  Tag tag;
  uint64_t bytes;
  uint64_t checksum;
};
static_assert(sizeof(DirectoryEntry) == 24);

inline constexpr size_t kHeaderBytes = 16;
inline constexpr size_t kFooterBytes = 32;

}  // namespace braid::archive

#endif  // BRAID_SRC_ARCHIVE_LAYOUT_H_
