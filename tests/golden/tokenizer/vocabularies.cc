#include "tests/golden/tokenizer/vocabularies.h"

#include <lzma.h>

#include <deque>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "gguf/file.h"
#include "tokenizer/load.h"

namespace braid {

namespace {

std::string ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  BRAID_CHECK(file.good());
  return {std::istreambuf_iterator<char>(file), {}};
}

std::string DecompressXz(const std::string& packed) {
  lzma_stream stream = LZMA_STREAM_INIT;
  BRAID_CHECK(lzma_stream_decoder(&stream, std::numeric_limits<uint64_t>::max(),
                                  0) == LZMA_OK);
  stream.next_in = reinterpret_cast<const uint8_t*>(packed.data());
  stream.avail_in = packed.size();
  std::string unpacked;
  std::string block(1 << 20, '\0');
  lzma_ret status = LZMA_OK;
  while (status == LZMA_OK) {
    stream.next_out = reinterpret_cast<uint8_t*>(block.data());
    stream.avail_out = block.size();
    status = lzma_code(&stream, LZMA_FINISH);
    unpacked.append(block, 0, block.size() - stream.avail_out);
  }
  lzma_end(&stream);
  BRAID_CHECK(status == LZMA_STREAM_END);
  return unpacked;
}

// A tokenizer.json as the GGUF converter would write it down. Only byte-level
// BPE ("gpt2") is read.
class JsonVocabulary {
 public:
  JsonVocabulary(const nlohmann::json& json, std::string_view pre) {
    spec_.model = "gpt2";
    spec_.pre = pre;
    const nlohmann::json& model = json.at("model");
    for (const auto& [text, id] : model.at("vocab").items()) {
      SetToken(id.get<size_t>(), text, TokenType::kNormal);
    }
    for (const nlohmann::json& added : json.at("added_tokens")) {
      SetToken(added.at("id").get<size_t>(),
               added.at("content").get<std::string>(),
               added.at("special").get<bool>() ? TokenType::kControl
                                               : TokenType::kUserDefined);
    }
    for (const nlohmann::json& merge : model.at("merges")) {
      spec_.merges.push_back(Own(merge.is_array()
                                     ? merge.at(0).get<std::string>() + " " +
                                           merge.at(1).get<std::string>()
                                     : merge.get<std::string>()));
    }
  }

  const TokenizerSpec& spec() const { return spec_; }

 private:
  std::string_view Own(std::string text) {
    return texts_.emplace_back(std::move(text));
  }

  void SetToken(size_t id, const std::string& text, TokenType type) {
    while (spec_.tokens.size() <= id) {
      spec_.types.push_back(static_cast<int32_t>(TokenType::kUnused));
      spec_.tokens.push_back(Own(Format("[PAD{}]", spec_.tokens.size())));
    }
    spec_.tokens[id] = Own(text);
    spec_.types[id] = static_cast<int32_t>(type);
  }

  std::deque<std::string> texts_;
  TokenizerSpec spec_;
};

}  // namespace

std::string DataPath(std::string_view relative) {
  return Format("{}/{}", BRAID_DATA_DIR, relative);
}

bool DataExists(std::string_view relative) {
  return std::filesystem::exists(DataPath(relative));
}

std::string ReadData(std::string_view relative) {
  return ReadFile(DataPath(relative));
}

Result<std::unique_ptr<Tokenizer>> LoadTestVocabulary(
    const TestVocabulary& vocabulary) {
  return LoadVocabularyFile(DataPath(vocabulary.path), vocabulary.pre);
}

Result<std::unique_ptr<Tokenizer>> LoadVocabularyFile(const std::string& path,
                                                      std::string_view pre) {
  if (path.ends_with(".gguf")) {
    BRAID_ASSIGN(const gguf::File file, gguf::File::Open(path));
    BRAID_ASSIGN(TokenizerSpec spec, ReadTokenizerSpec(file));
    if (!pre.empty()) spec.pre = pre;
    return MakeTokenizer(spec);
  }
  std::string text = ReadFile(path);
  if (path.ends_with(".xz")) text = DecompressXz(text);
  const JsonVocabulary vocabulary(nlohmann::json::parse(text), pre);
  return MakeTokenizer(vocabulary.spec());
}

}  // namespace braid
