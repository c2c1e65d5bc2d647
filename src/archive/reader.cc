#include "archive/reader.h"

#include <algorithm>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/checksum.h"
#include "base/format.h"
#include "base/try.h"

namespace braid::archive {

namespace {

struct Footer {
  uint64_t sections;
  uint64_t total;
  uint64_t checksum;
  Tag magic;
};
static_assert(sizeof(Footer) == kFooterBytes);

bool Equal(const char* bytes, std::string_view text) {
  return std::memcmp(bytes, text.data(), text.size()) == 0;
}

std::string_view NameOf(const Tag& tag) {
  const std::string_view name(tag.data(), tag.size());
  return name.substr(0, name.find_last_not_of(' ') + 1);
}

Status CheckHeader(std::span<const std::byte> bytes) {
  if (!Reader::IsArchive(bytes)) {
    return Error{
        Format("not a saved state: it does not begin with {}", kMagic)};
  }
  if (bytes.size() < kHeaderBytes + kFooterBytes) {
    return Error{
        Format("the saved state was cut off: it has {} bytes, the "
               "least is {}",
               bytes.size(), kHeaderBytes + kFooterBytes)};
  }
  uint64_t version;
  std::memcpy(&version, bytes.data() + kMagic.size(), sizeof version);
  if (version == kFormatVersion) return {};
  return Error{
      Format("the saved state has format version {}, this program "
             "reads version {}",
             version, kFormatVersion)};
}

// The directory's and the footer's numbers, before anything is believed of
// them.
Status CheckFooter(std::span<const std::byte> bytes, const Footer& footer) {
  if (!Equal(footer.magic.data(), kEndMagic)) {
    return Error{
        Format("the saved state was cut off or is not finished: no "
               "end mark at byte {}",
               bytes.size() - kEndMagic.size())};
  }
  if (footer.total != bytes.size()) {
    return Error{Format("the saved state should have {} bytes and has {}",
                        footer.total, bytes.size())};
  }
  const uint64_t room =
      (bytes.size() - kHeaderBytes - kFooterBytes) / sizeof(DirectoryEntry);
  if (footer.sections > room) {
    return Error{
        Format("the saved state says that it has {} sections, there "
               "is room for {}",
               footer.sections, room)};
  }
  const size_t tail =
      static_cast<size_t>(footer.sections) * sizeof(DirectoryEntry) +
      kFooterBytes;
  Checksum checksum;
  checksum.Add(bytes.first(kHeaderBytes));
  checksum.Add(bytes.last(tail).first(tail - kFooterBytes + 16));
  if (checksum.Value() == footer.checksum) return {};
  return Error{
      Format("the saved state is damaged: its directory has checksum "
             "{}, expected {}",
             checksum.Value(), footer.checksum)};
}

}  // namespace

bool Reader::IsArchive(std::span<const std::byte> bytes) {
  return bytes.size() >= kMagic.size() &&
         Equal(reinterpret_cast<const char*>(bytes.data()), kMagic);
}

Result<Reader> Reader::Open(std::span<const std::byte> bytes) {
  BRAID_TRY(CheckHeader(bytes));
  Footer footer;
  std::memcpy(&footer, bytes.last(kFooterBytes).data(), kFooterBytes);
  BRAID_TRY(CheckFooter(bytes, footer));

  const auto count = static_cast<size_t>(footer.sections);
  std::vector<DirectoryEntry> directory(count);
  const size_t directory_bytes = count * sizeof(DirectoryEntry);
  if (count > 0) {
    std::memcpy(directory.data(),
                bytes.last(directory_bytes + kFooterBytes).data(),
                directory_bytes);
  }
  auto left = bytes.subspan(kHeaderBytes, bytes.size() - kHeaderBytes -
                                              kFooterBytes - directory_bytes);
  Reader reader;
  for (const DirectoryEntry& entry : directory) {
    if (entry.bytes > left.size()) {
      return Error{
          Format("section {} of the saved state should have {} bytes, "
                 "{} are left",
                 NameOf(entry.tag), entry.bytes, left.size())};
    }
    const auto section = left.first(static_cast<size_t>(entry.bytes));
    left = left.subspan(section.size());
    const uint64_t checksum = ChecksumOf(section);
    if (checksum != entry.checksum) {
      return Error{
          Format("the saved state is damaged: section {} has checksum "
                 "{}, expected {}",
                 NameOf(entry.tag), checksum, entry.checksum)};
    }
    reader.sections_.push_back({entry.tag, section, checksum});
  }
  if (!left.empty()) {
    return Error{Format("{} bytes of the saved state belong to no section",
                        left.size())};
  }
  return reader;
}

Result<std::span<const std::byte>> Reader::Section(const Tag& tag) const {
  const auto is_it = [&](const Entry& entry) { return entry.tag == tag; };
  const auto count = std::count_if(sections_.begin(), sections_.end(), is_it);
  if (count != 1) {
    return Error{Format("the saved state has {} sections {}, expected 1", count,
                        NameOf(tag))};
  }
  return std::find_if(sections_.begin(), sections_.end(), is_it)->bytes;
}

}  // namespace braid::archive
