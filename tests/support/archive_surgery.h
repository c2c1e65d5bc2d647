// Takes archives apart and puts them together again, with checksums that hold:
// for tests of what only the reader of the contents can refuse.
#ifndef BRAID_TESTS_SUPPORT_ARCHIVE_SURGERY_H_
#define BRAID_TESTS_SUPPORT_ARCHIVE_SURGERY_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

#include "archive/layout.h"
#include "archive/reader.h"
#include "archive/visitor.h"
#include "archive/writer.h"
#include "base/check.h"
#include "base/checksum.h"
#include "engine/saved_state.h"

namespace braid {

struct ArchiveSection {
  archive::Tag tag;
  std::vector<std::byte> bytes;
};

inline std::vector<ArchiveSection> TakeApart(std::span<const std::byte> bytes) {
  const auto reader = archive::Reader::Open(bytes);
  BRAID_CHECK(reader.ok());
  std::vector<ArchiveSection> sections;
  for (const auto& entry : reader->sections()) {
    sections.push_back(
        {entry.tag, std::vector(entry.bytes.begin(), entry.bytes.end())});
  }
  return sections;
}

// Any sections, twice the same, too, which archive::Writer would not write.
inline std::vector<std::byte> PutTogether(
    std::span<const ArchiveSection> sections) {
  std::vector<std::byte> bytes;
  const auto put_bytes = [&](std::span<const std::byte> raw) {
    const size_t begin = bytes.size();
    bytes.resize(begin + raw.size());
    if (!raw.empty()) std::memcpy(&bytes[begin], raw.data(), raw.size());
  };
  const auto put = [&](const auto& value) {
    put_bytes(std::as_bytes(std::span(&value, 1)));
  };
  const auto put_text = [&](std::string_view text) {
    put_bytes(std::as_bytes(std::span(text)));
  };
  put_text(archive::kMagic);
  put(archive::kFormatVersion);
  Checksum checksum;
  checksum.Add(bytes);
  for (const ArchiveSection& section : sections) {
    put_bytes(section.bytes);
  }
  const size_t directory = bytes.size();
  for (const ArchiveSection& section : sections) {
    put(archive::DirectoryEntry{.tag = section.tag,
                                .bytes = section.bytes.size(),
                                .checksum = ChecksumOf(section.bytes)});
  }
  put(uint64_t{sections.size()});
  put(uint64_t{bytes.size() + archive::kFooterBytes - sizeof(uint64_t)});
  checksum.Add(std::span(bytes).subspan(directory));
  put(checksum.Value());
  put_text(archive::kEndMagic);
  return bytes;
}

inline SavedState ReadState(std::span<const ArchiveSection> sections) {
  for (const ArchiveSection& section : sections) {
    if (section.tag != kStateSection) continue;
    SavedState state;
    archive::Visitor visitor(section.bytes);
    Visit(visitor, state);
    BRAID_CHECK(visitor.ok());
    return state;
  }
  BRAID_CHECK(false);
  return {};
}

inline std::vector<std::byte> StateBytes(SavedState& state) {
  std::vector<std::byte> bytes;
  archive::Writer writer = archive::Writer::ToMemory(bytes);
  writer.BeginSection(kStateSection);
  archive::Visitor visitor(writer);
  Visit(visitor, state);
  BRAID_CHECK(writer.Finish().ok());
  return TakeApart(bytes).front().bytes;
}

}  // namespace braid

#endif  // BRAID_TESTS_SUPPORT_ARCHIVE_SURGERY_H_
