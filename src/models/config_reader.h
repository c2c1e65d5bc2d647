// ConfigReader: hyper-parameters of an architecture, from the metadata of a
// file, each bounded so that arithmetic on them cannot overflow.
#ifndef BRAID_SRC_MODELS_CONFIG_READER_H_
#define BRAID_SRC_MODELS_CONFIG_READER_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "gguf/file.h"

namespace braid {

// Keys are given without the architecture's prefix. The first error is kept,
// and reading goes on with harmless values; ask status() at the end. The reader
// remembers what it was asked for (models/file_use.h).
class ConfigReader {
 public:
  static constexpr int64_t kLargestCount = int64_t{1} << 24;

  // `file` must outlive the reader.
  explicit ConfigReader(const gguf::File& file);

  // An integer in [1, 2^24]; with a default, a missing key is no error and the
  // value may be 0.
  int Count(std::string_view key);
  int Count(std::string_view key, int if_missing);
  // block_count, in [1, tensors in the file], so that what is kept for each
  // layer cannot grow beyond the file.
  int Layers();
  // An integer in [0, 2^24] for each layer: an array with `layers` of them, or
  // one number for all. A missing key without a default is an error.
  std::vector<int> PerLayer(std::string_view key, int layers);
  std::vector<int> PerLayer(std::string_view key, int layers, int if_missing);
  // A finite number.
  double Number(std::string_view key, double if_missing);
  // A finite number above 0.
  double Positive(std::string_view key, double if_missing);
  // A finite number in [0, 1].
  float Epsilon(std::string_view key);
  bool Flag(std::string_view key, bool if_missing);
  std::string Text(std::string_view key, std::string_view if_missing);
  bool Has(std::string_view key) const;
  // Size of the vocabulary: rows of token_embd.weight.
  int Vocabulary();

  // Rows of a matrix of the file; 0 without it.
  int Rows(std::string_view tensor) const;

  // The file's general.architecture, which is the prefix of the keys.
  const std::string& architecture() const { return architecture_; }
  // Whether somebody asked for the value of `full_key`, prefix included.
  bool WasRead(std::string_view full_key) const {
    return read_.contains(full_key);
  }

  // Records that the value of `key` cannot be used; keeps the first error.
  void Refuse(std::string_view key, std::string_view problem);

  Status status() const { return status_; }

 private:
  std::string FullKey(std::string_view key) const;
  // The full key, which is from now on one that was read.
  std::string Asked(std::string_view key);
  void Fail(Error error);

  const gguf::File& file_;
  std::string architecture_;
  std::set<std::string, std::less<>> read_;
  Status status_;
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_CONFIG_READER_H_
