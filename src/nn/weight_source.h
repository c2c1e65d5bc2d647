// WeightSource: where a model's tensors come from.
#ifndef BRAID_SRC_NN_WEIGHT_SOURCE_H_
#define BRAID_SRC_NN_WEIGHT_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/aligned_buffer.h"
#include "base/mapped_file.h"
#include "base/thread_pool.h"
#include "braid/result.h"
#include "gguf/file.h"
#include "tensor/dtype.h"

namespace braid {

// GGUF order: the contiguous dimension first.
using Shape = std::vector<int64_t>;
std::string ToText(const Shape& shape);

// What a weight is for. A file ignores it; the random source draws by it.
enum class Role {
  kMatrix,  // projections: mean 0, variance 1 / inputs
  kScale,   // norm weights, D: around 1
  kBias,    // small, around 0
  kDecay,   // A of a state-space model: negative
};

struct StoredTensor {
  DType type = DType::kF32;
  std::span<const std::byte> data;
  // What `data` lies in, if it was read for whoever has this.
  std::shared_ptr<const std::byte[]> copy = nullptr;
};

class WeightSource {
 public:
  virtual ~WeightSource() = default;

  virtual bool Has(std::string_view name) const = 0;
  // The tensor, whose shape must be `shape`. The bytes live as long as the
  // source; where Mapping() names a file, they are not to be touched before
  // Read. Errors name the tensor and both values.
  virtual Result<StoredTensor> Find(std::string_view name, const Shape& shape,
                                    Role role) = 0;
  // Makes the bytes of `stored`, which Find has returned, ready to be touched.
  // Error: the file has lost them since it was opened.
  virtual Status Read(std::string_view /*name*/, StoredTensor& /*stored*/,
                      ThreadPool& /*threads*/) {
    return {};
  }
  // The file that the bytes of `name`, which was found, are mapped from; lives
  // as long as they do. nullptr: they are memory of the source.
  virtual const MappedFile* Mapping(std::string_view /*name*/) const {
    return nullptr;
  }
};

// The tensors of a GGUF file, which must outlive this. Remembers which were
// found. Read copies them: a file that is cut short while a model is loaded is
// an error, and no signal.
class GgufSource : public WeightSource {
 public:
  explicit GgufSource(const gguf::File& file) : file_(&file) {}

  bool Has(std::string_view name) const override;
  Result<StoredTensor> Find(std::string_view name, const Shape& shape,
                            Role role) override;
  Status Read(std::string_view name, StoredTensor& stored,
              ThreadPool& threads) override;
  const MappedFile* Mapping(std::string_view name) const override;

  // Whether Find() gave the tensor away.
  bool WasRead(std::string_view name) const { return read_.contains(name); }

 private:
  const gguf::File* file_;
  std::set<std::string, std::less<>> read_;
};

// Every tensor that is asked for, filled from a seed; needs no file. Values
// depend on seed and name only, not on the order of asking.
class RandomSource : public WeightSource {
 public:
  // Matrices are stored in `matrix_type` where their width allows, else F32.
  // Has() is true for the names in `optional` only; Find() finds every name.
  RandomSource(uint64_t seed, DType matrix_type,
               std::vector<std::string> optional = {})
      : seed_(seed),
        matrix_type_(matrix_type),
        optional_(std::move(optional)) {}

  bool Has(std::string_view name) const override;
  Result<StoredTensor> Find(std::string_view name, const Shape& shape,
                            Role role) override;

 private:
  uint64_t seed_;
  DType matrix_type_;
  std::vector<std::string> optional_;
  std::deque<AlignedBuffer> tensors_;
};

// Tells which tensors an architecture asks for: finds everything (zeros) and
// writes down name and shape.
class ListingSource : public WeightSource {
 public:
  struct Entry {
    std::string name;
    Shape shape;
  };

  bool Has(std::string_view) const override { return false; }
  Result<StoredTensor> Find(std::string_view name, const Shape& shape,
                            Role role) override;
  const std::vector<Entry>& entries() const { return entries_; }

 private:
  std::vector<Entry> entries_;
  std::deque<AlignedBuffer> tensors_;
};

}  // namespace braid

#endif  // BRAID_SRC_NN_WEIGHT_SOURCE_H_
