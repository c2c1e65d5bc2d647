// Checkpoint: the tensors of a Hugging Face folder, in one safetensors file or
// in several that model.safetensors.index.json lists, or whose names say that
// they are all.
#ifndef BRAID_SRC_CONVERT_CHECKPOINT_H_
#define BRAID_SRC_CONVERT_CHECKPOINT_H_

#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/mapped_file.h"
#include "braid/result.h"
#include "convert/source_tensor.h"

namespace braid::convert {

// Immutable after opening; every method may be called from any thread.
class Checkpoint {
 public:
  // Maps and validates every file of it. Errors name the file; an index that
  // names a file outside the folder, or a tensor that its file lacks, is one,
  // and so is a part that is missing.
  static Result<Checkpoint> Open(const std::string& folder);

  // In the order of the files and of their data.
  std::span<const SourceTensor> tensors() const { return tensors_; }
  // nullptr if absent.
  const SourceTensor* Find(std::string_view name) const;

  // Tells the kernel that `piece`, a part of the tensor's bytes, will not be
  // read soon, so that the process stays small. A hint.
  void Release(const SourceTensor& tensor,
               std::span<const std::byte> piece) const {
    files_[tensor.file].Release(piece);
  }

 private:
  Status Add(const std::string& folder, const std::string& name);
  Status AddIndexed(const std::string& folder);
  // A set whose index is missing: the names say how many parts there are.
  Status AddParts(const std::string& folder, size_t count);

  std::vector<MappedFile> files_;
  std::vector<SourceTensor> tensors_;
  std::unordered_map<std::string_view, size_t> by_name_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_CHECKPOINT_H_
