#include "nn/weight_source.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/format.h"
#include "base/random.h"
#include "base/thread_pool.h"
#include "base/try.h"
#include "gguf/tensor_type.h"
#include "tensor/codec.h"

namespace braid {

namespace {

// What a thread reads of a tensor at a time.
constexpr size_t kReadBytes = size_t{4} << 20;

int64_t Elements(const Shape& shape) {
  int64_t elements = 1;
  for (const int64_t size : shape) elements *= size;
  return elements;
}

// Trailing ones carry no information: {4, 1} is {4}.
Shape WithoutTrailingOnes(Shape shape) {
  while (shape.size() > 1 && shape.back() == 1) shape.pop_back();
  return shape;
}

uint64_t HashName(std::string_view name) {
  uint64_t hash = 0;
  for (const char c : name) hash = MixBits(hash ^ static_cast<uint8_t>(c));
  return hash;
}

float Draw(Random& random, Role role, int64_t inputs) {
  switch (role) {
    case Role::kMatrix: {
      // Uniform with the variance of a fan-in initialisation.
      const float limit = std::sqrt(3.0f / static_cast<float>(inputs));
      return random.Uniform(-limit, limit);
    }
    case Role::kScale:
      return random.Uniform(0.5f, 1.5f);
    case Role::kBias:
      return random.Uniform(-0.5f, 0.5f);
    case Role::kDecay:
      return random.Uniform(-4.0f, -0.1f);
  }
  BRAID_CHECK(false);
}

}  // namespace

std::string ToText(const Shape& shape) {
  std::string text = "{";
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ", ";
    text += Format("{}", shape[i]);
  }
  return text + "}";
}

bool GgufSource::Has(std::string_view name) const {
  return file_->FindTensor(name) != nullptr;
}

Result<StoredTensor> GgufSource::Find(std::string_view name, const Shape& shape,
                                      Role /*role*/) {
  const gguf::TensorInfo* info = file_->FindTensor(name);
  if (info == nullptr) {
    return Error{Format("{}: the file has no such tensor (expected shape {})",
                        name, ToText(shape))};
  }
  const Shape found(info->shape.begin(), info->shape.end());
  if (WithoutTrailingOnes(found) != WithoutTrailingOnes(shape)) {
    return Error{Format("{}: expected shape {}, file has {}", name,
                        ToText(shape), ToText(found))};
  }
  const Result<DType> type = DTypeFromId(info->type);
  if (!type.ok()) {
    return Error{Format("{}: stored as {}: {}", name,
                        gguf::TensorTypeText(info->type),
                        type.error().message)};
  }
  read_.emplace(name);
  return StoredTensor{*type, file_->Data(*info)};
}

Status GgufSource::Read(std::string_view name, StoredTensor& stored,
                        ThreadPool& threads) {
  const gguf::TensorInfo* info = file_->FindTensor(name);
  BRAID_CHECK(info != nullptr);
  if (file_->Mapping(*info) == nullptr) return {};
  const std::span<const std::byte> data = stored.data;
  // Not std::vector: nothing needs zeros here.
  const std::shared_ptr<std::byte[]> copy(new std::byte[data.size()]);
  const size_t pieces = (data.size() + kReadBytes - 1) / kReadBytes;
  std::vector<Status> statuses(pieces);
  threads.Run(static_cast<int>(pieces), [&](int task, int /*thread*/) {
    const size_t begin = static_cast<size_t>(task) * kReadBytes;
    const size_t size = std::min(kReadBytes, data.size() - begin);
    statuses[task] =
        file_->Read(*info, data.subspan(begin, size), copy.get() + begin);
  });
  for (const Status& status : statuses) {
    if (!status.ok()) return status.error();
  }
  stored.data = {copy.get(), data.size()};
  stored.copy = copy;
  return {};
}

const MappedFile* GgufSource::Mapping(std::string_view name) const {
  const gguf::TensorInfo* info = file_->FindTensor(name);
  return info == nullptr ? nullptr : file_->Mapping(*info);
}

bool RandomSource::Has(std::string_view name) const {
  return std::find(optional_.begin(), optional_.end(), name) != optional_.end();
}

Result<StoredTensor> RandomSource::Find(std::string_view name,
                                        const Shape& shape, Role role) {
  const int64_t width = shape[0];
  const int64_t rows = Elements(shape) / width;
  const bool packs =
      role == Role::kMatrix && width % BlockElements(matrix_type_) == 0;
  const DType type = packs ? matrix_type_ : DType::kF32;
  const size_t row_bytes = RowBytes(type, width);
  AlignedBuffer& tensor =
      tensors_.emplace_back(row_bytes * static_cast<size_t>(rows));
  Random random(seed_, HashName(name));
  std::vector<float> row(static_cast<size_t>(width));
  for (int64_t i = 0; i < rows; ++i) {
    for (float& value : row) value = Draw(random, role, width);
    EncodeRow(type, row.data(), width,
              tensor.data() + static_cast<size_t>(i) * row_bytes);
  }
  return StoredTensor{type, {tensor.data(), tensor.size()}};
}

Result<StoredTensor> ListingSource::Find(std::string_view name,
                                         const Shape& shape, Role /*role*/) {
  entries_.push_back({std::string(name), shape});
  AlignedBuffer& zeros = tensors_.emplace_back(
      static_cast<size_t>(Elements(shape)) * sizeof(float));
  return StoredTensor{DType::kF32, {zeros.data(), zeros.size()}};
}

}  // namespace braid
