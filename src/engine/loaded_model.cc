#include "engine/loaded_model.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/fp_guard.h"
#include "base/guarded.h"
#include "base/thread_pool.h"
#include "base/try.h"
#include "engine/engine_options.h"
#include "engine/thread_count.h"
#include "models/config_reader.h"
#include "models/registry.h"
#include "tokenizer/load.h"

namespace braid {

namespace {

void DescribeMemory(const LanguageModel& model, ModelInfo& info) {
  for (const LayerSpec& layer : model.Memory(DType::kF16).layers) {
    info.recurrent |= layer.recurrent();
    info.attention |= layer.attention();
  }
  const RowTraits traits = model.traits();
  info.bidirectional = traits.bidirectional;
  info.logits = traits.logits;
  info.encoder = traits.encoder;
  info.start_token = traits.start_token;
  info.layers = model.layers();
  info.width = model.width();
  info.vocabulary_size = model.vocabulary_size();
  info.trained_context = model.trained_context();
}

// How the file's authors pool, for any architecture.
Result<Pooling> ReadPooling(ConfigReader& reader) {
  constexpr Pooling kByNumber[] = {Pooling::kNone, Pooling::kMean,
                                   Pooling::kFirst, Pooling::kLast,
                                   Pooling::kRank};
  const int number = reader.Count("pooling_type", 0);
  BRAID_TRY(reader.status());
  if (number >= static_cast<int>(std::size(kByNumber))) {
    return Error{Format("pooling_type: {} is not in [0, {}]", number,
                        std::size(kByNumber) - 1)};
  }
  return kByNumber[number];
}

int64_t TensorBytes(const gguf::File& file) {
  int64_t bytes = 0;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    bytes += static_cast<int64_t>(tensor.size);
  }
  return bytes;
}

int64_t Elements(const gguf::TensorInfo& tensor) {
  int64_t elements = 1;
  for (const uint64_t size : tensor.shape) {
    elements *= static_cast<int64_t>(size);
  }
  return elements;
}

// What came of building the model of a file.
struct Built {
  std::unique_ptr<LanguageModel> model;
  Pooling pooling = Pooling::kNone;
  int64_t weight_bytes = 0;
  WeightUse memory;
  FileUse file_use;
};

Result<Built> BuildModel(const gguf::File& file, const LoadOptions& options,
                         WeightScope::Tensors tensors, MatrixNames* names) {
  ThreadPool threads(ThreadCount(options.threads));
  const double total =
      static_cast<double>(std::max<int64_t>(TensorBytes(file), 1));
  double done = 0;
  GgufSource source(file);
  WeightScope weights(
      source, threads,
      [&](size_t bytes) {
        done += static_cast<double>(bytes);
        if (options.progress) options.progress(std::min(1.0, done / total));
      },
      tensors, names);
  ConfigReader reader(file);
  Built built;
  BRAID_ASSIGN(built.model, MakeModel(reader, weights, options.encoder_only));
  BRAID_ASSIGN(built.pooling, ReadPooling(reader));
  built.weight_bytes = weights.bytes();
  built.memory = weights.use();
  built.file_use = UseOf(file, reader, source, options.encoder_only);
  return built;
}

Result<std::shared_ptr<const LoadedModel>> LoadFromFile(
    const std::string& path, const LoadOptions& options,
    WeightScope::Tensors tensors, WeightUse& use, MatrixNames* names) {
  const FloatGuard guard;
  BRAID_TRY(ValidateThreads(options.threads));
  BRAID_ASSIGN(gguf::File file, gguf::File::Open(path));
  BRAID_ASSIGN(std::unique_ptr<Tokenizer> tokenizer, LoadTokenizer(file));

  BRAID_ASSIGN(Built built, BuildModel(file, options, tensors, names));
  BRAID_TRY(built.file_use.status);
  use = built.memory;
  const LanguageModel& model = *built.model;
  if (tokenizer->vocabulary_size() > model.vocabulary_size()) {
    return Error{
        Format("the vocabulary has {} tokens, token_embd.weight only "
               "{} rows",
               tokenizer->vocabulary_size(), model.vocabulary_size())};
  }

  BRAID_ASSIGN(const std::string_view architecture,
               file.GetString("general.architecture"));
  BRAID_ASSIGN(const std::string_view name, file.GetString("general.name", ""));
  BRAID_ASSIGN(const std::string_view chat_template,
               file.GetString("tokenizer.chat_template", ""));
  ModelInfo info;
  info.pooling = built.pooling;
  info.weight_bytes = built.weight_bytes;
  info.architecture = architecture;
  info.chat_template = chat_template;
  info.name = name;
  for (const gguf::TensorInfo& tensor : file.tensors()) {
    info.parameters += Elements(tensor);
  }
  info.file_bytes = TensorBytes(file);
  DescribeMemory(model, info);
  return std::shared_ptr<const LoadedModel>(std::make_shared<LoadedModel>(
      std::move(info), std::move(file), std::move(built.model),
      std::move(tokenizer)));
}

// Errors of the container name the file already.
Error WithPath(const std::string& path, const Error& error) {
  if (error.message.starts_with(path)) return error;
  return Error{Format("{}: {}", path, error.message)};
}

}  // namespace

