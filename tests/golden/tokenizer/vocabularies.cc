#include "tests/golden/tokenizer/vocabularies.h"

#include <lzma.h>

#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>

#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "gguf/file.h"
#include "tests/golden/tokenizer/foreign_vocabularies.h"
#include "tokenizer/load.h"
#include "tokenizer/sentencepiece_model.h"

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
  if (path.ends_with(".model")) {
    BRAID_ASSIGN(const SentencePieceModel model, ReadSentencePieceModel(text));
    return MakeTokenizer(model.spec);
  }
  SpecBuilder builder;
  if (path.ends_with(".txt")) {
    ReadRwkvList(text, builder);
  } else {
    ReadTokenizerJson(text, pre, builder);
  }
  return MakeTokenizer(builder.spec());
}

}  // namespace braid
