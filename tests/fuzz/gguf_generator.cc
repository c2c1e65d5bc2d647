#include "tests/fuzz/gguf_generator.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "base/format.h"
#include "gguf/part.h"
#include "gguf/tensor_type.h"
#include "gguf/value_reader.h"

namespace braid::gguf {

namespace {

// Larger alignments than this make files that are mostly padding.
constexpr uint64_t kMaxAlignment = 128;
constexpr int kValueTypes = 13;

bool OneIn(Random& random, int n) { return random.Below(n) == 0; }

std::string_view RandomText(Random& random, Draft* draft) {
  std::string text;
  const int length = random.Below(12);
  for (int i = 0; i < length; ++i) {
    text += static_cast<char>(OneIn(random, 8) ? random.Below(256)
                                               : 'a' + random.Below(26));
  }
  return draft->texts.emplace_back(std::move(text));
}

std::string_view RandomKey(Random& random, Draft* draft) {
  static constexpr const char* kKnown[] = {
      "general.alignment", "split.no", "split.count", "split.tensors.count"};
  if (OneIn(random, 10)) return kKnown[random.Below(std::size(kKnown))];
  return draft->texts.emplace_back(Format("k.{}", random.Below(1000)));
}

template <class T>
T RandomNumber(Random& random) {
  if constexpr (std::is_same_v<T, bool>) {
    return OneIn(random, 2);
  } else if constexpr (std::is_floating_point_v<T>) {
    return static_cast<T>(random.Uniform(-2.0f, 2.0f));
  } else {
    return static_cast<T>(OneIn(random, 2) ? random.Bits()
                                           : random.Bits() % 64);
  }
}

Array RandomArray(Random& random, int depth, Draft* draft);

// A value of type T inside `depth` arrays.
template <class T>
T RandomElement(Random& random, int depth, Draft* draft) {
  if constexpr (std::is_same_v<T, Array>) {
    return RandomArray(random, depth + 1, draft);
  } else if constexpr (std::is_same_v<T, std::string_view>) {
    return RandomText(random, draft);
  } else {
    return RandomNumber<T>(random);
  }
}

// Calls visit(T()) with the C++ type of a metadata value type.
template <class Visit>
void WithType(ValueType type, Visit visit) {
  switch (type) {
    case ValueType::kU8:
      return visit(uint8_t());
    case ValueType::kI8:
      return visit(int8_t());
    case ValueType::kU16:
      return visit(uint16_t());
    case ValueType::kI16:
      return visit(int16_t());
    case ValueType::kU32:
      return visit(uint32_t());
    case ValueType::kI32:
      return visit(int32_t());
    case ValueType::kF32:
      return visit(float());
    case ValueType::kBool:
      return visit(bool());
    case ValueType::kString:
      return visit(std::string_view());
    case ValueType::kArray:
      return visit(Array());
    case ValueType::kU64:
      return visit(uint64_t());
    case ValueType::kI64:
      return visit(int64_t());
    case ValueType::kF64:
      return visit(double());
  }
}

ValueType RandomType(Random& random) {
  return static_cast<ValueType>(random.Below(kValueTypes));
}

Array RandomArray(Random& random, int depth, Draft* draft) {
  Array array;
  array.type = RandomType(random);
  if (depth >= kMaxArrayDepth && array.type == ValueType::kArray) {
    array.type = ValueType::kU8;
  }
  const int count = random.Below(depth == 1 ? 10 : 3);
  WithType(array.type, [&](auto sample) {
    using T = decltype(sample);
    using Stored = std::conditional_t<std::is_same_v<T, bool>, uint8_t, T>;
    std::vector<Stored> elements;
    for (int i = 0; i < count; ++i) {
      elements.push_back(RandomElement<T>(random, depth, draft));
    }
    array.elements = std::move(elements);
  });
  return array;
}

Value RandomValue(Random& random, Draft* draft) {
  Value value;
  WithType(RandomType(random), [&](auto sample) {
    value = RandomElement<decltype(sample)>(random, 0, draft);
  });
  return value;
}

KeyValue RandomKeyValue(Random& random, Draft* draft) {
  const std::string_view key = RandomKey(random, draft);
  if (key == kAlignmentKey) {
    const int steps = 1 + random.Below(static_cast<int>(kMaxAlignment) / 8);
    return {key, static_cast<uint32_t>(8 * steps)};
  }
  // Mostly a file that is not split, which is what can be parsed in memory.
  if (key.starts_with("split.") && !OneIn(random, 4)) {
    return {key, static_cast<uint16_t>(key == "split.count")};
  }
  return {key, RandomValue(random, draft)};
}

TensorInfo RandomTensor(Random& random) {
  TensorInfo tensor;
  const TensorType* type = nullptr;
  while (type == nullptr) {
    tensor.type = static_cast<uint32_t>(random.Below(TensorTypeId::kCount));
    type = FindTensorType(tensor.type);
  }
  tensor.name = Format("t.{}", random.Below(1000));
  tensor.shape.push_back(uint64_t{type->block_elements} *
                         (1 + random.Below(2)));
  const int more_dimensions = random.Below(static_cast<int>(kMaxDimensions));
  for (int i = 0; i < more_dimensions; ++i) {
    tensor.shape.push_back(1 + random.Below(3));
  }
  return tensor;
}

// One of `list`, or nothing where it is empty.
template <class T>
T* Pick(Random& random, std::vector<T>& list) {
  if (list.empty()) return nullptr;
  return &list[random.Below(static_cast<int>(list.size()))];
}

template <class T>
void RemoveOne(Random& random, std::vector<T>& list) {
  if (const T* one = Pick(random, list)) {
    list.erase(list.begin() + (one - list.data()));
  }
}

}  // namespace

Draft RandomDraft(Random& random) {
  Draft draft;
  for (int i = random.Below(5); i > 0; --i) {
    draft.contents.metadata.push_back(RandomKeyValue(random, &draft));
  }
  for (int i = random.Below(4); i > 0; --i) {
    draft.contents.tensors.push_back(RandomTensor(random));
  }
  return draft;
}

Draft DraftOf(const File& file) {
  Draft draft;
  draft.contents.metadata.assign(file.metadata().begin(),
                                 file.metadata().end());
  draft.contents.tensors.assign(file.tensors().begin(), file.tensors().end());
  return draft;
}

void Mutate(Random& random, Draft* draft) {
  std::vector<KeyValue>& metadata = draft->contents.metadata;
  std::vector<TensorInfo>& tensors = draft->contents.tensors;
  switch (random.Below(7)) {
    case 0:
      metadata.push_back(RandomKeyValue(random, draft));
      break;
    case 1:
      if (KeyValue* kv = Pick(random, metadata)) {
        *kv = RandomKeyValue(random, draft);
      }
      break;
    case 2:
      RemoveOne(random, metadata);
      break;
    case 3:
      tensors.push_back(RandomTensor(random));
      break;
    case 4:
      if (TensorInfo* tensor = Pick(random, tensors)) {
        *tensor = RandomTensor(random);
      }
      break;
    case 5:
      RemoveOne(random, tensors);
      break;
    default:
      std::reverse(tensors.begin(), tensors.end());
      break;
  }
}

std::vector<std::byte> Encode(Random& random, const Draft& draft,
                              size_t max_bytes) {
  const Result<uint64_t> alignment = ReadAlignment(draft.contents.metadata);
  if (!alignment.ok() || *alignment > kMaxAlignment) return {};
  Result<Header> header = EncodeHeader(draft.contents);
  if (!header.ok() || header->bytes.size() > max_bytes ||
      header->data_bytes > max_bytes - header->bytes.size()) {
    return {};
  }
  std::vector<std::byte> bytes = std::move(header->bytes);
  const size_t data_begin = bytes.size();
  bytes.resize(data_begin + header->data_bytes);
  for (size_t i = data_begin; i < bytes.size(); i += 8) {
    const uint64_t bits = random.Bits();
    std::memcpy(&bytes[i], &bits, std::min<size_t>(8, bytes.size() - i));
  }
  // Version 2 has the same layout.
  if (OneIn(random, 8)) bytes[sizeof kMagic] = std::byte{2};
  return bytes;
}

void Corrupt(Random& random, std::vector<std::byte>* bytes) {
  static constexpr uint64_t kNumbers[] = {
      0,          1,          2,          3,          9,
      0x7F,       0x80,       0xFF,       0x7FFF,     0xFFFF,
      0x7FFFFFFF, 0x80000000, 0xFFFFFFFF, 1ULL << 32, 1ULL << 61,
      1ULL << 62, 1ULL << 63, ~0ULL,      ~0ULL - 7,  ~0ULL - 31};
  if (bytes->empty()) return;
  const auto place =
      static_cast<size_t>(random.Below(static_cast<int>(bytes->size())));
  const size_t width = size_t{1} << random.Below(4);
  uint64_t number = kNumbers[random.Below(std::size(kNumbers))];
  if (OneIn(random, 3)) number = random.Bits() % (bytes->size() + 64);
  std::memcpy(bytes->data() + place, &number,
              std::min(width, bytes->size() - place));
}

}  // namespace braid::gguf
