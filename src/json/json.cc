#include "json/json.h"

#include <simdjson.h>

#include <cmath>

#include "base/format.h"
#include "base/mapped_file.h"
#include "base/try.h"

namespace braid {

namespace {

// Integers of more digits do not fit 64 bits.
constexpr size_t kMostDigits = 18;

// The length of a string, with both its quotes, at the beginning of `text`.
size_t StringLength(std::string_view text) {
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1;
    if (text[i] == '\\') ++i;
  }
  return text.size();
}

// What Python writes, as standard JSON that the parser reads: NaN and infinity
// become null, long integers floating-point numbers.
std::string WithoutPythonNumbers(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789";
  std::string result;
  while (!text.empty()) {
    size_t length = 1;
    std::string_view written = text;
    if (text[0] == '"') {
      length = StringLength(text);
    } else if (kDigits.find(text[0]) != kDigits.npos) {
      length = std::min(text.find_first_not_of("0123456789.eE+-"), text.size());
      const size_t digits =
          std::min(text.find_first_not_of(kDigits), text.size());
      result += text.substr(0, length);
      if (digits == length && digits > kMostDigits) result += "e0";
      written = {};
    } else {
      for (const std::string_view word : {"-Infinity", "Infinity", "NaN"}) {
        if (!text.starts_with(word)) continue;
        length = word.size();
        result += "null";
        written = {};
        break;
      }
    }
    result += written.substr(0, length);
    text.remove_prefix(length);
  }
  return result;
}

// As deep as the parser allows, which is kMaxDepth.
Json Copy(simdjson::dom::element element) {  // NOLINT(misc-no-recursion)
  using Type = simdjson::dom::element_type;
  switch (element.type()) {
    case Type::OBJECT: {
      std::vector<Json::Member> members;
      const simdjson::dom::object object = element.get_object().value_unsafe();
      for (const auto& [key, value] : object) {
        members.emplace_back(std::string(key), Copy(value));
      }
      return Json(std::move(members));
    }
    case Type::ARRAY: {
      std::vector<Json> elements;
      const simdjson::dom::array array = element.get_array().value_unsafe();
      for (const auto value : array) {
        elements.push_back(Copy(value));
      }
      return Json(std::move(elements));
    }
    case Type::STRING:
      return Json(std::string(element.get_string().value_unsafe()));
    case Type::INT64:
      return Json(element.get_int64().value_unsafe());
    case Type::UINT64:
      return Json(static_cast<double>(element.get_uint64().value_unsafe()));
    case Type::DOUBLE:
      return Json(element.get_double().value_unsafe());
    case Type::BOOL:
      return Json(element.get_bool().value_unsafe());
    default:
      return Json();
  }
}

}  // namespace

namespace {

void AppendText(std::string_view text, std::string& out) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<uint8_t>(c);
    if (byte < 0x20) {
      out += "\\u00";
      out += kDigits[byte >> 4];
      out += kDigits[byte & 15];
      continue;
    }
    if (c == '"' || c == '\\') out += '\\';
    out += c;
  }
  out += '"';
}

// As deep as the value, which is kMaxDepth.
void Append(const Json& json, std::string& out) {  // NOLINT(misc-no-recursion)
  char separator = '\0';
  const auto separate = [&] {
    if (separator != '\0') out += separator;
    separator = ',';
  };
  if (json.IsArray()) {
    out += '[';
    for (const Json& element : json.Elements()) {
      separate();
      Append(element, out);
    }
    out += ']';
  } else if (json.IsObject()) {
    out += '{';
    for (const auto& [name, value] : json.Members()) {
      separate();
      AppendText(name, out);
      out += ':';
      Append(value, out);
    }
    out += '}';
  } else if (const std::string* text = json.Text()) {
    AppendText(*text, out);
  } else if (json.IsNull()) {
    out += "null";
  } else if (json.Bool()) {
    out += *json.Bool() ? "true" : "false";
  } else if (json.IsFloat()) {
    out += Format("{}", *json.Number());
  } else {
    out += Format("{}", *json.Int());
  }
}

}  // namespace

std::string WriteJson(const Json& json) {
  std::string text;
  Append(json, text);
  return text;
}

Result<Json> Json::Parse(std::string_view text) {
  simdjson::dom::parser parser;
  simdjson::dom::element root;
  const auto parse = [&](std::string_view json) {
    const auto error = parser.allocate(json.size(), kMaxDepth);
    if (error != simdjson::SUCCESS) return error;
    return parser.parse(json.data(), json.size()).get(root);
  };
  auto error = parse(text);
  if (error == simdjson::TAPE_ERROR || error == simdjson::NUMBER_ERROR ||
      error == simdjson::N_ATOM_ERROR) {
    error = parse(WithoutPythonNumbers(text));
  }
  if (error != simdjson::SUCCESS) {
    return Error{Format("not JSON: {}", simdjson::error_message(error))};
  }
  return Copy(root);
}

Result<Json> Json::Read(const std::string& path) {
  BRAID_ASSIGN(const MappedFile file, MappedFile::Open(path));
  const std::string_view text(
      reinterpret_cast<const char*>(file.bytes().data()), file.bytes().size());
  Result<Json> json = Parse(text);
  if (!json.ok()) {
    return Error{Format("{}: {}", path, json.error().message)};
  }
  return json;
}

std::optional<bool> Json::Bool() const {
  const bool* value = std::get_if<bool>(&value_);
  return value == nullptr ? std::nullopt : std::optional(*value);
}

std::optional<int64_t> Json::Int() const {
  if (const auto* value = std::get_if<int64_t>(&value_)) return *value;
  const auto* value = std::get_if<double>(&value_);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (value == nullptr || std::abs(*value) > kExact ||
      *value != std::trunc(*value)) {
    return std::nullopt;
  }
  return static_cast<int64_t>(*value);
}

std::optional<double> Json::Number() const {
  if (const auto* value = std::get_if<double>(&value_)) return *value;
  const auto* value = std::get_if<int64_t>(&value_);
  if (value == nullptr) return std::nullopt;
  return static_cast<double>(*value);
}

const std::string* Json::Text() const {
  return std::get_if<std::string>(&value_);
}

bool Json::IsArray() const {
  return std::holds_alternative<std::vector<Json>>(value_);
}

bool Json::IsObject() const {
  return std::holds_alternative<std::vector<Member>>(value_);
}

std::span<const Json> Json::Elements() const {
  const auto* elements = std::get_if<std::vector<Json>>(&value_);
  if (elements == nullptr) return {};
  return *elements;
}

std::span<const Json::Member> Json::Members() const {
  const auto* members = std::get_if<std::vector<Member>>(&value_);
  if (members == nullptr) return {};
  return *members;
}

const Json& Json::operator[](std::string_view key) const {
  static const Json kNull;
  const std::span<const Member> members = Members();
  for (size_t i = members.size(); i-- > 0;) {
    if (members[i].first == key) return members[i].second;
  }
  return kNull;
}

std::string_view Json::Kind() const {
  constexpr std::string_view kKinds[] = {"null",     "a boolean", "a number",
                                         "a number", "a string",  "an array",
                                         "an object"};
  return kKinds[value_.index()];
}

}  // namespace braid
