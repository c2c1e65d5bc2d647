#include "tokenizer/pipeline_tokenizer.h"

#include <algorithm>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/pieces.h"
#include "tokenizer/pipeline.h"
#include "tokenizer/pipeline_model.h"
#include "tokenizer/special_tokens.h"
#include "tokenizer/utf8.h"
#include "tokenizer/vocabulary.h"
#include "tokenizer/word_piece_text.h"

namespace braid {

namespace {

// The texts of the tokens as tokenizer.json has them, and which of them are
// the model's.
Result<ModelVocabulary> MakeModelVocabulary(const Vocabulary& vocabulary,
                                            const Pipeline& pipeline) {
  const auto size = static_cast<size_t>(vocabulary.size());
  std::vector<std::string> unmarked(pipeline.texts_are_marked ? size : 0);
  std::vector<std::string_view> texts(size);
  std::vector<bool> in_model(size);
  std::vector<bool> control(size);
  for (TokenId token = 0; token < vocabulary.size(); ++token) {
    const auto i = static_cast<size_t>(token);
    const TokenType type = vocabulary.type(token);
    in_model[i] = type != TokenType::kUnused && type != TokenType::kUndefined;
    control[i] = type == TokenType::kControl;
    texts[i] = vocabulary.text(token);
    if (pipeline.texts_are_marked && type == TokenType::kNormal) {
      texts[i] = unmarked[i] = UnmarkedWordPiece(vocabulary.text(token));
    }
  }
  for (const TokenId token : pipeline.outside_model) {
    in_model[static_cast<size_t>(token)] = false;
  }
  for (const AddedToken& added : pipeline.added_tokens) {
    const auto i = static_cast<size_t>(added.id);
    control[i] = control[i] || added.special;
    texts[i] = added.content;
  }
  return ModelVocabulary::Make(texts, in_model, std::move(control));
}

// What is looked for in a text to find an added token.
std::string SoughtText(const Pipeline& pipeline, const AddedToken& token) {
  if (!token.normalized) return token.content;
  std::string storage;
  std::string scratch;
  return std::string(
      pipeline.normalizer.Apply({token.content}, storage, scratch).text);
}

// The added tokens that are looked for in the same text.
class AddedTokens {
 public:
  // In the normalized text, or in the text as it is.
  static Result<AddedTokens> Make(const Pipeline& pipeline, bool normalized,
                                  const ModelVocabulary& vocabulary) {
    std::vector<std::string> contents;
    contents.reserve(pipeline.added_tokens.size());
    std::vector<SpecialTokens::Entry> all;
    std::vector<SpecialTokens::Entry> ordinary;
    std::unordered_map<std::string, const AddedToken*> known;
    for (const AddedToken& token : pipeline.added_tokens) {
      if (token.normalized != normalized) continue;
      contents.push_back(SoughtText(pipeline, token));
      if (contents.back().empty()) {
        return Error{
            Format("{}: the added token \"{}\" is nothing once it "
                   "is normalized",
                   kPipelineKey, Excerpt(token.content))};
      }
      // Which one `tokenizers` finds differs from run to run.
      const auto [same, is_new] = known.emplace(contents.back(), &token);
      if (!is_new) {
        return Error{
            Format("{}: the added tokens \"{}\" and \"{}\" are the "
                   "same where they are looked for",
                   kPipelineKey, Excerpt(same->second->content),
                   Excerpt(token.content))};
      }
      const SpecialTokens::Entry entry = {contents.back(), token.id,
                                          StripOf(token), token.single_word};
      all.push_back(entry);
      if (!vocabulary.IsControl(token.id)) ordinary.push_back(entry);
    }
    return AddedTokens(SpecialTokens(all), SpecialTokens(ordinary));
  }

  std::vector<Fragment> Split(std::string_view text, bool special) const {
    return special ? all_.Split(text) : ordinary_.Split(text);
  }

 private:
  AddedTokens(SpecialTokens all, SpecialTokens ordinary)
      : all_(std::move(all)), ordinary_(std::move(ordinary)) {}

  static Strip StripOf(const AddedToken& token) {
    const int sides = (token.lstrip ? static_cast<int>(Strip::kLeft) : 0) |
                      (token.rstrip ? static_cast<int>(Strip::kRight) : 0);
    return static_cast<Strip>(sides);
  }

