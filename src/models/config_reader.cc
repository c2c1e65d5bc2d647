#include "models/config_reader.h"

#include <cmath>
#include <utility>

#include "base/format.h"

namespace braid {

namespace {
constexpr int64_t kLargestCount = int64_t{1} << 24;
}  // namespace

ConfigReader::ConfigReader(const gguf::File& file) : file_(file) {
  const Result<std::string_view> architecture =
      file.GetString("general.architecture");
  if (architecture.ok()) {
    prefix_ = std::string(*architecture) + ".";
  } else {
    Fail(architecture.error());
  }
}

std::string ConfigReader::FullKey(std::string_view key) const {
  return prefix_ + std::string(key);
}

void ConfigReader::Fail(Error error) {
  if (status_.ok()) status_ = std::move(error);
}

int ConfigReader::Count(std::string_view key) {
  const Result<int64_t> value = file_.GetInt(FullKey(key));
  if (!value.ok()) {
    Fail(value.error());
    return 1;
  }
  if (*value < 1 || *value > kLargestCount) {
    Fail({Format("{}: {} is not in [1, {}]", FullKey(key), *value,
                 kLargestCount)});
    return 1;
  }
  return static_cast<int>(*value);
}

int ConfigReader::Count(std::string_view key, int if_missing) {
  const std::string full = FullKey(key);
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

double ConfigReader::Positive(std::string_view key, double if_missing) {
  const Result<double> value = file_.GetFloat(FullKey(key), if_missing);
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
  const Result<double> value = file_.GetFloat(FullKey(key));
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
  const Result<bool> value = file_.GetBool(FullKey(key), if_missing);
  if (!value.ok()) {
    Fail(value.error());
    return if_missing;
  }
  return *value;
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
