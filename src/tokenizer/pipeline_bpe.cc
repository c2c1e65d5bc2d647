// Byte-pair encoding over characters, with the options of `tokenizers`.
#include <algorithm>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/merge_table.h"
#include "tokenizer/pipeline_model_kinds.h"
#include "tokenizer/spec.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

// Positions inside a piece are 32-bit: a longer piece is cut here.
constexpr size_t kLongestPiece = size_t{1} << 30;

using Halves = std::pair<std::string_view, std::string_view>;

// From "merges" of the pipeline if it is there, else from the file's list.
Result<std::vector<Halves>> ReadHalves(StepOptions& options,
                                       const ModelParts& parts) {
  std::vector<Halves> merges;
  const Json& pairs = options.Value("merges");
  if (pairs.IsNull()) {
    for (const std::string_view merge : parts.merges) {
      merges.push_back(MergeHalves(merge));
    }
  } else if (!pairs.IsArray()) {
    return Error{Format("merges: expected an array, found {}", pairs.Kind())};
  }
  for (const Json& pair : pairs.Elements()) {
    const auto halves = pair.Elements();
    const bool is_pair = halves.size() == 2 && halves[0].Text() != nullptr &&
                         halves[1].Text() != nullptr;
    merges.push_back(is_pair ? Halves(*halves[0].Text(), *halves[1].Text())
                             : Halves());
  }
  if (merges.size() >= kNoMerge) {
    return Error{Format("merges: {}, at most {}", merges.size(), kNoMerge - 1)};
  }
  return merges;
}

// The right half of a merge stands inside a word and has the prefix, which is
// `prefix` bytes long; the merged token has it only once.
Result<MergeTable> ReadMerges(const std::vector<Halves>& merges, size_t prefix,
                              const ModelVocabulary& vocabulary) {
  MergeTable table(merges.size());
  std::string merged;
  // Of merges of the same pair the last counts.
  for (size_t rank = merges.size(); rank-- > 0;) {
    const auto& [left, right] = merges[rank];
    if (left.empty() || right.size() < prefix) {
      return Error{Format("merges: number {} is not a pair", rank)};
    }
    merged.assign(left).append(right.substr(prefix));
    const TokenId tokens[] = {vocabulary.Find(left), vocabulary.Find(right),
                              vocabulary.Find(merged)};
    if (std::ranges::find(tokens, kNoToken) != std::end(tokens)) {
      return Error{
          Format("merges: number {}, \"{}\" and \"{}\", is of or into a text "
                 "that is not in the vocabulary",
                 rank, Excerpt(left), Excerpt(right))};
    }
    table.Add(tokens[0], tokens[1], {static_cast<uint32_t>(rank), tokens[2]});
  }
  return table;
}

struct BpeOptions {
  TokenId unknown = kNoToken;
  bool fuse_unknown = false;
  bool byte_fallback = false;
  bool ignore_merges = false;
  std::string prefix;  // of characters inside a word
  std::string suffix;  // of a word's last character
};

class PipelineBpe : public PipelineModel {
 public:
  PipelineBpe(BpeOptions options, const ModelVocabulary& vocabulary,
              MergeTable merges)
      : options_(std::move(options)),
        vocabulary_(vocabulary),
        merges_(std::move(merges)),
        byte_tokens_(vocabulary.FindByteTokens()) {
    FindWholeTokens();
  }

  void Encode(std::string_view piece, bool control, ModelScratch& scratch,
              std::vector<TokenId>& tokens) const override {
    const TokenId whole = vocabulary_.Find(piece);
    if (whole != kNoToken && whole_[static_cast<size_t>(whole)] &&
        (control || !vocabulary_.IsControl(whole))) {
      tokens.push_back(whole);
      return;
    }
    for (; piece.size() > kLongestPiece; piece.remove_prefix(kLongestPiece)) {
      Merge(piece.substr(0, kLongestPiece), control, scratch, tokens);
    }
    Merge(piece, control, scratch, tokens);
  }

 private:
  void Merge(std::string_view piece, bool control, ModelScratch& scratch,
             std::vector<TokenId>& tokens) const {
    FillSymbols(piece, control, scratch);
    scratch.loop.Run([this, control](const Symbol& left, const Symbol& right) {
      const braid::Merge merge = merges_.Find(left.token, right.token);
      const bool allowed = control || merge.rank == kNoMerge ||
                           !vocabulary_.IsControl(merge.token);
      return allowed ? merge : braid::Merge();
    });
    for (const Symbol& symbol : scratch.loop.symbols()) {
      tokens.push_back(symbol.token);
    }
  }