  SpecialTokens all_;
  SpecialTokens ordinary_;
};

class PipelineTokenizer : public Tokenizer {
 public:
  struct Parts {
    Vocabulary vocabulary;
    std::unique_ptr<const ModelVocabulary> texts;
    Pipeline pipeline;
    AddedTokens raw;
    AddedTokens normalized;
    std::unique_ptr<const PipelineModel> model;
  };
  explicit PipelineTokenizer(Parts parts)
      : parts_(std::move(parts)),
        hidden_(static_cast<size_t>(vocabulary_size())) {
    for (TokenId token = 0; token < vocabulary_size(); ++token) {
      hidden_[static_cast<size_t>(token)] = parts_.texts->IsControl(token);
    }
    for (const AddedToken& token : parts_.pipeline.added_tokens) {
      if (!token.normalized) continue;
      std::string text = SoughtText(parts_.pipeline, token);
      if (text != token.content) normal_texts_[token.id] = std::move(text);
    }
  }

  std::vector<TokenId> Encode(std::string_view text,
                              const EncodeOptions& options) const override {
    std::vector<TokenId> tokens;
    tokens.reserve(text.size() / 4 + 2);  // English has about 4 bytes a token
    EncodeText(text, options.parse_special, tokens);
    if (!options.add_special) return tokens;
    std::vector<TokenId> whole;
    whole.reserve(tokens.size() + parts_.pipeline.text_template.size());
    for (const TokenId part : parts_.pipeline.text_template) {
      if (part != kNoToken) {
        whole.push_back(part);
      } else {
        whole.insert(whole.end(), tokens.begin(), tokens.end());
      }
    }
    return whole;
  }

  std::string Piece(TokenId token,
                    const DecodeOptions& options) const override {
    if (!IsShown(token, options)) return {};
    return parts_.pipeline.decoder.DecodeInside(DecodedText(token));
  }

  std::string Decode(std::span<const TokenId> tokens,
                     const DecodeOptions& options) const override {
    std::vector<std::string> texts;
    for (const TokenId token : tokens) {
      if (IsShown(token, options)) texts.push_back(DecodedText(token));
    }
    return parts_.pipeline.decoder.Decode(std::move(texts));
  }

  int vocabulary_size() const override { return parts_.vocabulary.size(); }
  TokenId bos() const override { return parts_.vocabulary.id(TokenRole::kBos); }
  TokenId eos() const override { return parts_.vocabulary.id(TokenRole::kEos); }
  bool adds_bos() const override {
    const TextTemplate& parts = parts_.pipeline.text_template;
    return bos() != kNoToken && !parts.empty() && parts.front() == bos();
  }
  bool IsEndOfGeneration(TokenId token) const override {
    return Has(token) && parts_.vocabulary.IsEndOfGeneration(token);
  }
  bool IsControl(TokenId token) const override {
    return Has(token) && hidden_[static_cast<size_t>(token)];
  }
  std::string_view StoredText(TokenId token) const override {
    return Has(token) ? parts_.vocabulary.text(token) : std::string_view();
  }

 private:
  // What is used again from fragment to fragment.
  struct Scratch {
    std::string normal;
    std::string other;
    Pieces pieces;
    Pieces other_pieces;
    ModelScratch model;
  };

  bool Has(TokenId token) const {
    return token >= 0 && token < vocabulary_size();
  }
  // What the decoder gets for a token.
  std::string DecodedText(TokenId token) const {
    const auto found = normal_texts_.find(token);
    return found != normal_texts_.end()
               ? found->second
               : std::string(parts_.texts->text(token));
  }
  bool IsShown(TokenId token, const DecodeOptions& options) const {
    if (!Has(token)) return false;
    const TokenType type = parts_.vocabulary.type(token);
    if (type == TokenType::kUnused || type == TokenType::kUndefined) {
      return false;
    }
    return options.special || !hidden_[static_cast<size_t>(token)];
  }

  void EncodeText(std::string_view text, bool special,
                  std::vector<TokenId>& tokens) const {
    Scratch scratch;
    const braid::Piece whole = {text,
                                text.empty() ? 0 : DecodeUtf8(text, 0).length};
    ForEachFragment(whole, parts_.raw.Split(text, special), tokens,
                    [&](const braid::Piece& fragment) {
                      EncodeFragment(fragment, special, scratch, tokens);
                    });
  }

  void EncodeFragment(const braid::Piece& fragment, bool special,
                      Scratch& scratch, std::vector<TokenId>& tokens) const {
    const braid::Piece normal = parts_.pipeline.normalizer.Apply(
        fragment, scratch.normal, scratch.other);
    ForEachFragment(normal, parts_.normalized.Split(normal.text, special),
                    tokens, [&](const braid::Piece& part) {
                      EncodeNormal(part, special, scratch, tokens);
                    });
  }

