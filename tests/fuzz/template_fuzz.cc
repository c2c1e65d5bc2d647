// libFuzzer target: a chat template, and, behind the first byte 0, what is
// said. Whatever it is, rendering ends within the limits, in a text or in an
// error that says where; and what was said is where the text says that it is.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "chat/chat_template.h"

namespace braid::chat {
namespace {

constexpr TemplateLimits kLimits = {.template_bytes = 1 << 16,
                                    .steps = 20000,
                                    .characters = 1 << 20,
                                    .depth = 200,
                                    .output_bytes = 1 << 18};

Input::Dict Variables(std::string_view said) {
  const auto message = [&](const char* role, std::string_view content) {
    return Input{Input::Dict{{"role", Input::Own(role)},
                             {"content", Input::Said(std::string(content))}}};
  };
  return {{"messages",
           {Input::List{message("system", "s"), message("user", said)}}},
          {"x", Input::Said(std::string(said))},
          {"n", {int64_t{7}}},
          {"r", {0.5}},
          {"tools", {}},
          {"add_generation_prompt", {true}},
          {"bos_token", Input::Own("<s>")}};
}

void CheckRanges(const Rendered& rendered) {
  size_t at = 0;
  for (const ByteRange& range : rendered.spoken) {
    BRAID_CHECK(range.begin < range.end);
    BRAID_CHECK(at == 0 || range.begin > at);
    BRAID_CHECK(range.end <= rendered.text.size());
    at = range.end;
  }
}

}  // namespace
}  // namespace braid::chat

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace braid::chat;
  const std::string_view input(reinterpret_cast<const char*>(data), size);
  const size_t zero = std::min(input.find('\0'), input.size());
  const auto parsed = ChatTemplate::Parse(input.substr(0, zero), kLimits);
  if (!parsed.ok()) {
    BRAID_CHECK(!parsed.error().message.empty());
    return 0;
  }
  const auto rendered =
      parsed->Render(Variables(input.substr(std::min(zero + 1, input.size()))));
  if (!rendered.ok()) {
    BRAID_CHECK(!rendered.error().message.empty());
    return 0;
  }
  BRAID_CHECK(rendered->text.size() <= kLimits.output_bytes);
  CheckRanges(*rendered);
  return 0;
}
