#include "tokenizer/pipeline_normalizer.h"

#include <utf8proc.h>

#include <algorithm>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/base64.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/charsmap.h"
#include "tokenizer/normalize.h"
#include "tokenizer/pipeline_tables.h"
#include "tokenizer/step_options.h"
#include "tokenizer/step_sequence.h"
#include "tokenizer/text_pattern.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

using Made = Result<std::unique_ptr<NormalizerStep>>;

// Calls append(code_point) for characters, and keeps bytes that are none.
template <class AppendCharacter>
void RewriteCharacters(std::string_view text, std::string& out,
                       const AppendCharacter& append) {
  out.clear();
  for (size_t at = 0; at < text.size();) {
    const Utf8Char character = DecodeUtf8(text, at);
    if (character.valid) {
      append(character.code_point);
    } else {
      out += text[at];
    }
    at += character.length;
  }
}

// The lower case of one character: Unicode's full mapping, without context.
void AppendLowered(uint32_t c, std::string& out) {
  if (c < 0x80) {
    out += static_cast<char>(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
  } else if (c == 0x130) {
    // The one character whose lower case is two (SpecialCasing).
    out += "i\u0307";
  } else {
    AppendUtf8(static_cast<uint32_t>(utf8proc_tolower(static_cast<int32_t>(c))),
               out);
  }
}

void Lowercase(std::string_view text, std::string& out) {
  RewriteCharacters(text, out, [&](uint32_t c) { AppendLowered(c, out); });
}

// Without the characters of a table.
void Drop(std::span<const CodePointRange> dropped, std::string_view text,
          std::string& out) {
  RewriteCharacters(text, out, [&](uint32_t c) {
    if (c < 0x80 || !IsIn(dropped, c)) AppendUtf8(c, out);
  });
}

// SentencePiece's rules for machine translation: some control characters go,
// others and some marks become spaces.
void Nmt(std::string_view text, std::string& out) {
  RewriteCharacters(text, out, [&](uint32_t c) {
    const bool dropped = (c >= 0x01 && c <= 0x08) || c == 0x0B ||
                         (c >= 0x0E && c <= 0x1F) || c == 0x7F || c == 0x8F ||
                         c == 0x9F;
    if (dropped) return;
    const bool space = c == 0x09 || c == 0x0A || c == 0x0C || c == 0x0D ||
                       c == 0x1680 || (c >= 0x200B && c <= 0x200F) ||
                       c == 0x2028 || c == 0x2029 || c == 0x2581 ||
                       c == 0xFEFF || c == 0xFFFD;
    AppendUtf8(space ? ' ' : c, out);
  });
}

void StripAccents(std::string_view text, std::string& out) {
  Drop(pipeline_tables::kMark, text, out);
}

void ToByteCharacters(std::string_view text, std::string& out) {
  out.clear();
  for (const char byte : text) {
    AppendByteCharacter(static_cast<uint8_t>(byte), out);
  }
}

template <NormalForm form>
void ToForm(std::string_view text, std::string& out) {
  Normalize(form, text, out);
}

// A step without options.
template <void (*rewrite)(std::string_view text, std::string& out)>
class PlainStep : public NormalizerStep {
 public:
  static Made Make(StepOptions&) {
    return std::unique_ptr<NormalizerStep>(std::make_unique<PlainStep>());
  }
  void Apply(std::string_view text, std::string& out) const override {
    rewrite(text, out);
  }
};

class StripStep : public NormalizerStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<StripStep>();
    step->left_ = options.Flag("strip_left", true);
    step->right_ = options.Flag("strip_right", true);
    return std::unique_ptr<NormalizerStep>(std::move(step));
  }
  void Apply(std::string_view text, std::string& out) const override {
    const auto [begin, end] = Kept(text);
    out = text.substr(begin, end - begin);
  }
  size_t OriginAfter(std::string_view text, size_t origin, std::string_view out,
                     std::string&) const override {
    const size_t begin = Kept(text).begin;
    return std::min(origin > begin ? origin - begin : 0, out.size());
  }

 private:
  struct Range {
    size_t begin;
    size_t end;
  };
  Range Kept(std::string_view text) const {
    size_t begin = text.size();  // of what is not white space
    size_t end = 0;
    for (size_t at = 0; at < text.size();) {
      const Utf8Char character = DecodeUtf8(text, at);
      const size_t next = at + character.length;
      if (!character.valid || !IsWhiteSpace(character.code_point)) {
        begin = std::min(begin, at);
        end = next;
      }
      at = next;
    }
    if (!left_) begin = 0;
    if (!right_) end = text.size();
    return {std::min(begin, end), end};
  }

  bool left_ = true;
  bool right_ = true;
};

