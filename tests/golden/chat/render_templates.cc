// render_templates: reads one JSON object per line,
//   {"template": SOURCE, "variables": {...}, "own": {...}, "now": [Y, M, D]}
// and writes one per line, {"text": TEXT, "spoken": [[BEGIN, END], ...]} or
// {"error": MESSAGE}. "own" are variables whose texts are the program's own.
// For tools/compare_templates.py.
#include <cstdint>
#include <ctime>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "chat/chat_template.h"

namespace braid::chat {
namespace {

using Json = nlohmann::ordered_json;

Input InputOf(const Json& json, bool own) {
  switch (json.type()) {
    case Json::value_t::boolean:
      return {json.get<bool>()};
    case Json::value_t::number_integer:
    case Json::value_t::number_unsigned:
      return {json.get<int64_t>()};
    case Json::value_t::number_float:
      return {json.get<double>()};
    case Json::value_t::string:
      return {json.get<std::string>(), own};
    case Json::value_t::array: {
      Input::List list;
      for (const Json& item : json) list.push_back(InputOf(item, own));
      return {std::move(list)};
    }
    case Json::value_t::object: {
      Input::Dict dict;
      for (const auto& [name, item] : json.items()) {
        dict.emplace_back(name, InputOf(item, own));
      }
      return {std::move(dict)};
    }
    default:
      return {};
  }
}

std::optional<std::tm> TimeOf(const Json& json) {
  if (!json.contains("now")) return {};
  std::tm now = {};
  now.tm_year = json["now"][0].get<int>() - 1900;
  now.tm_mon = json["now"][1].get<int>() - 1;
  now.tm_mday = json["now"][2].get<int>();
  now.tm_isdst = -1;
  std::mktime(&now);  // the day of the week
  return now;
}

Json Answer(const Json& request) {
  const auto parsed =
      ChatTemplate::Parse(request["template"].get<std::string>());
  if (!parsed.ok()) return {{"error", parsed.error().message}};
  Input::Dict variables;
  for (const bool own : {false, true}) {
    const Input part = InputOf(request[own ? "own" : "variables"], own);
    const auto& dict = std::get<Input::Dict>(part.value);
    variables.insert(variables.end(), dict.begin(), dict.end());
  }
  const auto rendered = parsed->Render(variables, TimeOf(request));
  if (!rendered.ok()) return {{"error", rendered.error().message}};
  Json spoken = Json::array();
  for (const ByteRange& range : rendered->spoken) {
    spoken.push_back({range.begin, range.end});
  }
  return {{"text", rendered->text}, {"spoken", spoken}};
}

}  // namespace
}  // namespace braid::chat

int main() {
  std::string line;
  while (std::getline(std::cin, line)) {
    const auto request = nlohmann::ordered_json::parse(line);
    std::cout << braid::chat::Answer(request).dump() << std::endl;
  }
}
