// A GGUF file: metadata and a table of tensors, validated whole before anything
// is dereferenced. The header is copied to memory, tensors stay in the file.
//
// Source: the public GGUF specification (versions 2 and 3, little-endian).
// No model words live here: keys are strings, shapes are numbers.
#ifndef BRAID_SRC_GGUF_FILE_H_
#define BRAID_SRC_GGUF_FILE_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/mapped_file.h"
#include "braid/result.h"
#include "gguf/value.h"

namespace braid::gguf {

struct TensorInfo {
  std::string name;
  uint32_t type = 0;  // a GGUF type id; see gguf/tensor_type.h
  // Dimension 0 is contiguous: a PyTorch [out, in] matrix is {in, out}.
  std::vector<uint64_t> shape;
  uint64_t offset = 0;  // from the start of its part's data section
  uint64_t size = 0;    // bytes
  int part = 0;         // which file of a split set holds it
};

// Immutable after opening; every method may be called from any thread.
class File {
 public:
  // Opens `path`. If it is a part of a split set (split.count > 1) and is the
  // first part, opens the others beside it, by the naming rule
  // NAME-00001-of-00005.gguf. Errors name the file and the thing.
  static Result<File> Open(const std::string& path);

  // Parses a file that is in memory; `bytes` must outlive the File. Not split.
  static Result<File> Parse(std::span<const std::byte> bytes);

  File(File&&) noexcept;
  File& operator=(File&&) noexcept;
  ~File();

  uint32_t version() const;
  uint64_t alignment() const;
  // Files that hold it: 1, or those of the split set.
  size_t parts() const;

  // In file order.
  std::span<const KeyValue> metadata() const;
  // nullptr if absent.
  const Value* Find(std::string_view key) const;

  // Typed look-ups. A missing key and a value of another kind are different
  // errors, both naming the key. Integers of any width convert when the number
  // fits; floats accept f32 and f64 (and integers).
  Result<int64_t> GetInt(std::string_view key) const;
  Result<double> GetFloat(std::string_view key) const;
  Result<bool> GetBool(std::string_view key) const;
  Result<std::string_view> GetString(std::string_view key) const;
  // With a default for a missing key; a value of another kind stays an error.
  Result<int64_t> GetInt(std::string_view key, int64_t if_missing) const;
  Result<double> GetFloat(std::string_view key, double if_missing) const;
  Result<bool> GetBool(std::string_view key, bool if_missing) const;
  Result<std::string_view> GetString(std::string_view key,
                                     std::string_view if_missing) const;

  // In file order, parts one after another.
  std::span<const TensorInfo> tensors() const;
  const TensorInfo* FindTensor(std::string_view name) const;
  // The tensor's bytes: `tensor.size` of them, mapped, read-only. To be touched
  // only where a file that is cut short meanwhile may end the program
  // (base/mapped_file.h); Read is for all others.
  std::span<const std::byte> Data(const TensorInfo& tensor) const;
  // Copies `piece`, a part of Data(tensor), to `to`. Error: the file has been
  // cut short since it was opened, or cannot be read; it names the tensor.
  Status Read(const TensorInfo& tensor, std::span<const std::byte> piece,
              std::byte* to) const;

  // Tells the kernel that the pages of `tensor` will not be needed soon, so
  // that a repacked weight does not count twice in memory. A hint.
  void Release(const TensorInfo& tensor) const;
  // The same for `piece`, a part of Data(tensor).
  void Release(const TensorInfo& tensor,
               std::span<const std::byte> piece) const;
  // The file that Data(tensor) lies in, to read pieces of it; nullptr if it
  // lies in the caller's memory. Lives as long as the data, also when this is
  // moved.
  const MappedFile* Mapping(const TensorInfo& tensor) const;

 private:
  struct Impl;
  explicit File(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_FILE_H_