  void EncodeNormal(const braid::Piece& part, bool special, Scratch& scratch,
                    std::vector<TokenId>& tokens) const {
    Pieces& pieces = scratch.pieces;
    parts_.pipeline.pre_tokenizer.Apply(part, pieces, scratch.other_pieces);
    for (size_t i = 0; i < pieces.size(); ++i) {
      parts_.model->Encode(pieces[i].text, special, scratch.model, tokens);
    }
  }

  // Appends the tokens among the fragments of `whole`, and hands the rest to
  // `encode`, in order.
  template <class Encode>
  static void ForEachFragment(const braid::Piece& whole,
                              const std::vector<Fragment>& fragments,
                              std::vector<TokenId>& tokens,
                              const Encode& encode) {
    for (const Fragment& fragment : fragments) {
      if (fragment.token != kNoToken) {
        tokens.push_back(fragment.token);
        continue;
      }
      const auto begin =
          static_cast<size_t>(fragment.text.data() - whole.text.data());
      encode(whole.Part(begin, begin + fragment.text.size()));
    }
  }

  Parts parts_;
  std::vector<bool> hidden_;
  // Of added tokens that normalizing changes: `tokenizers` decodes them to what
  // it looks for.
  std::unordered_map<TokenId, std::string> normal_texts_;
};

// Tokens that the file calls control or user-defined and the pipeline does not
// list: a folder may add some beside its tokenizer.json.
void AddUnlistedTokens(const TokenizerSpec& spec, Pipeline& pipeline) {
  std::vector<bool> listed(spec.tokens.size());
  for (const AddedToken& token : pipeline.added_tokens) {
    listed[static_cast<size_t>(token.id)] = true;
  }
  for (size_t i = 0; i < spec.types.size(); ++i) {
    const bool control =
        spec.types[i] == static_cast<int32_t>(TokenType::kControl);
    const bool user_defined =
        spec.types[i] == static_cast<int32_t>(TokenType::kUserDefined);
    if (listed[i] || (!control && !user_defined) || spec.tokens[i].empty()) {
      continue;
    }
    pipeline.added_tokens.push_back({.id = static_cast<TokenId>(i),
                                     .content = std::string(spec.tokens[i]),
                                     .special = control});
  }
}

Status CheckIds(const Pipeline& pipeline, int tokens) {
  const auto check = [tokens](std::string_view part, TokenId id) -> Status {
    if (id < tokens) return {};
    return Error{Format("{}: {}: id {} is not in the vocabulary of {} tokens",
                        kPipelineKey, part, id, tokens)};
  };
  for (const AddedToken& token : pipeline.added_tokens) {
    BRAID_TRY(check("added_tokens", token.id));
  }
  for (const TokenId id : pipeline.outside_model) {
    BRAID_TRY(check("outside_model", id));
  }
  for (const TokenId id : pipeline.text_template) {
    BRAID_TRY(check("post_processor", id));
  }
  return {};
}

}  // namespace

Result<std::unique_ptr<Tokenizer>> MakePipelineTokenizer(
    const TokenizerSpec& spec) {
  BRAID_ASSIGN(Vocabulary vocabulary, Vocabulary::Make(spec));
  Result<Pipeline> pipeline = Pipeline::Read(spec.pipeline);
  if (!pipeline.ok()) {
    return Error{Format("{}: {}", kPipelineKey, pipeline.error().message)};
  }
  BRAID_TRY(CheckIds(*pipeline, vocabulary.size()));
  AddUnlistedTokens(spec, *pipeline);
  BRAID_ASSIGN(ModelVocabulary model_vocabulary,
               MakeModelVocabulary(vocabulary, *pipeline));
  auto texts =
      std::make_unique<const ModelVocabulary>(std::move(model_vocabulary));
  Result<std::unique_ptr<const PipelineModel>> model = ReadPipelineModel(
      pipeline->model, {texts.get(), spec.merges, spec.scores});
  if (!model.ok()) {
    return Error{Format("{}: {}", kPipelineKey, model.error().message)};
  }
  BRAID_ASSIGN(AddedTokens raw, AddedTokens::Make(*pipeline, false, *texts));
  BRAID_ASSIGN(AddedTokens normalized,
               AddedTokens::Make(*pipeline, true, *texts));
  pipeline->model = Json();
  return std::unique_ptr<Tokenizer>(
      std::make_unique<PipelineTokenizer>(PipelineTokenizer::Parts{
          std::move(vocabulary), std::move(texts), std::move(*pipeline),
          std::move(raw), std::move(normalized), std::move(*model)}));
}

}  // namespace braid
