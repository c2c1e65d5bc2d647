#include "archive/visitor.h"

#include <utility>

#include "base/format.h"

namespace braid::archive {

void Visitor::Raw(std::string_view name, std::span<std::byte> bytes) {
  if (!ok() || bytes.empty()) return;
  if (!reading()) {
    writer_->Write(bytes);
    return;
  }
  if (bytes.size() > left_.size()) {
    Fail(Error{Format("{}: {} bytes needed, {} left", name, bytes.size(),
                      left_.size())});
    return;
  }
  std::memcpy(bytes.data(), left_.data(), bytes.size());
  left_ = left_.subspan(bytes.size());
}

void Visitor::Flag(std::string_view name, bool& value) {
  uint8_t byte = value ? 1 : 0;
  Number(name, byte);
  if (byte > 1) Fail(Error{Format("{}: {} is not 0 or 1", name, byte)});
  if (ok()) value = byte == 1;
}

void Visitor::Text(std::string_view name, std::string& text) {
  const size_t count = Length(name, text.size(), 1);
  if (reading()) text.resize(count);
  Raw(name, std::as_writable_bytes(std::span(text)));
}

size_t Visitor::Length(std::string_view name, size_t count, size_t item_bytes) {
  uint64_t length = count;
  Number(name, length);
  if (!ok()) return 0;
  if (reading() && length > left_.size() / item_bytes) {
    Fail(Error{
        Format("{}: {} items, {} bytes are left", name, length, left_.size())});
    return 0;
  }
  return static_cast<size_t>(length);
}

void Visitor::Fail(Error error) {
  if (ok()) status_ = std::move(error);
}

void Visitor::End(std::string_view section) {
  if (!reading() || !ok() || left_.empty()) return;
  Fail(Error{Format("section {}: {} bytes are left at its end", section,
                    left_.size())});
}

}  // namespace braid::archive
