#include "convert/conversion.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "base/format.h"
#include "base/thread_pool.h"
#include "base/try.h"
#include "convert/config_keys.h"
#include "convert/embedding_modules.h"
#include "convert/families.h"
#include "convert/folder.h"
#include "convert/hf_config.h"
#include "convert/target_writer.h"
#include "convert/unread_files.h"
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

// transformers makes as many rows as the config says.
Status CheckVocabularySize(const HfConfig& config, int64_t rows) {
  const int64_t said = config.Count("vocab_size", rows);
  const int64_t multiple =
      std::max<int64_t>(config.Count("pad_vocab_size_multiple", 1), 1);
  BRAID_TRY(config.status());
  if (rows == 0 || said == rows ||
      (said + multiple - 1) / multiple * multiple == rows) {
    return {};
  }
  return Error{
      Format("config.json: vocab_size: {}, but the weights have "
             "embeddings for {} tokens",
             said, rows)};
}

// A file without an output matrix means the embedding. T5 and Falcon-H1 write
// one where the two are tied and not the same; encoders have none.
Status CheckOutput(const HfConfig& config, const Family& family,
                   const TensorMapping& mapping, Recipe& recipe) {
  constexpr std::string_view kKeys =
      "tie_word_embeddings|tie_embeddings|tie_embedding";
  for (const std::string_view apart :
       {"bert", "nomic-bert", "t5", "t5encoder", "falcon-h1"}) {
    if (family.architecture == apart) return {};
  }
  // Without tensors there is nothing to compare.
  if (!config.Has(kKeys) || mapping.targets.empty()) return {};
  const bool tied = config.Flag(kKeys, true);
  BRAID_TRY(config.status());
  const bool written =
      std::ranges::find(mapping.targets, "output.weight",
                        &TargetTensor::name) != mapping.targets.end();
  if (tied && written) {
    return Error{
        "config.json: tie_word_embeddings: true, but the weights have an "
        "output matrix that is not the embedding"};
  }
  const bool equal = std::ranges::any_of(
      mapping.skipped,
      [](const std::string& name) { return name.ends_with("lm_head.weight"); });
  if (!tied && !written && !equal) {
    // A model that was published for embeddings needs no output matrix.
    if (recipe.metadata.Has(".pooling_type")) {
      recipe.notices.emplace_back(
          "tie_word_embeddings: false, but the weights have no output matrix: "
          "the file is for embeddings; what it generates means nothing");
      return {};
    }
    return Error{
        "config.json: tie_word_embeddings: false, but the weights have no "
        "output matrix"};
  }
  return {};
}

std::vector<uint64_t> GgufShape(const Shape& shape) {
  return {shape.rbegin(), shape.rend()};
}

}  // namespace

Result<Conversion> Conversion::Plan(const std::string& folder,
                                    const ConversionOptions& options) {
  BRAID_TRY(CheckFolder(folder));
  BRAID_ASSIGN(Json root, Json::Read(Format("{}/config.json", folder)));
  HfConfig config(std::move(root));
  BRAID_ASSIGN(const Family* family, FindFamily(config));
  if (!family->defaults.empty()) {
    BRAID_ASSIGN(Json defaults, Json::Parse(family->defaults));
    config.SetDefaults(std::move(defaults));
  }
  BRAID_TRY(CheckNotQuantized(config));
  std::optional<Checkpoint> checkpoint;
  if (!options.vocabulary_only) {
    BRAID_ASSIGN(checkpoint, Checkpoint::Open(folder));
    BRAID_TRY(CheckNotQuantized(checkpoint->tensors()));
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
    BRAID_TRY(CheckVocabularySize(config, EmbeddingRows(mapping)));
    matrix_type = MatrixType(options.type, checkpoint->tensors());
    recipe.metadata.Count("general.file_type", FileType(matrix_type));
    recipe.metadata.Count("general.quantization_version", kQuantizationVersion);
  }
  BRAID_TRY(DescribeVocabulary(recipe, EmbeddingRows(mapping)));
  BRAID_TRY(DescribeEmbedding(recipe));
  BRAID_TRY(CheckOutput(config, *family, mapping, recipe));
  NoteUnreadFiles(recipe);
  BRAID_TRY(CheckKeys(config, family->architecture, recipe.checkpoint,
                      options.ignored_keys));
  Conversion conversion(std::make_unique<Metadata>(std::move(recipe.metadata)),
                        std::move(checkpoint), std::move(mapping), matrix_type,
                        std::move(recipe.notices));
  const Status loads =
      options.check ? options.check(conversion.contents()) : Status();
  if (!loads.ok()) {
    return Error{Format("{}: the file would not load: {}", folder,
                        loads.error().message)};
  }
  return conversion;
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
