#include "convert/hf_config.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/format.h"
#include "tokenizer/spec.h"

namespace braid::convert {

namespace {

const Json kMissing;
constexpr std::string_view kTextPart = "text_config";

// Takes the first of the names that "|" separates off `key`.
std::string_view NextName(std::string_view& key) {
  const std::string_view name = key.substr(0, key.find('|'));
  key.remove_prefix(std::min(name.size() + 1, key.size()));
  return name;
}

const Json& Follow(const Json& root, std::string_view path) {
  const Json* place = &root;
  while (!path.empty()) {
    const std::string_view name = path.substr(0, path.find('.'));
    path.remove_prefix(std::min(name.size() + 1, path.size()));
    place = &(*place)[name];
  }
  return *place;
}

// Of two values that are no lists and no objects.
bool SameValue(const Json& a, const Json& b) {
  const std::string* text = a.Text();
  const std::string* other = b.Text();
  if (text != nullptr && other != nullptr) return *text == *other;
  return a.Kind() == b.Kind() && a.Number() == b.Number() &&
         a.Bool() == b.Bool();
}

// Without what is inside of lists and objects.
std::string FlatText(const Json& value) {
  if (value.IsNull()) return "null";
  if (const auto flag = value.Bool()) return *flag ? "true" : "false";
  if (const auto number = value.Int()) return Format("{}", *number);
  if (const auto number = value.Number()) return Format("{}", *number);
  if (value.Text() != nullptr) return Format("\"{}\"", Excerpt(*value.Text()));
  return std::string(value.Kind());
}

}  // namespace

std::string ValueText(const Json& value) {
  constexpr size_t kShown = 8;
  if (value.IsObject()) {
    std::string names;
    for (const auto& [name, member] :
         value.Members().first(std::min(kShown, value.Members().size()))) {
      names += Format("{}{}", names.empty() ? "" : ", ", Excerpt(name));
    }
    return Format("an object of {}", names.empty() ? "nothing" : names);
  }
  if (!value.IsArray()) return FlatText(value);
  std::string text;
  for (const Json& element :
       value.Elements().first(std::min(kShown, value.Elements().size()))) {
    text += Format("{}{}", text.empty() ? "" : ", ", FlatText(element));
  }
  return Format("[{}{}]", text,
                value.Elements().size() > kShown ? ", ..." : "");
}

int64_t ToCount(double number) {
  constexpr double kMost = std::numeric_limits<int32_t>::max();
  return static_cast<int64_t>(std::clamp(number, 0.0, kMost));
}

HfConfig::HfConfig(Json root) : root_(std::move(root)) {}

std::string HfConfig::Architecture() const {
  asked_.emplace("architectures");
  const auto names = root_["architectures"].Elements();
  const std::string* name = names.empty() ? nullptr : names.front().Text();
  return name == nullptr ? std::string() : *name;
}

const Json& HfConfig::Find(std::string_view name) const {
  asked_.emplace(name);
  const Json& text = Follow(root_[kTextPart], name);
  if (!text.IsNull()) return text;
  const Json& whole = Follow(root_, name);
  return whole.IsNull() ? Follow(defaults_, name) : whole;
}

const Json& HfConfig::Get(std::string_view key) const {
  const Json* found = &kMissing;
  while (!key.empty()) {
    const Json& value = Find(NextName(key));
    if (found->IsNull()) found = &value;
  }
  return *found;
}

void HfConfig::CheckAgreement(std::string_view key) const {
  std::string_view first_name;
  const Json* first = &kMissing;
  while (!key.empty()) {
    const std::string_view name = NextName(key);
    const Json& value = Find(name);
    if (value.IsNull()) continue;
    if (first->IsNull()) {
      first_name = name;
      first = &value;
    } else if (!SameValue(value, *first)) {
      Fail({Format("config.json: {}: {} contradicts {}: {}", name,
                   ValueText(value), first_name, ValueText(*first))});
    }
  }
}

int64_t HfConfig::Count(std::string_view key) const {
  if (!Has(key)) Fail(Wrong(key, "a number"));
  return Count(key, 1);
}

int64_t HfConfig::Count(std::string_view key, int64_t if_missing) const {
  if (!Has(key)) return if_missing;
  CheckAgreement(key);
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
  CheckAgreement(key);
  const std::optional<double> value = Get(key).Number();
  if (!value || !std::isfinite(*value)) {
    Fail(Wrong(key, "a number"));
    return 1.0;
  }
  return *value;
}

bool HfConfig::Flag(std::string_view key, bool if_missing) const {
  if (!Has(key)) return if_missing;
  CheckAgreement(key);
  const std::optional<bool> value = Get(key).Bool();
  if (!value) Fail(Wrong(key, "true or false"));
  return value.value_or(if_missing);
}

std::string HfConfig::Text(std::string_view key,
                           std::string_view if_missing) const {
  if (!Has(key)) return std::string(if_missing);
  CheckAgreement(key);
  const std::string* value = Get(key).Text();
  if (value == nullptr) Fail(Wrong(key, "a string"));
  return value == nullptr ? std::string(if_missing) : *value;
}

std::vector<std::string> HfConfig::Texts(std::string_view key) const {
  std::vector<std::string> texts;
  if (Has(key) && !Get(key).IsArray()) Fail(Wrong(key, "a list of strings"));
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
  if (Has(key) && !Get(key).IsArray()) Fail(Wrong(key, "a list of numbers"));
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

bool HfConfig::AskedWithin(const std::string& path) const {
  const std::string prefix = path + '.';
  const auto next = asked_.lower_bound(prefix);
  return next != asked_.end() && next->starts_with(prefix);
}

std::vector<HfConfig::Unread> HfConfig::UnreadKeys() const {
  std::vector<Unread> unread;
  // Members that are to be looked at, and where they stand; the last is next.
  std::vector<std::pair<std::string, const Json*>> open;
  const auto add_members = [&open](const std::string& prefix,
                                   const Json& object) {
    const auto members = object.Members();
    for (size_t i = members.size(); i-- > 0;) {
      open.emplace_back(prefix + members[i].first, &members[i].second);
    }
  };
  add_members("", root_);
  while (!open.empty()) {
    const auto [path, value] = std::move(open.back());
    open.pop_back();
    const bool empty = (value->IsArray() && value->Elements().empty()) ||
                       (value->IsObject() && value->Members().empty());
    if (value->IsNull() || empty || asked_.contains(path)) continue;
    if (path == kTextPart && value->IsObject()) {
      add_members("", *value);
    } else if (value->IsObject() && AskedWithin(path)) {
      add_members(path + '.', *value);
    } else {
      unread.push_back({path, value});
    }
  }
  return unread;
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
