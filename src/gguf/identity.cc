#include "gguf/identity.h"

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/checksum.h"
#include "gguf/pieces.h"
#include "gguf/value.h"

namespace braid::gguf {

namespace {

// Every length goes in before what it measures, so that no two values have the
// same bytes.
class Digest {
 public:
  void Number(uint64_t value) {
    checksum_.Add(std::as_bytes(std::span(&value, 1)));
  }
  void Text(std::string_view text) {
    Number(text.size());
    checksum_.Add(std::as_bytes(std::span(text)));
  }
  void Bytes(std::span<const std::byte> bytes) { checksum_.Add(bytes); }
  void Add(const Value& value);
  uint64_t value() const { return checksum_.Value(); }

 private:
  void AddElements(const Array& array, std::vector<const Array*>& nested);

  Checksum checksum_;
};

void Digest::Add(const Value& value) {
  Number(static_cast<uint64_t>(TypeOf(value)));
  std::vector<const Array*> nested;  // arrays of arrays, without recursion
  std::visit(
      [&](const auto& held) {
        using T = std::decay_t<decltype(held)>;
        if constexpr (std::is_same_v<T, std::string_view>) {
          Text(held);
        } else if constexpr (std::is_same_v<T, Array>) {
          nested.push_back(&held);
        } else {
          Bytes(std::as_bytes(std::span(&held, 1)));
        }
      },
      value);
  while (!nested.empty()) {
    const Array& array = *nested.back();
    nested.pop_back();
    Number(static_cast<uint64_t>(array.type));
    Number(Count(array));
    AddElements(array, nested);
  }
}

void Digest::AddElements(const Array& array,
                         std::vector<const Array*>& nested) {
  std::visit(
      [&](const auto& elements) {
        using T = typename std::decay_t<decltype(elements)>::value_type;
        if constexpr (std::is_same_v<T, std::string_view>) {
          for (const std::string_view text : elements) Text(text);
        } else if constexpr (std::is_same_v<T, Array>) {
          for (const Array& inner : elements) nested.push_back(&inner);
        } else {
          Bytes(std::as_bytes(std::span(elements)));
        }
      },
      array.elements);
}

uint64_t DigestOfKeys(const File& file, std::string_view prefix) {
  std::vector<const KeyValue*> keys;
  for (const KeyValue& item : file.metadata()) {
    if (item.key.starts_with(prefix)) keys.push_back(&item);
  }
  std::sort(keys.begin(), keys.end(), [](const KeyValue* a, const KeyValue* b) {
    return a->key < b->key;
  });
  Digest digest;
  for (const KeyValue* item : keys) {
    digest.Text(item->key);
    digest.Add(item->value);
  }
  return digest.value();
}

}  // namespace

Result<Identity> IdentityOf(const File& file) {
  const Result<std::string_view> architecture =
      file.GetString("general.architecture", "");
  const std::string prefix =
      std::string(architecture.ok() ? *architecture : "") + ".";
  std::vector<const TensorInfo*> tensors;
  for (const TensorInfo& tensor : file.tensors()) tensors.push_back(&tensor);
  std::sort(tensors.begin(), tensors.end(),
            [](const TensorInfo* a, const TensorInfo* b) {
              return a->name < b->name;
            });
  Digest digest;
  digest.Text(prefix);
  digest.Number(DigestOfKeys(file, prefix));
  for (const TensorInfo* tensor : tensors) {
    digest.Text(tensor->name);
    digest.Number(tensor->type);
    digest.Number(tensor->shape.size());
    for (const uint64_t size : tensor->shape) digest.Number(size);
    BRAID_TRY(
        ForEachPiece(file, *tensor, 1, [&](std::span<const std::byte> piece) {
          digest.Bytes(piece);
          return Status();
        }));
  }
  return Identity{.weights = digest.value(),
                  .tokenizer = DigestOfKeys(file, "tokenizer.")};
}

}  // namespace braid::gguf
