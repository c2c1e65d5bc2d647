// ImportanceMatrix: how strongly each input of each matrix is driven, measured
// on a text. Quantisers weight errors with it.
//
// Two file formats exist; both are read and written.
//   GGUF: general.type "imatrix", and for a matrix W the tensors W.in_sum2
//     {inputs, matrices} and W.counts {1, matrices}: sums of squares over rows,
//     and how many rows
//   older: a table of names and of mean squares times calls
#ifndef BRAID_SRC_QUANTIZE_IMPORTANCE_H_
#define BRAID_SRC_QUANTIZE_IMPORTANCE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"

namespace braid::quantize {

// What was measured at one matrix, or at the experts of a tensor.
struct InputSquares {
  std::vector<float> sums;    // [counts.size()][inputs]
  std::vector<float> counts;  // rows, one number per matrix
};

class ImportanceMatrix {
 public:
  ImportanceMatrix() = default;

  // Reads either format. Errors name the path and the thing: a file that is
  // neither, sums without counts, a size that is no multiple, a number that is
  // negative or not finite.
  static Result<ImportanceMatrix> Read(const std::string& path);
  static Result<ImportanceMatrix> Parse(std::span<const std::byte> bytes);

  // Writes the GGUF form. Errors: the writer's.
  Status Write(const std::string& path) const;
  // Writes the older form, for programs that know no other: mean squares are
  // kept, counts of rows are not.
  Status WriteOld(const std::string& path) const;

  // `squares` of the tensor `name`, which is not there yet.
  void Add(std::string name, InputSquares squares);
  // Adds what `other` measured, on another text or in another part of it.
  // Errors name the tensor and both sizes: that it was measured on a model of
  // another shape, or is of the older format, and its rows are not counted.
  Status Merge(const ImportanceMatrix& other);
  // Read from a file of the older format, which has means and calls, but does
  // not say of how many rows a call was.
  bool is_older() const { return is_older_; }
  // Every call was one chunk of `tokens` rows, from 1 on: gives a matrix of the
  // older format the sums and counts that Merge needs. Errors, which change
  // nothing, name the tensor: experts, which do not see all rows of a chunk;
  // no calls; sums or counts of rows that a float does not hold.
  Status CountRows(uint32_t tokens);
  // Keeps the entries whose name contains one of `include` (empty: all), and
  // none of `exclude`.
  void Filter(std::span<const std::string> include,
              std::span<const std::string> exclude);

  // The mean square of every input, [matrices][inputs]; 1 where an expert saw
  // no row. Empty: nothing is known of this tensor.
  std::vector<float> Weights(std::string_view tensor) const;

  size_t size() const { return entries_.size(); }

  std::vector<std::string> datasets;  // the texts
  uint32_t chunk_count = 0;           // read from them
  uint32_t chunk_size = 0;            // tokens

 private:
  // Parses the older format.
  static Result<ImportanceMatrix> ParseOld(std::span<const std::byte> bytes);

  std::map<std::string, InputSquares, std::less<>> entries_;
  bool is_older_ = false;
  std::string uncounted_;  // a tensor of the older format without calls
};

}  // namespace braid::quantize

#endif  // BRAID_SRC_QUANTIZE_IMPORTANCE_H_
