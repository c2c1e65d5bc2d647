// Reader: the sections of an archive, verified whole before anything is read.
#ifndef BRAID_SRC_ARCHIVE_READER_H_
#define BRAID_SRC_ARCHIVE_READER_H_

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "archive/layout.h"
#include "braid/result.h"

namespace braid::archive {

// Immutable; every method may be called from any thread.
class Reader {
 public:
  // Checks the magics, the version, that the sections fill the file exactly,
  // and every checksum. Errors say what is wrong, with both values. `bytes`
  // must outlive the reader and what it hands out.
  static Result<Reader> Open(std::span<const std::byte> bytes);

  // Are they the beginning of an archive, of whatever version?
  static bool IsArchive(std::span<const std::byte> bytes);

  // Error: there is not exactly one section of that name.
  Result<std::span<const std::byte>> Section(const Tag& tag) const;

  struct Entry {
    Tag tag;
    std::span<const std::byte> bytes;
    uint64_t checksum;
  };
  // In the order of the file.
  std::span<const Entry> sections() const { return sections_; }

 private:
  std::vector<Entry> sections_;
};

}  // namespace braid::archive

#endif  // BRAID_SRC_ARCHIVE_READER_H_
