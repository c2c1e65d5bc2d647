#include "convert/plain_tokenizer.h"

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <unordered_set>
#include <vector>

#include "base/format.h"
#include "convert/pipeline_draft.h"
#include "convert/pre_tokenizer.h"
#include "convert/tokenizer_json.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/normalize.h"
#include "tokenizer/step_sequence.h"

namespace braid::convert {

namespace {

// A part of a tokenizer.json: its name, and that of a Sequence's list.
struct Part {
  std::string_view name;
  std::string_view list;
};
constexpr Part kNormalizer = {"normalizer", "normalizers"};
constexpr Part kPreTokenizer = {"pre_tokenizer", "pretokenizers"};
constexpr Part kDecoder = {"decoder", "decoders"};

std::string_view TypeOf(const Json& step) {
  const std::string* type = step["type"].Text();
  return type == nullptr ? std::string_view() : *type;
}

std::vector<const Json*> StepsOf(const Json& tokenizer, const Part& part) {
  auto steps = FlattenSteps(tokenizer[part.name], part.name, part.list);
  // What is no step is refused where the pipeline is read.
  if (!steps.ok()) return {&tokenizer[part.name]};
  return std::move(*steps);
}

// "normalizer Lowercase", "normalizer Strip, NFC".
std::string Describe(const Json& tokenizer, const Part& part) {
  std::string text(part.name);
  std::string_view separator = " ";
  for (const Json* step : StepsOf(tokenizer, part)) {
    text += Format("{}{}", separator, TypeOf(*step));
    separator = ", ";
  }
  return text == part.name ? Format("no {}", part.name) : text;
}

// A step on one line: its type, then its options by name, but for those that
// are null or touch offsets only.
std::string StepText(const Json& step) {
  std::vector<std::string> options;
  for (const auto& [name, value] : step.Members()) {
    const bool counts = name != "type" && name != "trim_offsets" &&
                        name != "str_rep" && !value.IsNull();
    if (counts) options.push_back(Format(" {}={}", name, WriteJson(value)));
  }
  std::ranges::sort(options);
  std::string text(TypeOf(step));
  for (const std::string& option : options) text += option;
  return text;
}

using Texts = std::vector<std::string>;

bool IsOneOf(const Json& tokenizer, const Part& part,
             std::initializer_list<Texts> known) {
  Texts texts;
  for (const Json* step : StepsOf(tokenizer, part)) {
    texts.push_back(StepText(*step));
  }
  return std::ranges::find(known, texts) != known.end();
}

// Steps that vocabularies made from SentencePiece models have.
const std::string kMarkSpaces = R"(Replace content="▁" pattern={"String":" "})";
const std::string kUnmarkSpaces =
    R"(Replace content=" " pattern={"String":"▁"})";
const std::string kPrependMark = R"(Prepend prepend="▁")";

bool IsEmptyText(const Json& value) {
  return value.IsNull() || (value.Text() != nullptr && value.Text()->empty());
}

bool HasAll(const std::unordered_set<std::string_view>& texts,
            std::string (*text_of)(uint8_t)) {
  for (int byte = 0; byte < 256; ++byte) {
    if (!texts.contains(text_of(static_cast<uint8_t>(byte)))) return false;
  }
  return true;
}

std::string ByteCharacter(uint8_t byte) {
  std::string text;
  AppendByteCharacter(byte, text);
  return text;
}

std::unordered_set<std::string_view> VocabularyTexts(const Json& model) {
  std::unordered_set<std::string_view> texts;
  for (const auto& [text, id] : model["vocab"].Members()) texts.insert(text);
  for (const Json& piece : model["vocab"].Elements()) {
    if (!piece.Elements().empty() && piece.Elements()[0].Text() != nullptr) {
      texts.insert(*piece.Elements()[0].Text());
    }
  }
  return texts;
}

// Flags of added tokens, which GGUF has no keys for. `normalizes`: is a token
// that is looked for in the normalized text found elsewhere than in the text
// itself?
std::string AddedTokensReason(const Json& tokenizer, bool normalizes) {
  for (const Json& token : tokenizer["added_tokens"].Elements()) {
    const std::string* content = token["content"].Text();
    for (const std::string_view flag :
         {"single_word", "lstrip", "rstrip", "normalized"}) {
      if (flag == "normalized" && !normalizes) continue;
      if (token[flag].Bool().value_or(false)) {
        return Format("added token \"{}\" with {}",
                      content == nullptr ? std::string() : *content, flag);
      }
    }
  }
  return {};
}

// GGUF's readers look for added tokens in the text as it is, with spaces for
// their marks, and `tokenizers` for the marks themselves.
std::string MarkedTokensReason(const Json& tokenizer) {
  for (const Json& token : tokenizer["added_tokens"].Elements()) {
    const std::string* content = token["content"].Text();
    if (content != nullptr && content->find(kSpaceMark) != content->npos) {
      return Format("added token \"{}\" with a mark for spaces", *content);
    }
  }
  return {};
}

// GGUF's readers decode an added token to its text, and `tokenizers` to the
// bytes that its characters stand for, if each stands for one.
std::string SpelledTokensReason(const Json& tokenizer) {
  for (const Json& token : tokenizer["added_tokens"].Elements()) {
    const std::string* content = token["content"].Text();
    std::string bytes;
    if (content != nullptr && AppendBytesOf(*content, bytes) &&
        bytes != *content) {
      return Format("added token \"{}\", which is decoded to bytes", *content);
    }
  }
  return {};
}

// Options of BPE that no key of GGUF stands for.
// GGUF's readers look for added tokens before NFC, and `tokenizers` behind it
// for the NFC of those that are not to be found in the text as it is: a
// difference where a token's text can be written in two ways.
std::string ComposedTokensReason(const Json& tokenizer) {
  for (const Json& token : tokenizer["added_tokens"].Elements()) {
    const std::string* content = token["content"].Text();
    const bool special = token["special"].Bool().value_or(false);
    if (content == nullptr || !token["normalized"].Bool().value_or(!special)) {
      continue;
    }
    for (const NormalForm form : {NormalForm::kC, NormalForm::kD}) {
      std::string other;
      Normalize(form, *content, other);
      if (other != *content) {
        return Format("added token \"{}\", which NFC may change", *content);
      }
    }
  }
  return {};
}

std::string BpeReason(const Json& model) {
  const std::optional<double> dropout = model["dropout"].Number();
  if (dropout.value_or(0) != 0) return "model BPE with dropout";
  for (const std::string_view option :
       {"continuing_subword_prefix", "end_of_word_suffix"}) {
    if (!IsEmptyText(model[option])) return Format("model BPE with {}", option);
  }
  return {};
}

std::string ByteLevelReason(const Json& tokenizer) {
  const Json& model = tokenizer["model"];
  if (!IsOneOf(tokenizer, kNormalizer, {{}, {"NFC"}})) {
    return Describe(tokenizer, kNormalizer);
  }
  if (!RecognisePreTokenizer(tokenizer).ok()) {
    return Describe(tokenizer, kPreTokenizer);
  }
  if (std::string reason = BpeReason(model); !reason.empty()) return reason;
  const auto texts = VocabularyTexts(model);
  const bool has_bytes = HasAll(texts, ByteCharacter);
  if (!model["unk_token"].IsNull() && !has_bytes) {
    return "model BPE with unk_token";
  }
  if (model["byte_fallback"].Bool().value_or(false) && !has_bytes) {
    return "model BPE with byte_fallback";
  }
  const auto decoder = StepsOf(tokenizer, kDecoder);
  if (decoder.size() != 1 || TypeOf(*decoder[0]) != "ByteLevel") {
    return Describe(tokenizer, kDecoder);
  }
  if (std::string reason = SpelledTokensReason(tokenizer); !reason.empty()) {
    return reason;
  }
  if (!StepsOf(tokenizer, kNormalizer).empty()) {
    std::string reason = ComposedTokensReason(tokenizer);
    if (!reason.empty()) return reason;
  }
  return AddedTokensReason(tokenizer, false);
}

// What a Metaspace step does, if that can be said plainly.
struct Metaspace {
  bool prepends;
  bool splits;
};
std::optional<Metaspace> ReadMetaspace(const Json& step) {
  const std::string* mark = step["replacement"].Text();
  const std::string* scheme = step["prepend_scheme"].Text();
  if (TypeOf(step) != "Metaspace" || mark == nullptr || *mark != kSpaceMark) {
    return std::nullopt;
  }
  // "first": not behind a special token, which no key can say.
  if (scheme != nullptr && *scheme == "first") return std::nullopt;
  const bool prepends = scheme == nullptr
                            ? step["add_prefix_space"].Bool().value_or(true)
                            : *scheme == "always";
  return Metaspace{prepends, step["split"].Bool().value_or(true)};
}

// Are spaces marked as SentencePiece marks them?
bool MarksSpaces(const Json& tokenizer,
                 const std::unordered_set<std::string_view>& texts) {
  const auto steps = StepsOf(tokenizer, kPreTokenizer);
  if (IsOneOf(tokenizer, kNormalizer,
              {{kMarkSpaces}, {kPrependMark, kMarkSpaces}})) {
    // Gemma's, which finds nothing: there are no spaces left.
    return IsOneOf(
        tokenizer, kPreTokenizer,
        {{},
         {R"(Split behavior="MergedWithPrevious" invert=false pattern={"String":" "})"}});
  }
  if (!IsOneOf(tokenizer, kNormalizer, {{}}) || steps.size() != 1) return false;
  const std::optional<Metaspace> metaspace = ReadMetaspace(*steps[0]);
  if (!metaspace) return false;
  // Splitting forbids what merging does not only where tokens span words.
  return !metaspace->splits ||
         std::ranges::none_of(texts, [](std::string_view text) {
           return text.find(kSpaceMark, 1) != text.npos;
         });
}

// "A B" or ["A", "B"] as one text with a line feed between.
std::string MergeText(const Json& merge) {
  if (const std::string* text = merge.Text()) {
    const size_t space = text->find(' ', 1);
    if (space == text->npos) return {};
    return Format("{}\n{}", text->substr(0, space), text->substr(space + 1));
  }
  const auto halves = merge.Elements();
  const bool is_pair = halves.size() == 2 && halves[0].Text() != nullptr &&
                       halves[1].Text() != nullptr;
  return is_pair ? Format("{}\n{}", *halves[0].Text(), *halves[1].Text())
                 : std::string();
}

// SentencePiece merges any two tokens that together are one, best score first:
// the list must have all such pairs, those of one token one after another.
bool AreScores(const Json& model,
               const std::unordered_set<std::string_view>& texts) {
  std::unordered_set<std::string> merges;
  std::unordered_set<std::string> finished;
  std::string current;
  for (const Json& merge : model["merges"].Elements()) {
    std::string text = MergeText(merge);
    std::string merged = text;
    std::erase(merged, '\n');
    if (merged != current) {
      if (!finished.insert(merged).second) return false;
      current = merged;
    }
    merges.insert(std::move(text));
  }
  std::string pair;
  for (const std::string_view text : texts) {
    for (size_t at = 1; at < text.size(); ++at) {
      if ((static_cast<uint8_t>(text[at]) & 0xC0) == 0x80) continue;
      if (!texts.contains(text.substr(0, at))) continue;
      if (!texts.contains(text.substr(at))) continue;
      pair.assign(text.substr(0, at)).append("\n").append(text.substr(at));
      if (!merges.contains(pair)) return false;
    }
  }
  return true;
}

std::string SentencePieceLikeReason(const Json& tokenizer) {
  const Json& model = tokenizer["model"];
  const auto texts = VocabularyTexts(model);
  if (!MarksSpaces(tokenizer, texts)) {
    return Format("{}, {}", Describe(tokenizer, kNormalizer),
                  Describe(tokenizer, kPreTokenizer));
  }
  if (std::string reason = BpeReason(model); !reason.empty()) return reason;
  if (std::string reason = MarkedTokensReason(tokenizer); !reason.empty()) {
    return reason;
  }
  if (model["ignore_merges"].Bool().value_or(false)) {
    return "model BPE with ignore_merges";
  }
  if (!model["byte_fallback"].Bool().value_or(false) ||
      !HasAll(texts, ByteTokenText)) {
    return "model BPE without tokens for all bytes";
  }
  if (!AreScores(model, texts)) {
    return "model BPE with merges that are no scores";
  }
  const std::string strip = R"(Strip content=" " start=1 stop=0)";
  if (!IsOneOf(tokenizer, kDecoder,
               {{kUnmarkSpaces, "ByteFallback", "Fuse"},
                {kUnmarkSpaces, "ByteFallback", "Fuse", strip}})) {
    return Describe(tokenizer, kDecoder);
  }
  // GGUF's readers take a space away only where they have put one.
  if (IsOneOf(tokenizer, kNormalizer, {{kMarkSpaces}}) &&
      StepsOf(tokenizer, kPreTokenizer).empty() &&
      StepsOf(tokenizer, kDecoder).size() == 4) {
    return Describe(tokenizer, kDecoder);
  }
  const bool prepends =
      IsOneOf(tokenizer, kNormalizer, {{kPrependMark, kMarkSpaces}});
  return AddedTokensReason(tokenizer, prepends);
}

// Does a step squeeze runs of spaces, as SentencePiece does?
bool SqueezesSpaces(const Json& tokenizer) {
  const std::string precompiled = "Precompiled";
  Texts texts;
  for (const Json* step : StepsOf(tokenizer, kNormalizer)) {
    texts.push_back(TypeOf(*step) == precompiled ? precompiled
                                                 : StepText(*step));
  }
  const auto steps = StepsOf(tokenizer, kPreTokenizer);
  const bool splits = !steps.empty() && TypeOf(*steps[0]) == "WhitespaceSplit";
  const auto metaspace =
      steps.empty() ? std::nullopt : ReadMetaspace(*steps.back());
  if (!metaspace || !metaspace->prepends || !metaspace->splits ||
      steps.size() != (splits ? 2 : 1)) {
    return false;
  }
  const std::string squeeze =
      R"(Replace content=" " pattern={"Regex":" {2,}"})";
  const std::string marked = R"(Replace content="▁" pattern={"Regex":" {2,}"})";
  const std::string trim = "Strip strip_left=false strip_right=true";
  if (splits && texts == Texts{precompiled}) return true;
  return texts == Texts{precompiled, squeeze} ||
         texts == Texts{precompiled, trim, marked};
}

std::string UnigramReason(const Json& tokenizer) {
  const Json& model = tokenizer["model"];
  if (!SqueezesSpaces(tokenizer)) {
    return Format("{}, {}", Describe(tokenizer, kNormalizer),
                  Describe(tokenizer, kPreTokenizer));
  }
  const auto texts = VocabularyTexts(model);
  if (model["byte_fallback"].Bool().value_or(false) !=
      HasAll(texts, ByteTokenText)) {
    return "model Unigram with byte_fallback";
  }
  if (model["unk_id"].IsNull()) return "model Unigram without unk_id";
  for (const Json& piece : model["vocab"].Elements()) {
    const auto pair = piece.Elements();
    const double score = pair.size() == 2 ? pair[1].Number().value_or(0) : 0;
    if (static_cast<double>(static_cast<float>(score)) != score) {
      return "model Unigram with scores that are no floats";
    }
  }
  const auto decoder = StepsOf(tokenizer, kDecoder);
  if (decoder.size() != 1 || !ReadMetaspace(*decoder[0])) {
    return Describe(tokenizer, kDecoder);
  }
  return AddedTokensReason(tokenizer, true);
}

std::string WordPieceReason(const Json& tokenizer) {
  const Json& model = tokenizer["model"];
  const auto normalizer = StepsOf(tokenizer, kNormalizer);
  const bool is_bert =
      normalizer.size() == 1 && TypeOf(*normalizer[0]) == "BertNormalizer" &&
      (*normalizer[0])["clean_text"].Bool().value_or(true) &&
      (*normalizer[0])["handle_chinese_chars"].Bool().value_or(true);
  if (!is_bert) return Describe(tokenizer, kNormalizer);
  if (!IsOneOf(tokenizer, kPreTokenizer, {{"BertPreTokenizer"}})) {
    return Describe(tokenizer, kPreTokenizer);
  }
  const std::string* prefix = model["continuing_subword_prefix"].Text();
  if (prefix != nullptr && *prefix != "##") {
    return "model WordPiece with continuing_subword_prefix";
  }
  if (model["max_input_chars_per_word"].Int().value_or(100) != 100) {
    return "model WordPiece with max_input_chars_per_word";
  }
  if (!IsOneOf(tokenizer, kDecoder,
               {{R"(WordPiece cleanup=true prefix="##")"}})) {
    return Describe(tokenizer, kDecoder);
  }
  return AddedTokensReason(tokenizer, true);
}

}  // namespace

std::string FindUnspeakable(const Json& tokenizer) {
  const std::string type = ModelType(tokenizer["model"]);
  if (type == "BPE") {
    return IsByteLevel(tokenizer) ? ByteLevelReason(tokenizer)
                                  : SentencePieceLikeReason(tokenizer);
  }
  if (type == "Unigram") return UnigramReason(tokenizer);
  if (type == "WordPiece") return WordPieceReason(tokenizer);
  return Format("model {}", type);
}

}  // namespace braid::convert
