// LoadedModel: a LanguageModel together with what its weights stand on.
#ifndef BRAID_SRC_ENGINE_LOADED_MODEL_H_
#define BRAID_SRC_ENGINE_LOADED_MODEL_H_

#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "braid/model.h"
#include "gguf/file.h"
#include "gguf/identity.h"
#include "models/file_use.h"
#include "models/language_model.h"
#include "nn/weight_scope.h"
#include "nn/weight_source.h"

namespace braid {

// What Model::Load would read of a file, without reading it: also of one that
// it refuses for what is left over. Errors: those of Load that come before.
Result<FileUse> ExamineModelFile(const std::string& path);
// The same of a file that is open; errors do not name it.
Result<FileUse> ExamineModelFile(const gguf::File& file);

class LoadedModel : public Model {
 public:
  // Model::Load. kSized: no tensor is read, and the model can be measured but
  // not used. `use` may be null.
  // `names`, if given, gets the names of the matrices.
  static Result<std::shared_ptr<const LoadedModel>> Load(
      const std::string& path, const LoadOptions& options,
      WeightScope::Tensors tensors, WeightUse* use,
      MatrixNames* names = nullptr);

  // From a file: `file` stays open because embeddings are looked up in it.
  LoadedModel(ModelInfo info, gguf::File file,
              std::unique_ptr<LanguageModel> language_model,
              std::unique_ptr<Tokenizer> tokenizer);
  // From any other source, without a vocabulary (tests): tokens are numbers,
  // and `identity` says which model it is.
  LoadedModel(std::unique_ptr<WeightSource> source,
              std::unique_ptr<LanguageModel> language_model,
              const gguf::Identity& identity = {});

  const ModelInfo& info() const override { return info_; }
  // A model that was not loaded from a file has none; asking is a bug.
  const Tokenizer& tokenizer() const override;
  const LanguageModel& language_model() const { return *language_model_; }
  // Reads the file's tensors when it is asked for the first time. Error: one
  // cannot be read to its end.
  Result<gguf::Identity> identity() const;

 private:
  ModelInfo info_;
  std::optional<gguf::File> file_;
  std::unique_ptr<WeightSource> source_;
  std::unique_ptr<LanguageModel> language_model_;
  std::unique_ptr<Tokenizer> tokenizer_;
  mutable std::mutex identifying_;
  mutable std::optional<gguf::Identity> identity_;  // empty: not known yet
};

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_LOADED_MODEL_H_
