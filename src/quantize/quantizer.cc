#include "quantize/quantizer.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "gguf/finite.h"
#include "gguf/part.h"
#include "gguf/pieces.h"
#include "gguf/split.h"
#include "gguf/tensor_type.h"
#include "gguf/writer.h"
#include "tensor/codec.h"
#include "tensor/storable.h"

namespace braid::quantize {

namespace {

// What is decoded and encoded at a time.
constexpr int64_t kChunkElements = int64_t{1} << 20;
constexpr int kTasks = 32;

// Makes the largest number of every matrix 1 to 2. Only ratios count, but the
// search multiplies five of these numbers: very weak and very strong inputs
// would leave the range of floats. Powers of two change no ratio.
void Normalize(std::span<float> importance, size_t width) {
  // Another text may drive an input that this one never did: where it stands
  // among others it counts for nothing, but it is not stored as 0.
  constexpr float kLeast = 0x1p-24f;
  for (; importance.size() >= width; importance = importance.subspan(width)) {
    const auto matrix = importance.first(width);
    const float largest = *std::ranges::max_element(matrix);
    const int exponent = largest > 0 ? std::ilogb(largest) : 0;
    for (float& weight : matrix) {
      weight = std::fmax(std::ldexp(weight, -exponent), kLeast);
    }
  }
}

class TensorQuantizer {
 public:
  TensorQuantizer(const gguf::File& file, const PlannedTensor& tensor,
                  std::vector<float> importance)
      : file_(file),
        source_(*tensor.source),
        name_(tensor.source->name),
        from_(*DTypeFromId(tensor.source->type)),  // the plan has looked
        to_(tensor.type),
        width_(static_cast<int64_t>(tensor.source->shape[0])),
        matrix_rows_(static_cast<int64_t>(tensor.source->shape[1])),
        importance_(std::move(importance)) {
    Normalize(importance_, tensor.source->shape[0]);
  }

  Status Write(ThreadPool& threads, gguf::Writer& writer) {
    const auto data = file_.Data(source_);
    const size_t row_bytes = RowBytes(from_, width_);
    const auto rows = static_cast<int64_t>(data.size() / row_bytes);
    const int64_t at_once = std::max<int64_t>(1, kChunkElements / width_);
    values_.resize(static_cast<size_t>(std::min(at_once, rows) * width_));
    for (int64_t first = 0; first < rows; first += at_once) {
      const int64_t count = std::min(at_once, rows - first);
      const auto chunk = data.subspan(static_cast<size_t>(first) * row_bytes,
                                      static_cast<size_t>(count) * row_bytes);
      stored_.resize(chunk.size());
      BRAID_TRY(file_.Read(source_, chunk, stored_.data()));
      BRAID_TRY(Encode(stored_, first, count, threads));
      BRAID_TRY(writer.Append(encoded_));
    }
    return {};
  }

 private:
  Status Encode(std::span<const std::byte> stored, int64_t first, int64_t count,
                ThreadPool& threads) {
    const size_t stored_bytes = RowBytes(from_, width_);
    const size_t encoded_bytes = RowBytes(to_, width_);
    encoded_.resize(static_cast<size_t>(count) * encoded_bytes);
    const int64_t share = (count + kTasks - 1) / kTasks;
    // The first element that the format cannot hold.
    std::atomic<int64_t> unusable = kNone;
    threads.Run(kTasks, [&](int task, int /*thread*/) {
      const int64_t end = std::min(count, (task + 1) * share);
      for (int64_t row = task * share; row < end; ++row) {
        float* values = values_.data() + row * width_;
        DecodeRow(from_,
                  stored.data() + static_cast<size_t>(row) * stored_bytes,
                  width_, values);
        const auto found =
            FindUnstorable(to_, {values, static_cast<size_t>(width_)});
        if (found) NoteFirst(unusable, row * width_ + *found);
        EncodeWeightedRow(
            to_, values, Importance(first + row), width_,
            encoded_.data() + static_cast<size_t>(row) * encoded_bytes);
      }
    });
    const int64_t place = unusable;
    if (place == kNone) return {};
    return UnstorableError(name_, first * width_ + place,
                           values_[static_cast<size_t>(place)], to_);
  }

  static constexpr int64_t kNone = std::numeric_limits<int64_t>::max();

