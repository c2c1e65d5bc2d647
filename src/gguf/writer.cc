#include "gguf/writer.h"

#include <cstring>
#include <limits>
#include <type_traits>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "gguf/conversion.h"
#include "gguf/part.h"
#include "gguf/tensor_type.h"
#include "gguf/value_reader.h"

namespace braid::gguf {

namespace {

constexpr uint32_t kVersion = 3;

// Appends what the format is made of to a growing header.
class Encoder {
 public:
  template <class T>
  requires std::is_arithmetic_v<T>
  void Number(T number) { Bytes(&number, sizeof number); }

  void Bytes(const void* data, size_t size) {
    if (size == 0) return;
    const size_t end = bytes_.size();
    bytes_.resize(end + size);
    std::memcpy(bytes_.data() + end, data, size);
  }

  void String(std::string_view text) {
    Number<uint64_t>(text.size());
    Bytes(text.data(), text.size());
  }

  Status Typed(const Value& value) {
    Number(static_cast<uint32_t>(TypeOf(value)));
    return std::visit(
        [this](const auto& held) -> Status {
          using T = std::decay_t<decltype(held)>;
          if constexpr (std::is_same_v<T, Array>) {
            return Elements(held, 1);
          } else if constexpr (std::is_same_v<T, std::string_view>) {
            String(held);
          } else {
            Number(held);
          }
          return {};
        },
        value);
  }

  void Tensor(const TensorInfo& tensor) {
    String(tensor.name);
    Number(static_cast<uint32_t>(tensor.shape.size()));
    for (const uint64_t size : tensor.shape) Number(size);
    Number(tensor.type);
    Number(tensor.offset);
  }

  std::vector<std::byte> TakePadded(uint64_t alignment) {
    bytes_.resize(static_cast<size_t>(RoundUp(bytes_.size(), alignment)));
    return std::move(bytes_);
  }

 private:
  Status Elements(const Array& array, int depth);

