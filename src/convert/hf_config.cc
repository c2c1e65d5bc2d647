#include "convert/hf_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/format.h"

namespace braid::convert {

namespace {

const Json kMissing;

}  // namespace

int64_t ToCount(double number) {
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  return static_cast<int64_t>(std::clamp(number, 0.0, kMost));
}

HfConfig::HfConfig(Json root) : root_(std::move(root)) {}

std::string HfConfig::Architecture() const {
  const auto names = root_["architectures"].Elements();
  const std::string* name = names.empty() ? nullptr : names.front().Text();
  return name == nullptr ? std::string() : *name;
}

const Json& HfConfig::Get(std::string_view key) const {
  const Json& text = root_["text_config"];
  while (!key.empty()) {
    const std::string_view name = key.substr(0, key.find('|'));
    key.remove_prefix(std::min(name.size() + 1, key.size()));
    for (const Json* place : {&text, &root_}) {
      const Json& value = (*place)[name];
      if (!value.IsNull()) return value;
    }
  }
  return kMissing;
}

int64_t HfConfig::Count(std::string_view key) const {
  if (!Has(key)) Fail(Wrong(key, "a number"));
  return Count(key, 1);
}

int64_t HfConfig::Count(std::string_view key, int64_t if_missing) const {
  if (!Has(key)) return if_missing;
  const std::optional<int64_t> value = Get(key).Int();
  if (!value || *value < 0 || *value > std::numeric_limits<int32_t>::max()) {
    Fail(Wrong(key, "a number from 0 to 2147483647"));
    return 1;
  }
  return *value;
}

int64_t HfConfig::Layers(std::string_view key) const {
  const int64_t layers = Count(key);
  if (layers >= 1 && layers <= kMaxLayers) return layers;
  Fail({Format("config.json: {}: {} layers; expected 1 to {}",
               key.substr(0, key.find('|')), layers, kMaxLayers)});
  return 1;
}

double HfConfig::Number(std::string_view key) const {
  if (!Has(key)) Fail(Wrong(key, "a number"));
  return Number(key, 1.0);
}

double HfConfig::Number(std::string_view key, double if_missing) const {
  if (!Has(key)) return if_missing;
  const std::optional<double> value = Get(key).Number();
  if (!value || !std::isfinite(*value)) {
    Fail(Wrong(key, "a number"));
    return 1.0;
  }
  return *value;
}

bool HfConfig::Flag(std::string_view key, bool if_missing) const {
  if (!Has(key)) return if_missing;
  const std::optional<bool> value = Get(key).Bool();
  if (!value) Fail(Wrong(key, "true or false"));
  return value.value_or(if_missing);
}

std::string HfConfig::Text(std::string_view key,
                           std::string_view if_missing) const {
  if (!Has(key)) return std::string(if_missing);
  const std::string* value = Get(key).Text();
  if (value == nullptr) Fail(Wrong(key, "a string"));
  return value == nullptr ? std::string(if_missing) : *value;
}

std::vector<std::string> HfConfig::Texts(std::string_view key) const {
  std::vector<std::string> texts;
  for (const Json& element : Get(key).Elements()) {
    if (element.Text() == nullptr) {
      Fail(Wrong(key, "a list of strings"));
      break;
    }
    texts.push_back(*element.Text());
  }
  return texts;
}

std::vector<double> HfConfig::Numbers(std::string_view key) const {
  std::vector<double> numbers;
  for (const Json& element : Get(key).Elements()) {
    const std::optional<double> number = element.Number();
    if (!number || !std::isfinite(*number)) {
      Fail(Wrong(key, "a list of numbers"));
      break;
    }
    numbers.push_back(*number);
  }
  return numbers;
}

std::vector<int64_t> HfConfig::Counts(std::string_view key) const {
  std::vector<int64_t> counts;
  for (const double number : Numbers(key)) counts.push_back(ToCount(number));
  return counts;
}

void HfConfig::Fail(Error error) const {
  if (status_.ok()) status_ = std::move(error);
}

Error HfConfig::Wrong(std::string_view key, std::string_view expected) const {
  const Json& found = Get(key);
  return Error{Format("config.json: {}: expected {}, found {}",
                      key.substr(0, key.find('|')), expected,
                      found.IsNull() ? "nothing" : found.Kind())};
}

}  // namespace braid::convert
