#include "convert/conversion.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/format.h"
#include "base/thread_pool.h"
#include "base/try.h"
#include "convert/families.h"
#include "convert/hf_config.h"
#include "convert/target_writer.h"
#include "convert/vocabulary.h"
#include "json/json.h"

namespace braid::convert {

namespace {

// Of the block formats: the second revision of their scales.
constexpr int kQuantizationVersion = 2;

std::string FolderName(const std::string& folder) {
  const auto path = std::filesystem::path(folder).lexically_normal();
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

// Tokens that the model has rows for: 0 if that is not known.
int64_t EmbeddingRows(const TensorMapping& mapping) {
  const auto found = std::ranges::find(mapping.targets, "token_embd.weight",
                                       &TargetTensor::name);
  return found == mapping.targets.end() ? 0 : found->shape[0];
}

std::vector<uint64_t> GgufShape(const Shape& shape) {
  return {shape.rbegin(), shape.rend()};
}

}  // namespace

Result<Conversion> Conversion::Plan(const std::string& folder,
                                    const ConversionOptions& options) {
  BRAID_ASSIGN(Json root, Json::Read(Format("{}/config.json", folder)));
  const HfConfig config(std::move(root));
  BRAID_ASSIGN(const Family* family, FindFamily(config));
  std::optional<Checkpoint> checkpoint;
  if (!options.vocabulary_only) {
    BRAID_ASSIGN(checkpoint, Checkpoint::Open(folder));
  }
  Recipe recipe(folder, config, checkpoint ? &*checkpoint : nullptr,
                family->architecture);
  recipe.metadata.Text("general.architecture",
                       std::string(family->architecture));
  recipe.metadata.Text("general.type", "model");
  recipe.metadata.Text("general.name", FolderName(folder));
  family->describe(recipe);
  BRAID_TRY(config.status());

  TensorMapping mapping;
  DType matrix_type = DType::kF32;
  if (checkpoint) {
    BRAID_ASSIGN(mapping, recipe.rules.Apply(*checkpoint));
    matrix_type = MatrixType(options.type, checkpoint->tensors());
    recipe.metadata.Count("general.file_type", FileType(matrix_type));
    recipe.metadata.Count("general.quantization_version", kQuantizationVersion);
  }
  BRAID_TRY(DescribeVocabulary(recipe, EmbeddingRows(mapping)));
  return Conversion(std::make_unique<Metadata>(std::move(recipe.metadata)),
                    std::move(checkpoint), std::move(mapping), matrix_type,
                    std::move(recipe.notices));
}

Conversion::Conversion(std::unique_ptr<Metadata> metadata,
                       std::optional<Checkpoint> checkpoint,
                       TensorMapping mapping, DType matrix_type,
                       std::vector<std::string> notices)
    : metadata_(std::move(metadata)),
      checkpoint_(std::move(checkpoint)),
      mapping_(std::move(mapping)),
      notices_(std::move(notices)) {
  contents_.metadata = metadata_->pairs();
  for (const TargetTensor& target : mapping_.targets) {
    const DType type = TensorType(target.name, target.shape, matrix_type);
    types_.push_back(type);
    contents_.tensors.push_back({.name = target.name,
                                 .type = static_cast<uint32_t>(type),
                                 .shape = GgufShape(target.shape)});
  }
}

Status Conversion::Write(const std::string& path, int threads,
                         FunctionRef<void(const gguf::TensorInfo& tensor,
                                          uint64_t done, uint64_t all)>
                             progress,
                         const std::function<bool()>& cancelled) const {
  BRAID_ASSIGN(gguf::Writer writer,
               gguf::Writer::Create(path, contents_, cancelled));
  ThreadPool pool(threads);
  uint64_t all = 0;
  for (const gguf::TensorInfo& tensor : writer.tensors()) all += tensor.size;
  uint64_t done = 0;
  for (size_t i = 0; i < mapping_.targets.size(); ++i) {
    progress(writer.tensors()[i], done, all);
    BRAID_TRY(WriteTarget(mapping_.targets[i], types_[i], *checkpoint_, pool,
                          writer));
    done += writer.tensors()[i].size;
  }
  return writer.Finish();
}

}  // namespace braid::convert