  std::vector<std::byte> bytes_;
};

// Does `array` hold what it says? Bools are held as u8.
bool HoldsItsType(const Array& array) {
  const auto holds = [&](const auto& elements) {
    using T = typename std::decay_t<decltype(elements)>::value_type;
    return array.type == TypeOf(Value(T())) ||
           (array.type == ValueType::kBool && std::is_same_v<T, uint8_t>);
  };
  return std::visit(holds, array.elements);
}

Status Encoder::Elements(const Array& array, int depth) {
  if (!HoldsItsType(array)) {
    return Error{
        Format("array of {} holds elements of another type", Name(array.type))};
  }
  if (depth > kMaxArrayDepth) {
    return Error{Format("arrays are nested deeper than {}", kMaxArrayDepth)};
  }
  Number(static_cast<uint32_t>(array.type));
  Number<uint64_t>(Count(array));
  return std::visit(
      [&](const auto& elements) -> Status {
        using T = typename std::decay_t<decltype(elements)>::value_type;
        if constexpr (std::is_same_v<T, Array>) {
          for (const Array& inner : elements) {
            BRAID_TRY(Elements(inner, depth + 1));
          }
        } else if constexpr (std::is_same_v<T, std::string_view>) {
          for (const std::string_view text : elements) String(text);
        } else {
          Bytes(elements.data(), elements.size() * sizeof(T));
        }
        return {};
      },
      array.elements);
}

// Fills in sizes and offsets; returns the size of the data section.
Result<uint64_t> PlaceTensors(uint64_t alignment,
                              std::vector<TensorInfo>* tensors) {
  constexpr uint64_t kMaxBytes = std::numeric_limits<int64_t>::max();
  uint64_t end = 0;
  for (TensorInfo& tensor : *tensors) {
    const Result<uint64_t> size = TensorBytes(tensor.type, tensor.shape);
    if (!size.ok()) {
      return Error{Format("tensor {}: {}", tensor.name, size.error().message)};
    }
    tensor.offset = end;
    tensor.size = *size;
    if (*size > kMaxBytes - alignment || end > kMaxBytes - alignment - *size) {
      return Error{Format("tensor {}: the file would have more than {} bytes",
                          tensor.name, kMaxBytes)};
    }
    end = RoundUp(end + *size, alignment);
  }
  return end;
}

}  // namespace

Result<Header> EncodeHeader(const Contents& contents) {
  BRAID_ASSIGN(const uint64_t alignment, ReadAlignment(contents.metadata));
  if (alignment > kMaxWrittenAlignment) {
    return Error{Format("key {}: {}, files are written with at most {}",
                        kAlignmentKey, alignment, kMaxWrittenAlignment)};
  }
  Header header;
  header.tensors = contents.tensors;
  BRAID_ASSIGN(header.data_bytes, PlaceTensors(alignment, &header.tensors));

  Encoder encoder;
  encoder.Bytes(kMagic, sizeof kMagic);
  encoder.Number(kVersion);
  encoder.Number<uint64_t>(header.tensors.size());
  encoder.Number<uint64_t>(contents.metadata.size());
  for (const KeyValue& kv : contents.metadata) {
    encoder.String(kv.key);
    const Status status = encoder.Typed(kv.value);
    if (!status.ok()) {
      return Error{Format("key {}: {}", kv.key, status.error().message)};
    }
  }
  for (const TensorInfo& tensor : header.tensors) encoder.Tensor(tensor);
  header.bytes = encoder.TakePadded(alignment);

  BRAID_TRY(ReadPart(header.bytes, header.bytes.size() + header.data_bytes));
  return header;
}

Writer::Writer(std::string path, OutputFile file, Header header,
               std::function<bool()> cancelled)
    : path_(std::move(path)),
      file_(std::move(file)),
      tensors_(std::move(header.tensors)),
      data_bytes_(header.data_bytes),
      cancelled_(std::move(cancelled)) {}

Result<Writer> Writer::Create(const std::string& path, const Contents& contents,
                              std::function<bool()> cancelled) {
  Result<Header> header = EncodeHeader(contents);
  if (!header.ok()) {
    return Error{Format("{}: {}", path, header.error().message)};
  }
  BRAID_ASSIGN(OutputFile file, OutputFile::Create(path));
  BRAID_TRY(file.Write(header->bytes));
  return Writer(path, std::move(file), *std::move(header),
                std::move(cancelled));
}

Status Writer::Append(std::span<const std::byte> bytes) {
  if (next_ == tensors_.size()) {
    return Error{
        Format("{}: {} bytes after the last tensor", path_, bytes.size())};
  }
  const TensorInfo& tensor = tensors_[next_];
  if (bytes.size() > tensor.size - written_) {
    return Error{
        Format("{}: tensor {}: {} bytes appended to {}, it has only "
               "{}",
               path_, tensor.name, bytes.size(), written_, tensor.size)};
  }
  BRAID_TRY(CheckCancelled());
  BRAID_TRY(file_.Write(bytes));
  written_ += bytes.size();
  return written_ == tensor.size ? Pad() : Status();
}

Status Writer::Pad() {
  const uint64_t end = tensors_[next_].offset + tensors_[next_].size;
  ++next_;
  written_ = 0;
  const uint64_t begin_next =
      next_ < tensors_.size() ? tensors_[next_].offset : data_bytes_;
  return file_.Write(std::vector<std::byte>(begin_next - end));
}

Status Writer::Finish() {
  if (next_ < tensors_.size()) {
    return Error{Format("{}: tensor {} is incomplete: {} of {} bytes written",
                        path_, tensors_[next_].name, written_,
                        tensors_[next_].size)};
  }
  BRAID_TRY(CheckCancelled());
  return file_.Commit();
}

Status Writer::CheckCancelled() const {
  if (!cancelled_ || !cancelled_()) return {};
  return Error{Format("{}: cancelled, nothing was written there", path_)};
}

}  // namespace braid::gguf