  static void NoteFirst(std::atomic<int64_t>& first, int64_t place) {
    int64_t known = first;
    while (place < known && !first.compare_exchange_weak(known, place)) {
    }
  }

  // Of the inputs of the matrix that `row` belongs to; nullptr: not known.
  const float* Importance(int64_t row) const {
    const auto known = static_cast<int64_t>(importance_.size());
    if (known < width_) return nullptr;
    const int64_t expert = row / matrix_rows_;
    return importance_.data() + expert % (known / width_) * width_;
  }

  const gguf::File& file_;
  const gguf::TensorInfo& source_;
  const std::string& name_;
  const DType from_;
  const DType to_;
  const int64_t width_;
  const int64_t matrix_rows_;
  std::vector<float> importance_;
  std::vector<float> values_;
  std::vector<std::byte> stored_;
  std::vector<std::byte> encoded_;
};

Status WriteCopied(const gguf::File& file, const gguf::TensorInfo& tensor,
                   gguf::Writer& writer) {
  const gguf::TensorType* const type = gguf::FindTensorType(tensor.type);
  const bool checked = type != nullptr && gguf::CanCheckFinite(tensor.type);
  uint64_t elements = 0;  // of the pieces before
  return gguf::ForEachPiece(
      file, tensor, checked ? type->block_bytes : 1,
      [&](std::span<const std::byte> piece) -> Status {
        if (checked) {
          const auto found = gguf::FindNonFinite(tensor.type, piece);
          if (found.count > 0) {
            return Error{
                Format("{}: element {} is NaN or infinite, or its "
                       "block's scale is; that is no weight",
                       tensor.name, elements + found.first_element)};
          }
          elements += piece.size() / type->block_bytes * type->block_elements;
        }
        return writer.Append(piece);
      });
}

// The metadata of part `number`: everything for the first, and what a reader
// needs for the others.
std::vector<gguf::KeyValue> PartMetadata(const Plan& plan, size_t number,
                                         size_t count) {
  std::vector<gguf::KeyValue> metadata;
  for (const gguf::KeyValue& kv : plan.metadata) {
    if (number == 0 || kv.key == gguf::kAlignmentKey) metadata.push_back(kv);
  }
  if (count == 1) return metadata;
  metadata.push_back({gguf::kSplitNumberKey, static_cast<uint16_t>(number)});
  metadata.push_back({gguf::kSplitCountKey, static_cast<uint16_t>(count)});
  metadata.push_back(
      {gguf::kSplitTensorsKey, static_cast<int32_t>(plan.tensors.size())});
  return metadata;
}

}  // namespace

Status WriteQuantized(const gguf::File& file, const Plan& plan,
                      const QuantizeOptions& options, const std::string& path,
                      ThreadPool& threads, const QuantizeProgress& progress,
                      const std::function<bool()>& cancelled) {
  const size_t parts = options.keep_split ? file.parts() : 1;
  uint64_t done = 0;
  for (size_t part = 0; part < parts; ++part) {
    gguf::Contents contents{PartMetadata(plan, part, parts), {}};
    std::vector<const PlannedTensor*> here;
    for (const PlannedTensor& tensor : plan.tensors) {
      const auto home = static_cast<size_t>(tensor.source->part);
      if (parts > 1 && home != part) continue;
      here.push_back(&tensor);
      contents.tensors.push_back(tensor.target);
    }
    const std::string part_path =
        parts == 1 ? path : path + gguf::SplitSuffix(part, parts);
    BRAID_ASSIGN(gguf::Writer writer,
                 gguf::Writer::Create(part_path, contents, cancelled));
    for (const PlannedTensor* tensor : here) {
      if (progress) progress(*tensor, done);
      if (tensor->copied) {
        BRAID_TRY(WriteCopied(file, *tensor->source, writer));
      } else {
        std::vector<float> importance;
        if (options.importance != nullptr) {
          importance = options.importance->Weights(tensor->source->name);
        }
        BRAID_TRY(TensorQuantizer(file, *tensor, std::move(importance))
                      .Write(threads, writer));
      }
      done += tensor->source->size;
    }
    BRAID_TRY(writer.Finish());
  }
  return {};
}

}  // namespace braid::quantize
