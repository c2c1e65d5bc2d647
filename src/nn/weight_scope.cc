#include "nn/weight_scope.h"

#include <algorithm>

#include "base/format.h"
#include "tensor/codec.h"

namespace braid {

namespace {

// An embedding table up to here is soon in memory as a whole, and costs no call
// of the system per token.
constexpr size_t kMostResident = size_t{1} << 20;

}  // namespace

WeightScope::WeightScope(WeightSource& source, ThreadPool& threads,
                         std::function<void(size_t)> progress, Tensors tensors,
                         MatrixNames* names)
    : shared_(std::make_shared<Shared>(
          Shared{.source = source,
                 .threads = threads,
                 .progress = std::move(progress),
                 .names = names,
                 .status = {},
                 .use = {},
                 .sized = tensors == Tensors::kSized})) {}

void WeightScope::Shared::Hold(size_t bytes_now, size_t WeightUse::*kind) {
  use.*kind = bytes_now;
  use.most_loading =
      std::max(use.most_loading, use.packed + use.vectors + reading);
}

WeightScope WeightScope::Child(std::string_view prefix) const {
  WeightScope child = *this;
  child.prefix_ += prefix;
  return child;
}

bool WeightScope::Has(std::string_view name) const {
  return shared_->source.Has(prefix_ + std::string(name));
}

bool WeightScope::Find(std::string_view name, const Shape& shape, Role role,
                       StoredTensor& stored, Bytes read) {
  if (!shared_->status.ok()) return false;
  Result<StoredTensor> found =
      shared_->source.Find(prefix_ + std::string(name), shape, role);
  if (!found.ok()) {
    shared_->status = found.error();
    return false;
  }
  stored = *found;
  shared_->reading = stored.data.size();
  if (read == Bytes::kRead && !shared_->sized) {
    shared_->status = shared_->source.Read(prefix_ + std::string(name), stored,
                                           shared_->threads);
    if (!shared_->status.ok()) return false;
  }
  int64_t elements = 1;
  for (const int64_t size : shape) elements *= size;
  shared_->parameters += elements;
  if (shared_->progress) shared_->progress(stored.data.size());
  return true;
}

void WeightScope::Fail(std::string_view name, std::string_view problem) {
  if (!shared_->status.ok()) return;
  shared_->status = Error{Format("{}{}: {}", prefix_, name, problem)};
}

PackedMatrix WeightScope::Pack(DType type, const std::byte* rows,
                               int64_t inputs, int64_t outputs) {
  PackedMatrix matrix =
      shared_->sized ? PackedMatrix::WithoutData(type, inputs, outputs)
                     : PackedMatrix::Pack(type, rows, inputs, outputs,
                                          shared_->blocks, shared_->threads);
  shared_->bytes += static_cast<int64_t>(matrix.bytes());
  shared_->packed.Take(matrix.bytes());
  shared_->Hold(shared_->packed.bytes(), &WeightUse::packed);
  return matrix;
}

PackedMatrix WeightScope::Matrix(std::string_view name, int64_t inputs,
                                 int64_t outputs) {
  StoredTensor stored;
  if (!Find(name, {inputs, outputs}, Role::kMatrix, stored)) return {};
  PackedMatrix matrix = Pack(stored.type, stored.data.data(), inputs, outputs);
  if (shared_->names != nullptr) {
    shared_->names->Add(matrix, {prefix_ + std::string(name), 0, 1});
  }
  return matrix;
}

std::vector<PackedMatrix> WeightScope::Matrices(std::string_view name,
                                                int64_t inputs, int64_t outputs,
                                                int64_t count) {
  StoredTensor stored;
  if (!Find(name, {inputs, outputs, count}, Role::kMatrix, stored)) return {};
  const size_t matrix_bytes =
      RowBytes(stored.type, inputs) * static_cast<size_t>(outputs);
  std::vector<PackedMatrix> matrices;
  for (int64_t i = 0; i < count; ++i) {
    matrices.push_back(Pack(
        stored.type, stored.data.data() + static_cast<size_t>(i) * matrix_bytes,
        inputs, outputs));
    if (shared_->names == nullptr) continue;
    shared_->names->Add(matrices.back(),
                        {prefix_ + std::string(name), static_cast<int>(i),
                         static_cast<int>(count)});
  }
  return matrices;
}

StoredMatrix WeightScope::Stored(std::string_view name, int64_t inputs,
                                 int64_t outputs) {
  StoredTensor stored;
  if (!Find(name, {inputs, outputs}, Role::kMatrix, stored)) return {};
  return {stored, inputs, prefix_ + std::string(name)};
}

PackedMatrix WeightScope::PackRows(const StoredMatrix& matrix, int64_t begin,
                                   int64_t count) {
  const DType type = matrix.stored.type;
  const size_t row_bytes = RowBytes(type, matrix.inputs);
  return Pack(
      type, matrix.stored.data.data() + static_cast<size_t>(begin) * row_bytes,
      matrix.inputs, count);
}

PackedMatrix WeightScope::PackTransposed(const StoredMatrix& matrix,
                                         int64_t begin, int64_t count) {
  const int64_t inputs = matrix.inputs;
  const DType type =
      BlockElements(matrix.stored.type) == 1 ? matrix.stored.type : DType::kF32;
  if (shared_->sized) return Pack(type, nullptr, count, inputs);
  const size_t row_bytes = RowBytes(matrix.stored.type, inputs);
  std::vector<float> row(static_cast<size_t>(inputs));
  std::vector<float> transposed(static_cast<size_t>(inputs * count));
  for (int64_t i = 0; i < count; ++i) {
    DecodeRow(
        matrix.stored.type,
        matrix.stored.data.data() + static_cast<size_t>(begin + i) * row_bytes,
        inputs, row.data());
    for (int64_t k = 0; k < inputs; ++k) transposed[k * count + i] = row[k];
  }
  const size_t new_row_bytes = RowBytes(type, count);
  std::vector<std::byte> encoded(new_row_bytes * static_cast<size_t>(inputs));
  for (int64_t k = 0; k < inputs; ++k) {
    EncodeRow(type, transposed.data() + k * count, count,
              encoded.data() + static_cast<size_t>(k) * new_row_bytes);
  }
  return Pack(type, encoded.data(), count, inputs);
}

std::vector<float> WeightScope::Vector(std::string_view name,
                                       const Shape& shape, Role role) {
  StoredTensor stored;
  if (!Find(name, shape, role, stored)) return {};
  int64_t rows = 1;
  for (size_t i = 1; i < shape.size(); ++i) rows *= shape[i];
  std::vector<float> values(static_cast<size_t>(shape[0] * rows));
  shared_->bytes += static_cast<int64_t>(values.size() * sizeof(float));
  shared_->Hold(shared_->use.vectors + values.size() * sizeof(float),
                &WeightUse::vectors);
  if (shared_->sized) {
    std::fill(values.begin(), values.end(), role == Role::kDecay ? -1.f : 1.f);
    return values;
  }
  const size_t row_bytes = RowBytes(stored.type, shape[0]);
  for (int64_t row = 0; row < rows; ++row) {
    DecodeRow(stored.type,
              stored.data.data() + static_cast<size_t>(row) * row_bytes,
              shape[0], values.data() + row * shape[0]);
  }
  return values;
}

EmbeddingTable WeightScope::Embedding(std::string_view name, int64_t width,
                                      int64_t count) {
  StoredTensor stored;
  if (!Find(name, {width, count}, Role::kMatrix, stored, Bytes::kLeft)) {
    return {};
  }
  shared_->bytes += static_cast<int64_t>(stored.data.size());
  const std::string whole_name = prefix_ + std::string(name);
  if (stored.data.size() > kMostResident) {
    return {stored, width, count, shared_->source.Mapping(whole_name)};
  }
  shared_->use.tables += stored.data.size();
  if (!shared_->sized) {
    shared_->status =
        shared_->source.Read(whole_name, stored, shared_->threads);
  }
  return {stored, width, count, nullptr};
}

}  // namespace braid