LoadedModel::LoadedModel(ModelInfo info, gguf::File file,
                         std::unique_ptr<LanguageModel> language_model,
                         std::unique_ptr<Tokenizer> tokenizer)
    : info_(std::move(info)),
      file_(std::move(file)),
      language_model_(std::move(language_model)),
      tokenizer_(std::move(tokenizer)) {}

LoadedModel::LoadedModel(std::unique_ptr<WeightSource> source,
                         std::unique_ptr<LanguageModel> language_model,
                         const gguf::Identity& identity)
    : source_(std::move(source)),
      language_model_(std::move(language_model)),
      identity_(identity) {
  DescribeMemory(*language_model_, info_);
}

Result<gguf::Identity> LoadedModel::identity() const {
  const std::lock_guard<std::mutex> lock(identifying_);
  if (!identity_) {
    BRAID_ASSIGN(identity_, gguf::IdentityOf(*file_));
  }
  return *identity_;
}

const Tokenizer& LoadedModel::tokenizer() const {
  BRAID_CHECK(tokenizer_ != nullptr);
  return *tokenizer_;
}

Result<std::shared_ptr<const LoadedModel>> LoadedModel::Load(
    const std::string& path, const LoadOptions& options,
    WeightScope::Tensors tensors, WeightUse* use, MatrixNames* names) {
  WeightUse unused;
  Result<std::shared_ptr<const LoadedModel>> model =
      Guarded("loading the model", [&] {
        return LoadFromFile(path, options, tensors,
                            use == nullptr ? unused : *use, names);
      });
  if (model.ok()) return model;
  return WithPath(path, model.error());
}

Result<FileUse> ExamineModelFile(const std::string& path) {
  BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path));
  Result<FileUse> use = ExamineModelFile(file);
  if (!use.ok()) return WithPath(path, use.error());
  return use;
}

Result<FileUse> ExamineModelFile(const gguf::File& file) {
  const FloatGuard guard;
  BRAID_ASSIGN(Built built, BuildModel(file, {.threads = 1, .progress = {}},
                                       WeightScope::Tensors::kSized,
                                       /*names=*/nullptr));
  return std::move(built.file_use);
}

Result<std::shared_ptr<const Model>> Model::Load(const std::string& path,
                                                 const LoadOptions& options) {
  using Loaded = Result<std::shared_ptr<const Model>>;
  return Guarded("loading the model", [&]() -> Loaded {
    BRAID_ASSIGN(std::shared_ptr<const LoadedModel> model,
                 LoadedModel::Load(path, options, WeightScope::Tensors::kRead,
                                   /*use=*/nullptr));
    return std::shared_ptr<const Model>(std::move(model));
  });
}

Result<std::unique_ptr<Tokenizer>> LoadTokenizer(const std::string& path) {
  using Loaded = Result<std::unique_ptr<Tokenizer>>;
  return Guarded("loading the vocabulary", [&]() -> Loaded {
    BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path));
    return LoadTokenizer(file);
  });
}

}  // namespace braid
