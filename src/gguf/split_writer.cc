#include "gguf/split_writer.h"

#include <algorithm>
#include <limits>

#include "base/format.h"
#include "base/try.h"
#include "gguf/copy.h"
#include "gguf/part.h"
#include "gguf/split.h"
#include "gguf/writer.h"

namespace braid::gguf {

namespace {

std::vector<KeyValue> WithoutSplitKeys(const File& file) {
  std::vector<KeyValue> metadata;
  std::copy_if(file.metadata().begin(), file.metadata().end(),
               std::back_inserter(metadata),
               [](const KeyValue& kv) { return !IsSplitKey(kv.key); });
  return metadata;
}

// The metadata of part `number`: everything for the first, and what the reader
// needs for the others.
std::vector<KeyValue> PartMetadata(const File& file, size_t number,
                                   size_t count) {
  std::vector<KeyValue> metadata;
  for (const KeyValue& kv : WithoutSplitKeys(file)) {
    if (number == 0 || kv.key == kAlignmentKey) metadata.push_back(kv);
  }
  metadata.push_back({kSplitNumberKey, static_cast<uint16_t>(number)});
  metadata.push_back({kSplitCountKey, static_cast<uint16_t>(count)});
  metadata.push_back(
      {kSplitTensorsKey, static_cast<int32_t>(file.tensors().size())});
  return metadata;
}

Contents PartContents(const File& file, const PlannedPart& part, size_t number,
                      size_t count) {
  const auto tensors = file.tensors().subspan(part.first_tensor, part.tensors);
  return {PartMetadata(file, number, count), {tensors.begin(), tensors.end()}};
}

// An entry of the tensor table.
uint64_t TableBytes(const TensorInfo& tensor) {
  return 8 + tensor.name.size() + 4 + 8 * tensor.shape.size() + 4 + 8;
}

// The size of a file that grows tensor by tensor.
class FileSize {
 public:
  // `header_bytes` without tensors.
  FileSize(uint64_t header_bytes, uint64_t alignment)
      : header_bytes_(header_bytes), alignment_(alignment) {}

  uint64_t With(const TensorInfo& tensor) const {
    return RoundUp(header_bytes_ + TableBytes(tensor), alignment_) +
           data_bytes_ + RoundUp(tensor.size, alignment_);
  }
  void Add(const TensorInfo& tensor) {
    header_bytes_ += TableBytes(tensor);
    data_bytes_ += RoundUp(tensor.size, alignment_);
  }

 private:
  uint64_t header_bytes_;
  uint64_t data_bytes_ = 0;
  uint64_t alignment_;
};

// The bytes of a header without tensors; its padding counts, so the size of a
// file is found too large by less than the alignment.
Result<uint64_t> EmptyHeaderBytes(const File& file, size_t number) {
  BRAID_ASSIGN(const Header header,
               EncodeHeader({PartMetadata(file, number, 1), {}}));
  return header.bytes.size();
}

// Which tensors stand together; paths and sizes are not known yet.
Result<std::vector<PlannedPart>> Distribute(const File& file,
                                            const SplitLimits& limits) {
  BRAID_ASSIGN(const uint64_t first_header, EmptyHeaderBytes(file, 0));
  BRAID_ASSIGN(const uint64_t other_header, EmptyHeaderBytes(file, 1));
  std::vector<PlannedPart> parts(1);
  FileSize size(first_header, file.alignment());
  for (size_t i = 0; i < file.tensors().size(); ++i) {
    const TensorInfo& tensor = file.tensors()[i];
    const size_t here = parts.back().tensors;
    const bool full = (limits.tensors > 0 && here == limits.tensors) ||
                      (limits.bytes > 0 && size.With(tensor) > limits.bytes);
    if (full && here > 0) {
      parts.push_back({.path = {}, .first_tensor = i});
      size = FileSize(other_header, file.alignment());
    }
    ++parts.back().tensors;
    size.Add(tensor);
  }
  return parts;
}

}  // namespace

Result<std::vector<PlannedPart>> PlanSplit(const File& file,
                                           const std::string& prefix,
                                           const SplitLimits& limits) {
  if (limits.tensors == 0 && limits.bytes == 0) {
    return Error{"neither a number of tensors nor of bytes limits a part"};
  }
  if (!std::in_range<int32_t>(file.tensors().size())) {
    return Error{Format("{} tensors, a split set has at most {}",
                        file.tensors().size(),
                        std::numeric_limits<int32_t>::max())};
  }
  BRAID_ASSIGN(std::vector<PlannedPart> parts, Distribute(file, limits));
  if (parts.size() > kMaxSplitParts) {
    return Error{Format("{} parts, a split set has at most {}", parts.size(),
                        kMaxSplitParts)};
  }
  for (size_t i = 0; i < parts.size(); ++i) {
    parts[i].path = prefix + SplitSuffix(i, parts.size());
    BRAID_ASSIGN(const Header header,
                 EncodeHeader(PartContents(file, parts[i], i, parts.size())));
    parts[i].bytes = header.bytes.size() + header.data_bytes;
  }
  return parts;
}

Status WriteSplit(const File& file, const std::vector<PlannedPart>& parts,
                  const std::function<bool()>& cancelled) {
  for (size_t i = 0; i < parts.size(); ++i) {
    BRAID_TRY(WriteCopy(file, PartContents(file, parts[i], i, parts.size()),
                        parts[i].path, cancelled));
  }
  return {};
}

namespace {

Contents MergedContents(const File& file) {
  const auto tensors = file.tensors();
  return {WithoutSplitKeys(file), {tensors.begin(), tensors.end()}};
}

}  // namespace

Result<PlannedPart> PlanMerge(const File& file, const std::string& path) {
  BRAID_ASSIGN(const Header header, EncodeHeader(MergedContents(file)));
  return PlannedPart{path, 0, file.tensors().size(),
                     header.bytes.size() + header.data_bytes};
}

Status WriteMerged(const File& file, const std::string& path,
                   const std::function<bool()>& cancelled) {
  return WriteCopy(file, MergedContents(file), path, cancelled);
}

}  // namespace braid::gguf
