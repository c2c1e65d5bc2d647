// WeightScope: hands tensors to the constructors of modules, which thereby are
// the whole loader.
//
// A constructor cannot return an error, so the scope keeps the first one and
// hands out empty weights from then on; the caller asks status() at the end,
// and throws the half-built module away if it is not ok.
#ifndef BRAID_SRC_NN_WEIGHT_SCOPE_H_
#define BRAID_SRC_NN_WEIGHT_SCOPE_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/huge_blocks.h"
#include "base/thread_pool.h"
#include "braid/result.h"
#include "kernels/matmul.h"
#include "nn/matrix_names.h"
#include "nn/weight_source.h"

namespace braid {

// Rows of a matrix in their stored form: looked up, not multiplied.
struct EmbeddingTable {
  StoredTensor stored;
  int64_t width = 0;
  int64_t count = 0;
  // Rows are read from here, one by one; nullptr: decoded where they lie, in
  // memory.
  const MappedFile* file = nullptr;
};

// Rows of a matrix that is packed in parts.
struct StoredMatrix {
  StoredTensor stored;
  int64_t inputs = 0;
  std::string name = {};  // of the tensor, whole
};

// The memory behind weights.
struct WeightUse {
  size_t packed = 0;   // matrices
  size_t vectors = 0;  // what was decoded to float32
  size_t tables = 0;   // embeddings that are decoded where the source has them
  // The most at once: packed, decoded, and the tensor that is being read.
  size_t most_loading = 0;
};

// Copies share the source, the error and the counts. Not thread-safe.
class WeightScope {
 public:
  // kSized: no tensor is read. Matrices have no memory, and vectors hold
  // numbers that are possible where they stand. What is built of them can be
  // measured (engine/fit.h).
  enum class Tensors { kRead, kSized };

  // `source` and `threads` must outlive the scope. `progress` is told the bytes
  // of each tensor that was read. `names`, if given, gets those of the
  // matrices.
  WeightScope(WeightSource& source, ThreadPool& threads,
              std::function<void(size_t bytes)> progress = {},
              Tensors tensors = Tensors::kRead, MatrixNames* names = nullptr);

  // The same scope with `prefix` in front of every name: Child("blk.3.").
  WeightScope Child(std::string_view prefix) const;

  bool Has(std::string_view name) const;

  // {inputs, outputs}, packed for the matrix product.
  PackedMatrix Matrix(std::string_view name, int64_t inputs, int64_t outputs);
  // {inputs, outputs, count}: one matrix for each expert or head.
  std::vector<PackedMatrix> Matrices(std::string_view name, int64_t inputs,
                                     int64_t outputs, int64_t count);
  // {inputs, outputs} as stored; the source must outlive it.
  StoredMatrix Stored(std::string_view name, int64_t inputs, int64_t outputs);
  // Packs rows [begin, begin + count): {inputs, count}.
  PackedMatrix PackRows(const StoredMatrix& matrix, int64_t begin,
                        int64_t count);
  // Packs the transpose of these rows: {count, inputs}. Formats with blocks
  // cannot be transposed without rounding again, and become float32.
  PackedMatrix PackTransposed(const StoredMatrix& matrix, int64_t begin,
                              int64_t count);
  // Decoded to float32, in stored order.
  std::vector<float> Vector(std::string_view name, const Shape& shape,
                            Role role);
  // {width, count}; the source must outlive the table.
  EmbeddingTable Embedding(std::string_view name, int64_t width, int64_t count);

  // Records that the values of `name` cannot be used; keeps the first error.
  void Fail(std::string_view name, std::string_view problem);

  Status status() const { return shared_->status; }
  // Of all weights handed out so far.
  int64_t parameters() const { return shared_->parameters; }
  int64_t bytes() const { return shared_->bytes; }
  const WeightUse& use() const { return shared_->use; }

 private:
  struct Shared {
    WeightSource& source;
    ThreadPool& threads;
    std::function<void(size_t)> progress;
    MatrixNames* names = nullptr;
    Status status;
    int64_t parameters = 0;
    int64_t bytes = 0;
    WeightUse use;
    size_t reading = 0;  // bytes of the tensor that was found last
    bool sized = false;
    HugeBlocks blocks = {};
    HugeBlocks::Count packed = {};

    // So much is held in memory now, the last of it made of that tensor.
    void Hold(size_t bytes, size_t WeightUse::*kind);
  };

  PackedMatrix Pack(DType type, const std::byte* rows, int64_t inputs,
                    int64_t outputs);
  // Finds prefix + name, or records the error and returns false. kLeft: its
  // bytes are not read.
  enum class Bytes { kRead, kLeft };
  bool Find(std::string_view name, const Shape& shape, Role role,
            StoredTensor& stored, Bytes read = Bytes::kRead);

  std::shared_ptr<Shared> shared_;
  std::string prefix_;
};

}  // namespace braid

#endif  // BRAID_SRC_NN_WEIGHT_SCOPE_H_