class ReplaceStep : public NormalizerStep {
 public:
  ReplaceStep(TextPattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  static Made Make(StepOptions& options) {
    BRAID_ASSIGN(TextPattern pattern,
                 TextPattern::Read(options.Value("pattern")));
    return std::unique_ptr<NormalizerStep>(std::make_unique<ReplaceStep>(
        std::move(pattern), options.RequiredText("content")));
  }
  void Apply(std::string_view text, std::string& out) const override {
    std::vector<Span> spans;
    pattern_.FindSpans(text, spans);
    out.clear();
    for (const Span& span : spans) {
      out += span.is_match ? std::string_view(content_)
                           : text.substr(span.begin, span.end - span.begin);
    }
  }
  // What replaces a match counts as made of the last byte of it.
  size_t OriginAfter(std::string_view text, size_t origin, std::string_view,
                     std::string&) const override {
    std::vector<Span> spans;
    pattern_.FindSpans(text, spans);
    size_t after = 0;
    for (const Span& span : spans) {
      if (!span.is_match) {
        after += std::min(span.end, origin) - std::min(span.begin, origin);
      } else if (span.end <= origin) {
        after += content_.size();
      }
    }
    return after;
  }
  bool inserts() const override {
    return pattern_.may_match_nothing() && !content_.empty();
  }
  bool follows_inserted() const override { return true; }

 private:
  TextPattern pattern_;
  std::string content_;
};

class PrependStep : public NormalizerStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<PrependStep>();
    step->prefix_ = options.RequiredText("prepend");
    return std::unique_ptr<NormalizerStep>(std::move(step));
  }
  void Apply(std::string_view text, std::string& out) const override {
    out.clear();
    if (!text.empty()) out.append(prefix_).append(text);
  }
  bool follows_inserted() const override { return true; }

 private:
  std::string prefix_;
};

class BertStep : public NormalizerStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<BertStep>();
    step->clean_text_ = options.Flag("clean_text", true);
    step->chinese_ = options.Flag("handle_chinese_chars", true);
    step->lowercase_ = options.Flag("lowercase", true);
    step->strip_accents_ = options.Flag("strip_accents", step->lowercase_);
    return std::unique_ptr<NormalizerStep>(std::move(step));
  }
  void Apply(std::string_view text, std::string& out) const override {
    RewriteCharacters(text, out, [&](uint32_t c) { AppendCleaned(c, out); });
    if (strip_accents_) {
      std::string decomposed;
      Normalize(NormalForm::kD, out, decomposed);
      Drop(pipeline_tables::kNonspacingMark, decomposed, out);
    }
    if (lowercase_) Lowercase(std::string(out), out);
  }

 private:
  void AppendCleaned(uint32_t c, std::string& out) const {
    if (clean_text_) {
      if (IsIn(pipeline_tables::kCleaned, c)) return;
      if (IsWhiteSpace(c)) c = ' ';
    }
    const bool apart = chinese_ && IsIn(pipeline_tables::kIdeograph, c);
    if (apart) out += ' ';
    AppendUtf8(c, out);
    if (apart) out += ' ';
  }

  bool clean_text_ = true;
  bool chinese_ = true;
  bool lowercase_ = true;
  bool strip_accents_ = true;
};

// SentencePiece's character map as `tokenizers` applies it: to grapheme
// clusters of up to 5 bytes as a whole, of which the shortest known beginning
// stands for all, else to their characters.
class PrecompiledStep : public NormalizerStep {
 public:
  explicit PrecompiledStep(CharsMap map) : map_(std::move(map)) {}
  static Made Make(StepOptions& options) {
    const std::string text = options.RequiredText("precompiled_charsmap");
    BRAID_ASSIGN(const std::string bytes, DecodeBase64(text));
    BRAID_ASSIGN(CharsMap map, CharsMap::Make(bytes));
    return std::unique_ptr<NormalizerStep>(
        std::make_unique<PrecompiledStep>(std::move(map)));
  }
  void Apply(std::string_view text, std::string& out) const override {
    out.clear();
    for (size_t at = 0; at < text.size();) {
      const size_t end = ClusterEnd(text, at);
      AppendCluster(text.substr(at, end - at), out);
      at = end;
    }
  }
  // `tokenizers` forgets the characters at the start that it takes away: what
  // follows counts as what was there.
  size_t OriginAfter(std::string_view text, size_t origin, std::string_view out,
                     std::string& scratch) const override {
    size_t end = origin;
    size_t forgotten = CountRemovedAtStart(text);
    for (; forgotten > 0 && end < text.size(); --forgotten) {
      end += DecodeUtf8(text, end).length;
    }
    return NormalizerStep::OriginAfter(text, end, out, scratch);
  }

