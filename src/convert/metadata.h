// Metadata: key-value pairs for a GGUF file that own their texts.
#ifndef BRAID_SRC_CONVERT_METADATA_H_
#define BRAID_SRC_CONVERT_METADATA_H_

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

#include "gguf/value.h"

namespace braid::convert {

// In the order in which they were put. Not thread-safe.
class Metadata {
 public:
  // Keys given to the methods that begin with "." get this before them.
  explicit Metadata(std::string_view architecture)
      : architecture_(architecture) {}

  const std::string& architecture() const { return architecture_; }

  void Count(std::string_view key, int64_t value);  // u32
  void Signed(std::string_view key, int32_t value);
  void Number(std::string_view key, double value);  // f32
  void Flag(std::string_view key, bool value);
  void Text(std::string_view key, std::string value);
  void Counts(std::string_view key, const std::vector<int64_t>& values);  // i32
  void Numbers(std::string_view key, std::vector<float> values);
  void Flags(std::string_view key, const std::vector<bool>& values);
  void Texts(std::string_view key, std::vector<std::string> values);
  void Bytes(std::string_view key, std::string_view bytes);  // u8

  bool Has(std::string_view key) const;

  // Views of this object, in which texts stay where they are.
  const std::vector<gguf::KeyValue>& pairs() const { return pairs_; }

 private:
  // Replaces the value of a key that is there already.
  void Put(std::string_view key, gguf::Value value);
  std::string_view Own(std::string text);
  std::string FullKey(std::string_view key) const;

  std::string architecture_;
  std::deque<std::string> texts_;
  std::vector<gguf::KeyValue> pairs_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_METADATA_H_
