// Builds GGUF files byte by byte for tests, good ones and broken ones, without
// the writer: what the format says is written down here a second time.
#ifndef BRAID_SRC_GGUF_RAW_FILE_FOR_TEST_H_
#define BRAID_SRC_GGUF_RAW_FILE_FOR_TEST_H_

#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace braid::gguf {

template <class T>
std::string Raw(T number) {
  std::string bytes(sizeof number, '\0');
  std::memcpy(bytes.data(), &number, sizeof number);
  return bytes;
}

inline std::string RawString(std::string_view text) {
  return Raw<uint64_t>(text.size()) + std::string(text);
}

inline std::string RawKey(std::string_view key, uint32_t type,
                          const std::string& value) {
  return RawString(key) + Raw(type) + value;
}

inline std::string RawArray(uint32_t type, uint64_t count,
                            const std::string& elements) {
  return Raw(type) + Raw(count) + elements;
}

inline std::string RawTensor(std::string_view name,
                             const std::vector<uint64_t>& shape, uint32_t type,
                             uint64_t offset) {
  std::string bytes = RawString(name);
  bytes += Raw(static_cast<uint32_t>(shape.size()));
  for (const uint64_t size : shape) bytes += Raw(size);
  return bytes + Raw(type) + Raw(offset);
}

struct RawFile {
  std::string magic = "GGUF";
  uint32_t version = 3;
  std::optional<uint64_t> tensor_count;  // if it is not the number of tensors
  std::optional<uint64_t> key_count;     // if it is not the number of keys
  std::vector<std::string> keys;
  std::vector<std::string> tensors;
  size_t alignment = 32;  // of the data section
  std::string data;

  std::string Bytes() const {
    std::string bytes = magic + Raw(version);
    bytes += Raw<uint64_t>(tensor_count.value_or(tensors.size()));
    bytes += Raw<uint64_t>(key_count.value_or(keys.size()));
    for (const std::string& key : keys) bytes += key;
    for (const std::string& tensor : tensors) bytes += tensor;
    bytes.resize((bytes.size() + alignment - 1) / alignment * alignment);
    return bytes + data;
  }
};

inline std::span<const std::byte> AsBytes(std::string_view text) {
  return std::as_bytes(std::span(text));
}

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_RAW_FILE_FOR_TEST_H_
