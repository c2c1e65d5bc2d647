#include "archive/writer.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/try.h"

namespace braid::archive {

namespace {

// Small pieces reach the file together.
constexpr size_t kBufferBytes = size_t{1} << 18;

constexpr unsigned kPrivate = 0600;

template <class T>
std::span<const std::byte> BytesOf(const T& value) {
  return std::as_bytes(std::span(&value, 1));
}

std::span<const std::byte> BytesOf(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace

Result<Writer> Writer::ToFile(const std::string& path) {
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path, kPrivate));
  Writer writer;
  writer.file_.emplace(std::move(file));
  writer.buffer_.reserve(kBufferBytes);
  writer.Put(BytesOf(kMagic));
  writer.Put(BytesOf(kFormatVersion));
  return writer;
}

Writer Writer::ToMemory(std::vector<std::byte>& bytes) {
  bytes.clear();
  Writer writer;
  writer.memory_ = &bytes;
  writer.Put(BytesOf(kMagic));
  writer.Put(BytesOf(kFormatVersion));
  return writer;
}

void Writer::BeginSection(const Tag& tag) {
  EndSection();
  BRAID_CHECK(
      std::none_of(directory_.begin(), directory_.end(),
                   [&](const auto& entry) { return entry.tag == tag; }));
  directory_.push_back({.tag = tag, .bytes = 0, .checksum = 0});
  section_.Reset();
  section_begin_ = written_;
}

void Writer::EndSection() {
  if (directory_.empty()) return;
  directory_.back().bytes = written_ - section_begin_;
  directory_.back().checksum = section_.Value();
}

void Writer::Write(std::span<const std::byte> bytes) {
  BRAID_CHECK(!directory_.empty());
  section_.Add(bytes);
  Put(bytes);
}

void Writer::Put(std::span<const std::byte> bytes) {
  written_ += bytes.size();
  if (memory_ != nullptr) {
    memory_->insert(memory_->end(), bytes.begin(), bytes.end());
    return;
  }
  if (buffer_.size() + bytes.size() > kBufferBytes) Flush();
  if (bytes.size() < kBufferBytes) {
    buffer_.insert(buffer_.end(), bytes.begin(), bytes.end());
  } else if (status_.ok()) {
    status_ = file_->Write(bytes);
  }
}

void Writer::Flush() {
  if (status_.ok()) status_ = file_->Write(buffer_);
  buffer_.clear();
}

Status Writer::Finish() {
  EndSection();
  const std::span<const std::byte> directory =
      std::as_bytes(std::span(directory_));
  const uint64_t sections = directory_.size();
  const uint64_t total = written_ + directory.size() + kFooterBytes;
  Checksum checksum;
  checksum.Add(BytesOf(kMagic));
  checksum.Add(BytesOf(kFormatVersion));
  checksum.Add(directory);
  checksum.Add(BytesOf(sections));
  checksum.Add(BytesOf(total));

  Put(directory);
  Put(BytesOf(sections));
  Put(BytesOf(total));
  Put(BytesOf(checksum.Value()));
  Put(BytesOf(kEndMagic));
  if (memory_ != nullptr) return {};
  Flush();
  BRAID_TRY(status_);
  return file_->Commit();
}

}  // namespace braid::archive
