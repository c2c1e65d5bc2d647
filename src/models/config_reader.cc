#include "models/config_reader.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "base/format.h"
#include "gguf/conversion.h"

namespace braid {

ConfigReader::ConfigReader(const gguf::File& file) : file_(file) {
  const Result<std::string_view> architecture =
      file.GetString("general.architecture");
  if (architecture.ok()) {
    architecture_ = *architecture;
  } else {
    Fail(architecture.error());
  }
}

std::string ConfigReader::FullKey(std::string_view key) const {
  return architecture_ + "." + std::string(key);
}

std::string ConfigReader::Asked(std::string_view key) {
  return *read_.insert(FullKey(key)).first;
}

void ConfigReader::Fail(Error error) {
  if (status_.ok()) status_ = std::move(error);
}

int ConfigReader::Count(std::string_view key) {
  const std::string full = Asked(key);
  const Result<int64_t> value = file_.GetInt(full);
  if (!value.ok()) {
    Fail(value.error());
    return 1;
  }
  if (*value < 1 || *value > kLargestCount) {
    Fail({Format("{}: {} is not in [1, {}]", full, *value, kLargestCount)});
    return 1;
  }
  return static_cast<int>(*value);
}

int ConfigReader::Count(std::string_view key, int if_missing) {
  const std::string full = Asked(key);
  const Result<int64_t> value = file_.GetInt(full, if_missing);
  if (!value.ok()) {
    Fail(value.error());
    return if_missing;
  }
  const int64_t least = if_missing == 0 ? 0 : 1;
  if (*value < least || *value > kLargestCount) {
    Fail({Format("{}: {} is not in [{}, {}]", full, *value, least,
                 kLargestCount)});
    return if_missing;
  }
  return static_cast<int>(*value);
}

int ConfigReader::Layers() {
  const int layers = Count("block_count");
  const auto tensors = static_cast<int64_t>(file_.tensors().size());
  if (layers <= tensors) return layers;
  Fail({Format("{}: {} layers in a file of {} tensors", FullKey("block_count"),
               layers, tensors)});
  return 1;
}

std::vector<int> ConfigReader::PerLayer(std::string_view key, int layers) {
  if (!Has(key)) {
    Fail({Format("{}: the file has no such key", FullKey(key))});
    return std::vector<int>(layers, 0);
  }
  return PerLayer(key, layers, 0);
}

std::vector<int> ConfigReader::PerLayer(std::string_view key, int layers,
                                        int if_missing) {
  const std::string full = Asked(key);
  const gguf::Value* value = file_.Find(full);
  if (value == nullptr) return std::vector<int>(layers, if_missing);
  std::vector<int> counts;
  const auto add = [&](const gguf::Value& element) {
    const Result<int64_t> number = gguf::ToInt(full, element);
    if (!number.ok()) {
      Fail(number.error());
    } else if (*number < 0 || *number > kLargestCount) {
      Fail({Format("{}: {} is not in [0, {}]", full, *number, kLargestCount)});
    } else {
      counts.push_back(static_cast<int>(*number));
    }
  };
  if (const auto* array = std::get_if<gguf::Array>(value)) {
    if (gguf::Count(*array) != static_cast<size_t>(layers)) {
      Fail({Format("{}: {} elements for {} layers", full, gguf::Count(*array),
                   layers)});
      return std::vector<int>(layers, 0);
    }
    std::visit(
        [&](const auto& elements) {
          for (const auto& element : elements) add(gguf::Value(element));
        },
        array->elements);
    counts.resize(layers, 0);
  } else {
    add(*value);
    counts.resize(layers, counts.empty() ? 0 : counts.front());
  }
  return counts;
}

double ConfigReader::Number(std::string_view key, double if_missing) {
  const Result<double> value = file_.GetFloat(Asked(key), if_missing);
  if (!value.ok()) {
    Fail(value.error());
    return if_missing;
  }
  if (!std::isfinite(*value)) {
    Fail({Format("{}: {} is not a finite number", FullKey(key), *value)});
    return if_missing;
  }
  return *value;
}

double ConfigReader::Positive(std::string_view key, double if_missing) {
  const Result<double> value = file_.GetFloat(Asked(key), if_missing);
  if (!value.ok()) {
    Fail(value.error());
    return if_missing;
  }
  if (!std::isfinite(*value) || *value <= 0) {
    Fail({Format("{}: {} is not a number above 0", FullKey(key), *value)});
    return if_missing;
  }
  return *value;
}

float ConfigReader::Epsilon(std::string_view key) {
  const Result<double> value = file_.GetFloat(Asked(key));
  if (!value.ok()) {
    Fail(value.error());
    return 0;
  }
  if (!(*value >= 0 && *value <= 1)) {
    Fail({Format("{}: {} is not in [0, 1]", FullKey(key), *value)});
    return 0;
  }
  return static_cast<float>(*value);
}

bool ConfigReader::Flag(std::string_view key, bool if_missing) {
  const Result<bool> value = file_.GetBool(Asked(key), if_missing);
  if (!value.ok()) {
    Fail(value.error());
    return if_missing;
  }
  return *value;
}

std::string ConfigReader::Text(std::string_view key,
                               std::string_view if_missing) {
  const Result<std::string_view> value =
      file_.GetString(Asked(key), if_missing);
  if (!value.ok()) {
    Fail(value.error());
    return std::string(if_missing);
  }
  return std::string(*value);
}

bool ConfigReader::Has(std::string_view key) const {
  return file_.Find(FullKey(key)) != nullptr;
}

void ConfigReader::Refuse(std::string_view key, std::string_view problem) {
  Fail({Format("{}: {}", FullKey(key), problem)});
}

int ConfigReader::Rows(std::string_view tensor) const {
  const gguf::TensorInfo* info = file_.FindTensor(tensor);
  if (info == nullptr || info->shape.size() != 2) return 0;
  return static_cast<int>(
      std::min<uint64_t>(info->shape[1], uint64_t{kLargestCount}));
}

int ConfigReader::Vocabulary() {
  const gguf::TensorInfo* embedding = file_.FindTensor("token_embd.weight");
  if (embedding == nullptr) {
    Fail({"token_embd.weight: the file has no such tensor"});
    return 1;
  }
  if (embedding->shape.size() != 2 || embedding->shape[1] < 1 ||
      embedding->shape[1] > static_cast<uint64_t>(kLargestCount)) {
    Fail(
        {Format("token_embd.weight: expected shape {width, vocabulary} with "
                "a vocabulary of at most {}",
                kLargestCount)});
    return 1;
  }
  return static_cast<int>(embedding->shape[1]);
}

}  // namespace braid