 private:
  static constexpr size_t kLongestCluster = 5;  // bytes

  // In characters.
  size_t CountRemovedAtStart(std::string_view text) const {
    size_t count = 0;
    std::string out;
    for (size_t at = 0; at < text.size();) {
      const size_t end = ClusterEnd(text, at);
      const std::string_view cluster = text.substr(at, end - at);
      if (cluster.size() <= kLongestCluster && AppendMapped(cluster, out)) {
        if (!out.empty()) return count;
        count += CountCharacters(cluster);
        at = end;
        continue;
      }
      while (at < end) {
        const size_t length = DecodeUtf8(text, at).length;
        const bool mapped = AppendMapped(text.substr(at, length), out);
        if (!mapped || !out.empty()) return count;
        ++count;
        at += length;
      }
    }
    return count;
  }

  static size_t CountCharacters(std::string_view text) {
    size_t count = 0;
    for (size_t at = 0; at < text.size(); ++count) {
      at += DecodeUtf8(text, at).length;
    }
    return count;
  }

  static size_t ClusterEnd(std::string_view text, size_t at) {
    Utf8Char before = DecodeUtf8(text, at);
    int32_t state = 0;
    at += before.length;
    while (at < text.size()) {
      const Utf8Char next = DecodeUtf8(text, at);
      const bool breaks = !before.valid || !next.valid ||
                          utf8proc_grapheme_break_stateful(
                              static_cast<int32_t>(before.code_point),
                              static_cast<int32_t>(next.code_point), &state);
      if (breaks) break;
      at += next.length;
      before = next;
    }
    return at;
  }

  void AppendCluster(std::string_view cluster, std::string& out) const {
    if (cluster.size() <= kLongestCluster && AppendMapped(cluster, out)) return;
    for (size_t at = 0; at < cluster.size();) {
      const size_t length = DecodeUtf8(cluster, at).length;
      const std::string_view character = cluster.substr(at, length);
      if (!AppendMapped(character, out)) out += character;
      at += length;
    }
  }

  bool AppendMapped(std::string_view text, std::string& out) const {
    const CharsMap::Match match = map_.Shortest(text);
    if (match.length == 0) return false;
    out += match.replacement;
    return true;
  }

  CharsMap map_;
};

constexpr StepKind<NormalizerStep> kKinds[] = {
    {"BertNormalizer", BertStep::Make},
    {"ByteLevel", PlainStep<ToByteCharacters>::Make},
    {"Lowercase", PlainStep<Lowercase>::Make},
    {"NFC", PlainStep<ToForm<NormalForm::kC>>::Make},
    {"NFD", PlainStep<ToForm<NormalForm::kD>>::Make},
    {"NFKC", PlainStep<ToForm<NormalForm::kKC>>::Make},
    {"NFKD", PlainStep<ToForm<NormalForm::kKD>>::Make},
    {"Nmt", PlainStep<Nmt>::Make},
    {"Precompiled", PrecompiledStep::Make},
    {"Prepend", PrependStep::Make},
    {"Replace", ReplaceStep::Make},
    {"Strip", StripStep::Make},
    {"StripAccents", PlainStep<StripAccents>::Make},
};

}  // namespace

size_t NormalizerStep::OriginAfter(std::string_view text, size_t origin,
                                   std::string_view out,
                                   std::string& scratch) const {
  Apply(text.substr(0, origin), scratch);
  return std::min(scratch.size(), out.size());
}

Result<PipelineNormalizer> PipelineNormalizer::Read(const Json& normalizer) {
  PipelineNormalizer result;
  BRAID_ASSIGN(result.steps_,
               ReadSteps<NormalizerStep>(normalizer, "normalizer",
                                         "normalizers", kKinds));
  // `tokenizers` fails there, but for Strip, which leaves what was inserted.
  bool inserted = false;
  for (const auto& step : result.steps_) {
    if (inserted && !step->follows_inserted()) {
      return Error{
          "normalizer Replace: a pattern that may match no character is not "
          "supported before steps other than Replace and Prepend"};
    }
    inserted = inserted || step->inserts();
  }
  return result;
}

bool PipelineNormalizer::inserts() const {
  return std::ranges::any_of(steps_,
                             [](const auto& step) { return step->inserts(); });
}

Piece PipelineNormalizer::Apply(const Piece& text, std::string& storage,
                                std::string& scratch) const {
  Piece piece = text;
  std::string other;
  for (const auto& step : steps_) {
    step->Apply(piece.text, scratch);
    if (piece.origin > 0) {
      piece.origin =
          step->OriginAfter(piece.text, piece.origin, scratch, other);
    }
    storage.swap(scratch);
    piece.text = storage;
  }
  return piece;
}

}  // namespace braid
