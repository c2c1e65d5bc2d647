#include <nlohmann/json.hpp>

#include "tests/golden/tokenizer/foreign_vocabularies.h"
#include "tokenizer/byte_text.h"

namespace braid {

namespace {

using nlohmann::json;

TokenType AddedType(const json& added) {
  return added.at("special").get<bool>() ? TokenType::kControl
                                         : TokenType::kUserDefined;
}

bool IsSpaceMarks(std::string_view text) {
  while (text.starts_with(kSpaceMark)) text.remove_prefix(kSpaceMark.size());
  return text.empty();
}

void ReadMerges(const json& model, SpecBuilder& builder) {
  for (const json& merge : model.at("merges")) {
    builder.spec().merges.push_back(
        builder.Own(merge.is_array() ? merge.at(0).get<std::string>() + " " +
                                           merge.at(1).get<std::string>()
                                     : merge.get<std::string>()));
  }
}

// SentencePiece's scores, which the file lacks, fall from merge to merge.
void ScoreByMerges(const json& model, SpecBuilder& builder) {
  float score = 0;
  for (const std::string_view merge : builder.spec().merges) {
    const size_t space = merge.find(' ', 1);
    const std::string text = std::string(merge.substr(0, space)) +
                             std::string(merge.substr(space + 1));
    float& stored =
        builder.spec().scores[model.at("vocab").at(text).get<size_t>()];
    if (stored == 0) stored = --score;
  }
}

void ReadByteLevel(const json& tokenizer, SpecBuilder& builder) {
  builder.spec().model = "gpt2";
  for (const auto& [text, id] : tokenizer.at("model").at("vocab").items()) {
    builder.SetToken(id.get<size_t>(), text, TokenType::kNormal);
  }
  for (const json& added : tokenizer.at("added_tokens")) {
    builder.SetToken(added.at("id").get<size_t>(),
                     added.at("content").get<std::string>(), AddedType(added));
  }
  ReadMerges(tokenizer.at("model"), builder);
}

void ReadByteFallback(const json& tokenizer, std::string_view pre,
                      SpecBuilder& builder) {
  const json& model = tokenizer.at("model");
  builder.spec().model = pre == "gemma4" ? "gemma4" : "llama";
  builder.spec().add_space_prefix = false;
  for (const auto& [text, id] : model.at("vocab").items()) {
    const bool is_byte = ParseByteToken(text).has_value();
    builder.SetToken(id.get<size_t>(), text,
                     is_byte ? TokenType::kByte : TokenType::kNormal);
  }
  for (const json& added : tokenizer.at("added_tokens")) {
    const std::string text = added.at("content").get<std::string>();
    // Runs of the mark: `tokenizers` looks for them in the text as it is, where
    // spaces are spaces, and gets them by merging.
    if (IsSpaceMarks(text)) continue;
    builder.SetToken(added.at("id").get<size_t>(), text, AddedType(added),
                     -1000);
  }
  builder.SetId(TokenRole::kUnknown,
                model.at("vocab").at(model.at("unk_token").get<std::string>()));
  ReadMerges(model, builder);
  ScoreByMerges(model, builder);
}

// Words get the mark, continuations lose theirs; "[unused5]" stays.
std::string WordPieceText(const std::string& text) {
  if (text.starts_with("##")) return text.substr(2);
  if (text.size() > 1 && text.starts_with('[') && text.ends_with(']')) {
    return text;
  }
  return std::string(kSpaceMark) + text;
}

void ReadWordPiece(const json& tokenizer, SpecBuilder& builder) {
  builder.spec().model = "bert";
  builder.spec().lowercase = tokenizer.at("normalizer").at("lowercase");
  const json& model = tokenizer.at("model");
  for (const auto& [text, id] : model.at("vocab").items()) {
    builder.SetToken(id.get<size_t>(), WordPieceText(text), TokenType::kNormal);
  }
  for (const json& added : tokenizer.at("added_tokens")) {
    builder.SetToken(added.at("id").get<size_t>(),
                     added.at("content").get<std::string>(), AddedType(added));
  }
  builder.SetId(TokenRole::kUnknown,
                model.at("vocab").at(model.at("unk_token").get<std::string>()));
}

}  // namespace

void ReadTokenizerJson(const std::string& text, std::string_view pre,
                       SpecBuilder& builder) {
  const json tokenizer = json::parse(text);
  builder.spec().pre = pre;
  const json& model = tokenizer.at("model");
  if (model.contains("max_input_chars_per_word")) {
    ReadWordPiece(tokenizer, builder);
  } else if (model.value("byte_fallback", false)) {
    ReadByteFallback(tokenizer, pre, builder);
  } else {
    ReadByteLevel(tokenizer, builder);
  }
}

}  // namespace braid
