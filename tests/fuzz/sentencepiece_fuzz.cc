// Hostile model files of SentencePiece; what they make must tokenize.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "tests/fuzz/small_tokenizers.h"
#include "tokenizer/load.h"
#include "tokenizer/sentencepiece_model.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  const auto model = braid::ReadSentencePieceModel(bytes);
  if (!model.ok()) {
    BRAID_CHECK(!model.error().message.empty());
    return 0;
  }
  const auto tokenizer = braid::MakeTokenizer(model->spec);
  if (!tokenizer.ok()) {
    BRAID_CHECK(!tokenizer.error().message.empty());
    return 0;
  }
  const std::string_view text = bytes.substr(bytes.size() / 2);
  braid::CheckDecoding(**tokenizer, (*tokenizer)->Encode(text, {}), {});
  return 0;
}
