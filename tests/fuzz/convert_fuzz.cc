// libFuzzer target: any bytes, as the files of a Hugging Face folder. The first
// byte says which. What a safetensors header claims must lie inside the file.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "convert/config_keys.h"
#include "convert/families.h"
#include "convert/safetensors.h"
#include "convert/tokenizer_json.h"
#include "convert/word_lists.h"

namespace {

using namespace braid::convert;
using braid::Json;

void ReadTensors(std::span<const std::byte> file) {
  const auto tensors = ParseSafetensors(file);
  if (!tensors.ok()) {
    BRAID_CHECK(!tensors.error().message.empty());
    return;
  }
  for (const SourceTensor& tensor : *tensors) {
    if (tensor.bytes.empty()) continue;
    BRAID_CHECK(&tensor.bytes.front() >= file.data());
    BRAID_CHECK(&tensor.bytes.back() <= &file.back());
  }
}

void ReadTokenizer(std::string_view text) {
  const auto json = Json::Parse(text);
  if (!json.ok()) return;
  VocabularyDraft draft;
  if (!ReadTokenizerJson(*json, draft).ok()) return;
  Metadata metadata("fuzz");
  draft.Write(metadata);
  BRAID_CHECK(metadata.Has("tokenizer.ggml.model"));
}

// What a family makes of a configuration, without weights.
void ReadConfig(std::string_view text) {
  auto json = Json::Parse(text);
  if (!json.ok()) return;
  const HfConfig config(std::move(*json));
  const auto family = FindFamily(config);
  if (!family.ok()) return;
  Recipe recipe("nowhere", config, nullptr, (*family)->architecture);
  (*family)->describe(recipe);
  if (!config.status().ok()) return;
  (void)CheckKeys(config, (*family)->architecture, nullptr, {});
  for (const auto& unknown : UnknownKeys(config, (*family)->architecture)) {
    BRAID_CHECK(!ValueText(*unknown.value).empty());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1,
                              size - 1);
  VocabularyDraft draft;
  switch (data[0] % 6) {
    case 0:
      ReadTensors(std::as_bytes(std::span(text)));
      break;
    case 1:
      ReadTokenizer(text);
      break;
    case 2:
      (void)ReadRwkvList(text, draft);
      break;
    case 3:
      (void)ReadWordPieceList(text, Json(), draft);
      break;
    case 4:
      ReadConfig(text);
      break;
    default: {
      const auto json = Json::Parse(text);
      if (json.ok()) (void)ReadByteLevelLists(*json, text, *json, draft);
    }
  }
  return 0;
}
