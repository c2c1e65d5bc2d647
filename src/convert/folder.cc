#include "convert/folder.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <string_view>
#include <vector>

#include "base/format.h"

namespace braid::convert {

namespace {

namespace fs = std::filesystem;

// How a file begins that Git LFS left in place of another.
constexpr std::string_view kLfsPointer =
    "version https://git-lfs.github.com/spec/";

// Files that a conversion may read.
constexpr std::string_view kReadEndings[] = {".safetensors", ".json", ".model",
                                             ".txt", ".jinja"};

bool Exists(const fs::path& path) {
  std::error_code ignored;
  return fs::exists(path, ignored);
}

bool BeginsWith(const fs::path& path, std::string_view text) {
  std::ifstream file(path, std::ios::binary);
  std::string begin(text.size(), '\0');
  file.read(begin.data(), static_cast<std::streamsize>(begin.size()));
  return file.gcount() == static_cast<std::streamsize>(text.size()) &&
         begin == text;
}

// Names of the files in a folder, sorted.
std::vector<std::string> FileNames(const std::string& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator entry(folder, error), end; !error && entry != end;
       entry.increment(error)) {
    names.push_back(entry->path().filename().string());
  }
  std::ranges::sort(names);
  return names;
}

// A kind of folder, known by a file of it.
struct Kind {
  std::string_view begin;  // of the file's name
  std::string_view end;
  std::string_view advice;
};

// Instead of config.json.
constexpr Kind kOtherFolders[] = {
    {"adapter_config.json", "",
     "this is an adapter (LoRA), not a model; merge it into its model and save "
     "that"},
    {"params.json", "",
     "this is the publisher's own format (Meta's, or Mistral's consolidated "
     "one); convert the folder of the same model in the format of "
     "transformers"},
    {"model_index.json", "", "this is a pipeline of diffusers, no text model"},
    {"0_Transformer", "",
     "this is a folder of sentence-transformers of an older form; convert that "
     "one, which has the model"},
    {"", ".gguf", "a GGUF file needs no conversion"},
};

// Instead of model.safetensors.
constexpr Kind kOtherWeights[] = {
    {"adapter_model", "",
     "an adapter (LoRA) is not a model; merge it into its model and save that"},
    {"consolidated", "",
     "the publisher's own format (Meta's, or Mistral's consolidated one); "
     "convert the folder of the same model in the format of transformers"},
    {"", ".gguf", "a GGUF file needs no conversion"},
    {"pytorch_model", "",
     "weights of PyTorch, which hold a program; load them with transformers "
     "and save them as safetensors (safe_serialization=True)"},
    {"", ".pth",
     "weights of PyTorch, which hold a program; save them as safetensors"},
    {"", ".onnx",
     "ONNX holds a graph without the model's names; take the folder of "
     "transformers that it was exported from"},
    {"", ".onnx_data",
     "ONNX holds a graph without the model's names; take the folder of "
     "transformers that it was exported from"},
    {"tf_model.h5", "", "weights of TensorFlow; save them as safetensors"},
    {"flax_model", "", "weights of Flax; save them as safetensors"},
    {"", ".safetensors",
     "no part of a set that can be read: expected model.safetensors, or "
     "model-00001-of-0000N.safetensors to the last"},
};

// "NAME: advice" for the first kind that a file of the folder is of.
std::string Recognize(const std::string& folder, std::span<const Kind> kinds) {
  std::vector<std::string> names = FileNames(folder);
  // Exports for other programs often have a folder of their own.
  for (const std::string& name : FileNames(folder + "/onnx")) {
    names.push_back("onnx/" + name);
  }
  for (const Kind& kind : kinds) {
    for (const std::string& name : names) {
      if (name.starts_with(kind.begin) && name.ends_with(kind.end)) {
        return Format("found {}: {}", name, kind.advice);
      }
    }
  }
  return {};
}

// Endings of tensors that quantisers of PyTorch write.
struct Packing {
  std::string_view ending;
  std::string_view writer;
};
constexpr Packing kPackings[] = {
    {".qweight", "GPTQ or AWQ"},
    {".qzeros", "GPTQ or AWQ"},
    {".weight_packed", "compressed-tensors"},
    {".weight_scale", "compressed-tensors or FP8"},
    {".weight_scale_inv", "FP8"},
    {".absmax", "bitsandbytes"},
    {".quant_map", "bitsandbytes"},
    {".SCB", "bitsandbytes"},
    {".weight_format", "bitsandbytes"},
    {".W_q", "HQQ"},
};

constexpr std::string_view kTakeTheOriginal =
    "convert the folder of the model that it was made of, and quantise the "
    "result";

}  // namespace

Status CheckFolder(const std::string& folder) {
  std::error_code ignored;
  if (!Exists(folder))
    return Error{Format("{}: there is no such folder", folder)};
  if (!fs::is_directory(folder, ignored)) {
    return Error{Format("{}: is {}; expected a folder with config.json", folder,
                        BeginsWith(folder, "GGUF")
                            ? "a GGUF file already, which needs no conversion"
                            : "a file")};
  }
  for (const std::string& name : FileNames(folder)) {
    const fs::path path = fs::path(folder) / name;
    const bool read = std::ranges::any_of(
        kReadEndings,
        [&name](std::string_view ending) { return name.ends_with(ending); });
    if (!read || !BeginsWith(path, kLfsPointer)) continue;
    return Error{
        Format("{}: is a pointer of Git LFS, not the file itself; "
               "fetch the files with \"git lfs pull\"",
               path.string())};
  }
  if (Exists(fs::path(folder) / "config.json")) return {};
  const std::string found = Recognize(folder, kOtherFolders);
  return Error{Format("{}: has no config.json{}{}", folder,
                      found.empty() ? "" : "; ", found)};
}

Status CheckNotQuantized(const HfConfig& config) {
  for (const std::string_view key :
       {"quantization_config", "compression_config", "quantization"}) {
    const Json& value = config.Get(key);
    if (value.IsNull()) continue;
    const std::string* method = value["quant_method"].Text();
    return Error{
        Format("config.json: {}: the weights are quantised{}{}, in a "
               "format that is not read; {}",
               key, method == nullptr ? "" : " by ",
               method == nullptr ? "" : *method, kTakeTheOriginal)};
  }
  return {};
}

Status CheckNotQuantized(std::span<const SourceTensor> tensors) {
  for (const SourceTensor& tensor : tensors) {
    for (const auto& [ending, writer] : kPackings) {
      if (!tensor.name.ends_with(ending)) continue;
      return Error{
          Format("{}: is of weights that {} quantised, a format that "
                 "is not read; {}",
                 tensor.name, writer, kTakeTheOriginal)};
    }
  }
  return {};
}

Error MissingWeights(const std::string& folder) {
  const std::string found = Recognize(folder, kOtherWeights);
  return Error{
      Format("{}: has neither model.safetensors nor "
             "model.safetensors.index.json; {}",
             folder, found.empty() ? "it has no weights" : found)};
}

}  // namespace braid::convert
