// Conversion: from a Hugging Face folder to a GGUF file.
//
// Plan() reads all that is small: the configuration, the vocabulary, the
// headers of the weights. It fixes every key, name, shape and format. Write()
// then streams the tensors, one after another.
#ifndef BRAID_SRC_CONVERT_CONVERSION_H_
#define BRAID_SRC_CONVERT_CONVERSION_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/function_ref.h"
#include "braid/result.h"
#include "convert/checkpoint.h"
#include "convert/metadata.h"
#include "convert/output_type.h"
#include "convert/tensor_rules.h"
#include "gguf/writer.h"

namespace braid::convert {

struct ConversionOptions {
  OutputType type = OutputType::kAuto;
  // Metadata only: a file to tokenize with.
  bool vocabulary_only = false;
  // Keys of config.json, as paths ("rope_scaling.factor"), that change nothing
  // although no table of Braid's knows them.
  std::vector<std::string> ignored_keys = {};
  // Told what the file will hold; an error of it is one of Plan(). What loads
  // files can say here what it would not load, before there is one.
  std::function<Status(const gguf::Contents& contents)> check = {};
};

// Not thread-safe.
class Conversion {
 public:
  // Errors name the file and the thing: an architecture that is not known (and
  // those that are), a tensor that no rule names, a key that is missing, or one
  // that nothing is known of (config_keys.h), ...
  static Result<Conversion> Plan(const std::string& folder,
                                 const ConversionOptions& options);

  // What the file will hold; views of this object.
  const gguf::Contents& contents() const { return contents_; }
  // Tensors of the checkpoint that are not in the file, by name.
  const std::vector<std::string>& skipped() const { return mapping_.skipped; }
  // What of the folder is not in the file, and what of the file only Braid
  // reads: sentences, each said once.
  const std::vector<std::string>& notices() const { return notices_; }

  // Writes to a temporary file and renames it; until then there is nothing at
  // `path`. `progress` is called before each tensor, with the bytes of the
  // file that are written and that will be; `cancelled`, if given, is asked at
  // every piece: true is an error.
  Status Write(const std::string& path, int threads,
               FunctionRef<void(const gguf::TensorInfo& tensor, uint64_t done,
                                uint64_t all)>
                   progress,
               const std::function<bool()>& cancelled = {}) const;

 private:
  Conversion(std::unique_ptr<Metadata> metadata,
             std::optional<Checkpoint> checkpoint, TensorMapping mapping,
             DType matrix_type, std::vector<std::string> notices);

  std::unique_ptr<Metadata> metadata_;
  std::optional<Checkpoint> checkpoint_;
  TensorMapping mapping_;
  std::vector<std::string> notices_;
  std::vector<DType> types_;  // of mapping_.targets
  gguf::Contents contents_;
};

}  // namespace braid::convert

#endif  // BRAID_SRC_CONVERT_CONVERSION_H_
