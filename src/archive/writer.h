// Writer: an archive of named sections, to a file or to memory, in one pass.
#ifndef BRAID_SRC_ARCHIVE_WRITER_H_
#define BRAID_SRC_ARCHIVE_WRITER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "archive/layout.h"
#include "base/checksum.h"
#include "base/output_file.h"
#include "braid/result.h"

namespace braid::archive {

// The first error stays: all later calls do nothing, and Finish returns it.
// Not thread-safe.
class Writer {
 public:
  // To a file that only its owner may read (mode 0600), which appears whole,
  // when Finish has returned, or not at all (base/output_file.h). What is
  // written is not collected in memory. Errors name the path.
  static Result<Writer> ToFile(const std::string& path);
  // To memory: `bytes` is replaced, and must outlive the writer.
  static Writer ToMemory(std::vector<std::byte>& bytes);

  // Whatever is written from here on belongs to the section `tag`; every tag
  // once.
  void BeginSection(const Tag& tag);
  void Write(std::span<const std::byte> bytes);
  // The directory and the footer; a file is on the disk when this returns. Call
  // once, last.
  Status Finish();

 private:
  Writer() = default;

  void Put(std::span<const std::byte> bytes);
  void EndSection();
  void Flush();

  std::optional<OutputFile> file_;
  std::vector<std::byte>* memory_ = nullptr;
  std::vector<std::byte> buffer_;  // on its way to the file
  std::vector<DirectoryEntry> directory_;
  Checksum section_;
  uint64_t section_begin_ = 0;
  uint64_t written_ = 0;
  Status status_;
};

}  // namespace braid::archive

#endif  // BRAID_SRC_ARCHIVE_WRITER_H_
