#include "convert/metadata.h"

#include <algorithm>
#include <utility>

namespace braid::convert {

using gguf::Array;
using gguf::ValueType;

void Metadata::Count(std::string_view key, int64_t value) {
  Put(key, static_cast<uint32_t>(value));
}

void Metadata::Signed(std::string_view key, int32_t value) { Put(key, value); }

void Metadata::Number(std::string_view key, double value) {
  Put(key, static_cast<float>(value));
}

void Metadata::Flag(std::string_view key, bool value) { Put(key, value); }

void Metadata::Text(std::string_view key, std::string value) {
  Put(key, Own(std::move(value)));
}

void Metadata::Counts(std::string_view key,
                      const std::vector<int64_t>& values) {
  std::vector<int32_t> counts;
  for (const int64_t value : values) {
    counts.push_back(static_cast<int32_t>(value));
  }
  Put(key, Array{ValueType::kI32, std::move(counts)});
}

void Metadata::Numbers(std::string_view key, std::vector<float> values) {
  Put(key, Array{ValueType::kF32, std::move(values)});
}

void Metadata::Flags(std::string_view key, const std::vector<bool>& values) {
  Put(key, Array{ValueType::kBool,
                 std::vector<uint8_t>(values.begin(), values.end())});
}

void Metadata::Texts(std::string_view key, std::vector<std::string> values) {
  std::vector<std::string_view> views;
  views.reserve(values.size());
  for (std::string& value : values) views.push_back(Own(std::move(value)));
  Put(key, Array{ValueType::kString, std::move(views)});
}

void Metadata::Bytes(std::string_view key, std::string_view bytes) {
  Put(key,
      Array{ValueType::kU8, std::vector<uint8_t>(bytes.begin(), bytes.end())});
}

bool Metadata::Has(std::string_view key) const {
  const std::string full = FullKey(key);
  return std::ranges::find(pairs_, full, &gguf::KeyValue::key) != pairs_.end();
}

void Metadata::Put(std::string_view key, gguf::Value value) {
  const std::string full = FullKey(key);
  const auto found = std::ranges::find(pairs_, full, &gguf::KeyValue::key);
  if (found != pairs_.end()) {
    found->value = std::move(value);
  } else {
    pairs_.push_back({Own(full), std::move(value)});
  }
}

std::string_view Metadata::Own(std::string text) {
  return texts_.emplace_back(std::move(text));
}

std::string Metadata::FullKey(std::string_view key) const {
  return key.starts_with('.') ? architecture_ + std::string(key)
                              : std::string(key);
}

}  // namespace braid::convert
