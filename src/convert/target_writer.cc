#include "convert/target_writer.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/try.h"
#include "gguf/finite.h"
#include "tensor/codec.h"
#include "tensor/storable.h"

namespace braid::convert {

namespace {

// What is decoded and encoded at a time.
constexpr int64_t kChunkElements = int64_t{1} << 20;

class TargetWriter {
 public:
  TargetWriter(const TargetTensor& target, DType type,
               const Checkpoint& checkpoint, ThreadPool& pool,
               gguf::Writer& writer)
      : name_(target.name),
        width_(target.shape.back()),
        type_(type),
        checkpoint_(checkpoint),
        pool_(pool),
        writer_(writer) {}

  Status Write(const TargetTensor& target) {
    if (target.pieces.empty()) return WriteValues(target.constant);
    for (const Piece& piece : target.pieces) BRAID_TRY(WritePiece(piece));
    return {};
  }

 private:
  // Rows that are worked on at a time.
  int64_t ChunkRows() const {
    return std::max<int64_t>(1, kChunkElements / width_);
  }

  Status WritePiece(const Piece& piece) {
    const SourceTensor& source = *piece.source;
    const bool changes =
        std::ranges::any_of(piece.transforms, [](const Transform& transform) {
          return static_cast<bool>(transform.values);
        });
    if (changes) {
      BRAID_ASSIGN(const std::vector<float> values, TransformedValues(piece));
      return WriteValues(values);
    }
    if (*source.type == type_) return WriteStored(source);
    return WriteConverted(source);
  }

  // As it is.
  Status WriteStored(const SourceTensor& source) {
    constexpr size_t kBytes = kChunkElements * sizeof(float);
    for (size_t at = 0; at < source.bytes.size(); at += kBytes) {
      const auto chunk =
          source.bytes.subspan(at, std::min(kBytes, source.bytes.size() - at));
      const auto type = static_cast<uint32_t>(*source.type);
      const gguf::NonFinite bad = gguf::FindNonFinite(type, chunk);
      const size_t element_bytes = RowBytes(*source.type, 1);
      if (bad.count > 0) {
        float value = 0;
        DecodeRow(*source.type,
                  chunk.data() + bad.first_element * element_bytes, 1, &value);
        return UnstorableError(
            source.name,
            static_cast<int64_t>(at / element_bytes + bad.first_element), value,
            type_);
      }
      BRAID_TRY(writer_.Append(chunk));
      written_ += static_cast<int64_t>(chunk.size() / element_bytes);
      checkpoint_.Release(source, chunk);
    }
    return {};
  }

  // The same values in the same order, in another format.
  Status WriteConverted(const SourceTensor& source) {
    const int64_t rows = Elements(source.shape) / width_;
    const size_t row_bytes = RowBytes(*source.type, width_);
    std::vector<float> values;
    for (int64_t row = 0; row < rows; row += ChunkRows()) {
      const int64_t count = std::min(ChunkRows(), rows - row);
      const auto chunk =
          source.bytes.subspan(row * row_bytes, count * row_bytes);
      values.resize(static_cast<size_t>(count * width_));
      DecodeRow(*source.type, chunk.data(), count * width_, values.data());
      BRAID_TRY(WriteValues(values));
      checkpoint_.Release(source, chunk);
    }
    return {};
  }

  Result<std::vector<float>> TransformedValues(const Piece& piece) {
    const SourceTensor& source = *piece.source;
    std::vector<float> values(static_cast<size_t>(Elements(source.shape)));
    DecodeRow(*source.type, source.bytes.data(),
              static_cast<int64_t>(values.size()), values.data());
    checkpoint_.Release(source, source.bytes);
    if (const auto bad = FindUnstorable(DType::kF32, values)) {
      return UnstorableError(source.name, *bad,
                             values[static_cast<size_t>(*bad)], DType::kF32);
    }
    Shape shape = source.shape;
    for (const Transform& transform : piece.transforms) {
      if (transform.values) transform.values(shape, values);
      shape = *transform.shape(shape);  // accepted when it was planned
    }
    return values;
  }

  // The element that an error names is that of the file's tensor.
  Status WriteValues(std::span<const float> values) {
    if (const auto bad = FindUnstorable(type_, values)) {
      return UnstorableError(name_, written_ + *bad,
                             values[static_cast<size_t>(*bad)], type_);
    }
    written_ += static_cast<int64_t>(values.size());
    if (type_ == DType::kF32) return writer_.Append(std::as_bytes(values));
    const int64_t rows = static_cast<int64_t>(values.size()) / width_;
    const size_t row_bytes = RowBytes(type_, width_);
    for (int64_t begin = 0; begin < rows; begin += ChunkRows()) {
      const int64_t count = std::min(ChunkRows(), rows - begin);
      encoded_.resize(static_cast<size_t>(count) * row_bytes);
      const int64_t share = (count + kTasks - 1) / kTasks;
      pool_.Run(kTasks, [&](int task, int /*thread*/) {
        const int64_t end = std::min(count, (task + 1) * share);
        for (int64_t row = task * share; row < end; ++row) {
          EncodeRow(type_, values.data() + (begin + row) * width_, width_,
                    encoded_.data() + row * row_bytes);
        }
      });
      BRAID_TRY(writer_.Append(encoded_));
    }
    return {};
  }

  static constexpr int kTasks = 16;

  const std::string& name_;
  const int64_t width_;
  const DType type_;
  const Checkpoint& checkpoint_;
  ThreadPool& pool_;
  gguf::Writer& writer_;
  int64_t written_ = 0;  // elements
  std::vector<std::byte> encoded_;
};

}  // namespace

Status WriteTarget(const TargetTensor& target, DType type,
                   const Checkpoint& checkpoint, ThreadPool& pool,
                   gguf::Writer& writer) {
  return TargetWriter(target, type, checkpoint, pool, writer).Write(target);
}

}  // namespace braid::convert