  // The tokens of the piece's characters. As in `tokenizers`, an unknown token
  // waits for the next character that has a token of its own, so that the
  // bytes of one between come before it.
  void FillSymbols(std::string_view piece, bool control,
                   ModelScratch& scratch) const {
    std::vector<Symbol>& symbols = scratch.loop.symbols();
    symbols.clear();
    bool unknown_waits = false;
    const auto flush = [&](uint32_t at) {
      if (unknown_waits) symbols.push_back({at, 0, options_.unknown});
      unknown_waits = false;
    };
    for (uint32_t at = 0; at < piece.size();) {
      const uint32_t length = DecodeUtf8(piece, at).length;
      const bool last = at + length == piece.size();
      const std::string_view text =
          SymbolText(piece.substr(at, length), at == 0, last, scratch.text);
      const TokenId token = vocabulary_.Find(text);
      if (token != kNoToken && (control || !vocabulary_.IsControl(token))) {
        flush(at);
        symbols.push_back({at, length, token});
      } else if (!AppendBytes(text, at, symbols) &&
                 options_.unknown != kNoToken) {
        if (!options_.fuse_unknown) flush(at);
        unknown_waits = true;
      }
      at += length;
    }
    flush(static_cast<uint32_t>(piece.size()));
  }

  // A character as the vocabulary writes it at this place of a word; `storage`
  // holds it if it is another text.
  std::string_view SymbolText(std::string_view character, bool first, bool last,
                              std::string& storage) const {
    const std::string_view prefix =
        first ? std::string_view() : std::string_view(options_.prefix);
    const std::string_view suffix =
        last ? std::string_view(options_.suffix) : std::string_view();
    if (prefix.empty() && suffix.empty()) return character;
    storage.assign(prefix).append(character).append(suffix);
    return storage;
  }

  bool AppendBytes(std::string_view text, uint32_t at,
                   std::vector<Symbol>& symbols) const {
    if (!options_.byte_fallback) return false;
    for (const char byte : text) {
      if (byte_tokens_[static_cast<uint8_t>(byte)] == kNoToken) return false;
    }
    for (const char byte : text) {
      symbols.push_back({at, 1, byte_tokens_[static_cast<uint8_t>(byte)]});
    }
    return true;
  }

  // Most pieces of a text are tokens. Those that merging its own text leads
  // back to need no merging: found out once, here.
  void FindWholeTokens() {
    whole_.assign(static_cast<size_t>(vocabulary_.size()),
                  options_.ignore_merges);
    if (options_.ignore_merges) return;
    ModelScratch scratch;
    std::vector<TokenId> tokens;
    for (TokenId token = 0; token < vocabulary_.size(); ++token) {
      const std::string_view text = vocabulary_.text(token);
      if (vocabulary_.Find(text) != token || text.size() > kLongestPiece) {
        continue;
      }
      tokens.clear();
      Merge(text, true, scratch, tokens);
      whole_[static_cast<size_t>(token)] =
          tokens.size() == 1 && tokens[0] == token;
    }
  }

  BpeOptions options_;
  const ModelVocabulary& vocabulary_;
  MergeTable merges_;
  std::array<TokenId, 256> byte_tokens_;
  std::vector<bool> whole_;
};

}  // namespace

MadeModel MakePipelineBpe(StepOptions& options, const ModelParts& parts) {
  const Json& dropout = options.Value("dropout");
  if (!dropout.IsNull() && dropout.Number() != 0.0) {
    return Error{"dropout is not supported: tokens would be drawn at random"};
  }
  BpeOptions bpe;
  BRAID_ASSIGN(bpe.unknown, ReadUnknownToken(options, parts, ""));
  bpe.fuse_unknown = options.Flag("fuse_unk", false);
  bpe.byte_fallback = options.Flag("byte_fallback", false);
  bpe.ignore_merges = options.Flag("ignore_merges", false);
  bpe.prefix = options.Text("continuing_subword_prefix", "");
  bpe.suffix = options.Text("end_of_word_suffix", "");
  BRAID_ASSIGN(const std::vector<Halves> halves, ReadHalves(options, parts));
  BRAID_ASSIGN(MergeTable merges,
               ReadMerges(halves, bpe.prefix.size(), *parts.vocabulary));
  return MadeModel(std::make_unique<PipelineBpe>(
      std::move(bpe), *parts.vocabulary, std::move(merges)));
}

}  // namespace braid
