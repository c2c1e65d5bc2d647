#include "tokenizer/pipeline_pre_tokenizer.h"

#include <algorithm>
#include <string>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/pipeline_tables.h"
#include "tokenizer/pretokenize.h"
#include "tokenizer/split_behavior.h"
#include "tokenizer/step_options.h"
#include "tokenizer/step_sequence.h"
#include "tokenizer/text_pattern.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

using Made = Result<std::unique_ptr<PreTokenizerStep>>;

bool IsWord(uint32_t c) { return IsIn(pipeline_tables::kWord, c); }
bool IsPunctuation(uint32_t c) {
  return IsIn(pipeline_tables::kPunctuation, c);
}
bool IsNumeric(uint32_t c) { return IsIn(pipeline_tables::kNumeric, c); }

// Cuts at the matches of a pattern.
class SplitStep : public PreTokenizerStep {
 public:
  SplitStep(TextPattern pattern, SplitBehavior behavior, bool invert = false)
      : pattern_(std::move(pattern)), behavior_(behavior), invert_(invert) {
    if (behavior == SplitBehavior::kIsolated) rule_ = pattern_.known_rule();
  }

  void Apply(const Piece& piece, Pieces& out) const override {
    if (rule_) return ApplyRule(piece, out);
    std::vector<Span> spans;
    pattern_.FindSpans(piece.text, spans);
    if (invert_) {
      for (Span& span : spans) span.is_match = !span.is_match;
    }
    ApplyBehavior(behavior_, spans);
    for (const Span& span : spans) out.Add(piece.Part(span.begin, span.end));
  }

 private:
  void ApplyRule(const Piece& piece, Pieces& out) const {
    SplitIntoPieces(*rule_, piece.text, [&](std::string_view part) {
      const auto begin = static_cast<size_t>(part.data() - piece.text.data());
      out.Add(piece.Part(begin, begin + part.size()));
    });
  }

  TextPattern pattern_;
  SplitBehavior behavior_;
  bool invert_;
  std::optional<SplitRule> rule_;
};

std::unique_ptr<PreTokenizerStep> SplitAt(TextPattern::Belongs belongs,
                                          SplitBehavior behavior) {
  return std::make_unique<SplitStep>(TextPattern::OfCharacters(belongs),
                                     behavior);
}

SplitBehavior ReadBehavior(StepOptions& options) {
  // In the order of SplitBehavior.
  return static_cast<SplitBehavior>(
      options.Choice("behavior", static_cast<size_t>(SplitBehavior::kIsolated),
                     {"Removed", "Isolated", "MergedWithPrevious",
                      "MergedWithNext", "Contiguous"}));
}

Made MakeSplit(StepOptions& options) {
  BRAID_ASSIGN(TextPattern pattern,
               TextPattern::Read(options.Value("pattern")));
  if (!options.Has("behavior")) return Error{"behavior is missing"};
  const SplitBehavior behavior = ReadBehavior(options);
  const bool invert = options.Flag("invert", false);
  return std::unique_ptr<PreTokenizerStep>(
      std::make_unique<SplitStep>(std::move(pattern), behavior, invert));
}

Made MakePunctuation(StepOptions& options) {
  return SplitAt(IsPunctuation, ReadBehavior(options));
}

Made MakeDigits(StepOptions& options) {
  const bool individual = options.Flag("individual_digits", false);
  return SplitAt(IsNumeric, individual ? SplitBehavior::kIsolated
                                       : SplitBehavior::kContiguous);
}

Made MakeWhitespaceSplit(StepOptions&) {
  return SplitAt(IsWhiteSpace, SplitBehavior::kRemoved);
}

// The single character that an option is.
std::string CharacterOption(StepOptions& options, std::string_view name,
                            std::string_view default_value) {
  std::string text = options.Text(name, default_value);
  if (text.empty() || DecodeUtf8(text, 0).length != text.size()) {
    options.Fail(Format("{}: \"{}\" is not one character", name, text));
  }
  return text;
}

Made MakeCharDelimiterSplit(StepOptions& options) {
  if (!options.Has("delimiter")) return Error{"delimiter is missing"};
  return std::unique_ptr<PreTokenizerStep>(std::make_unique<SplitStep>(
      TextPattern::OfString(CharacterOption(options, "delimiter", " ")),
      SplitBehavior::kRemoved));
}

// \w+|[^\w\s]+
class WhitespaceStep : public PreTokenizerStep {
 public:
  static Made Make(StepOptions&) {
    return std::unique_ptr<PreTokenizerStep>(
        std::make_unique<WhitespaceStep>());
  }
  void Apply(const Piece& piece, Pieces& out) const override {
    size_t begin = 0;
    Kind kind = Kind::kSpace;
    for (size_t at = 0; at < piece.text.size();) {
      const Utf8Char character = DecodeUtf8(piece.text, at);
      const Kind next = KindOf(character);
      if (next != kind) {
        if (kind != Kind::kSpace) out.Add(piece.Part(begin, at));
        begin = at;
        kind = next;
      }
      at += character.length;
    }
    if (kind != Kind::kSpace) out.Add(piece.Part(begin, piece.text.size()));
  }

 private:
  enum class Kind { kSpace, kWord, kOther };
  static Kind KindOf(const Utf8Char& character) {
    if (!character.valid) return Kind::kOther;
    if (IsWhiteSpace(character.code_point)) return Kind::kSpace;
    return IsWord(character.code_point) ? Kind::kWord : Kind::kOther;
  }
};

// White space goes, punctuation stands alone.
class BertStep : public PreTokenizerStep {
 public:
  static Made Make(StepOptions&) {
    return std::unique_ptr<PreTokenizerStep>(std::make_unique<BertStep>());
  }
  void Apply(const Piece& piece, Pieces& out) const override {
    size_t begin = 0;
    for (size_t at = 0; at < piece.text.size();) {
      const Utf8Char character = DecodeUtf8(piece.text, at);
      const size_t next = at + character.length;
      const bool space = character.valid && IsWhiteSpace(character.code_point);
      if (space || (character.valid && IsPunctuation(character.code_point))) {
        out.Add(piece.Part(begin, at));
        if (!space) out.Add(piece.Part(at, next));
        begin = next;
      }
      at = next;
    }
    out.Add(piece.Part(begin, piece.text.size()));
  }
};

class ByteLevelStep : public PreTokenizerStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<ByteLevelStep>();
    step->add_prefix_space_ = options.Flag("add_prefix_space", true);
    step->use_regex_ = options.Flag("use_regex", true);
    options.IgnoreOffsets({"trim_offsets"});
    return std::unique_ptr<PreTokenizerStep>(std::move(step));
  }
  void Apply(const Piece& piece, Pieces& out) const override {
    const bool prefix = add_prefix_space_ && !piece.text.starts_with(' ');
    std::string prefixed;
    std::string_view text = piece.text;
    size_t origin = piece.origin;
    if (prefix) {
      prefixed = " ";
      prefixed += text;
      text = prefixed;
      if (origin > 0) ++origin;
    }
    const auto add = [&](std::string_view part) {
      const auto begin = static_cast<size_t>(part.data() - text.data());
      for (const char byte : part) {
        AppendByteCharacter(static_cast<uint8_t>(byte), out.bytes());
      }
      // A byte-level character has two bytes at most.
      out.EndPiece(begin < origin ? 2 * (origin - begin) : 0);
    };
    if (use_regex_) {
      SplitIntoPieces(SplitRule::kGpt2, text, add);
    } else {
      add(text);
    }
  }
  bool writes_bytes() const override { return true; }

 private:
  bool add_prefix_space_ = true;
  bool use_regex_ = true;
};

class MetaspaceStep : public PreTokenizerStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<MetaspaceStep>();
    step->mark_ = CharacterOption(options, "replacement", kSpaceMark);
    options.IgnoreOffsets({"str_rep"});
    // Files from before the scheme have the flag.
    const bool prepends = options.Flag("add_prefix_space", true);
    const bool has_scheme = options.Has("prepend_scheme");
    step->scheme_ = static_cast<Scheme>(
        options.Choice("prepend_scheme", 1, {"first", "always", "never"}));
    if (!prepends) {
      if (has_scheme && step->scheme_ != Scheme::kNever) {
        return Error{"add_prefix_space is false and prepend_scheme not never"};
      }
      step->scheme_ = Scheme::kNever;
    }
    step->split_ = options.Flag("split", true);
    return std::unique_ptr<PreTokenizerStep>(std::move(step));
  }
  void Apply(const Piece& piece, Pieces& out) const override {
    std::string text;
    const size_t marked_origin = AppendMarked(piece, text);
    const bool wanted = scheme_ == Scheme::kAlways ||
                        (scheme_ == Scheme::kFirst && piece.origin > 0);
    size_t origin = marked_origin;
    if (wanted && !text.empty() && !text.starts_with(mark_)) {
      text.insert(0, mark_);
      if (origin > 0) origin += mark_.size();
    }
    const Piece marked = {text, origin};
    size_t begin = 0;
    while (split_ && begin < text.size()) {
      // A mark begins a piece.
      const size_t end = text.find(mark_, begin + 1);
      if (end == text.npos) break;
      out.Add(marked.Part(begin, end));
      begin = end;
    }
    out.Add(marked.Part(begin, text.size()));
  }

 private:
  enum class Scheme { kFirst, kAlways, kNever };

  // Marks for spaces; returns the new origin.
  size_t AppendMarked(const Piece& piece, std::string& text) const {
    size_t origin = 0;
    for (size_t i = 0; i < piece.text.size(); ++i) {
      if (piece.text[i] == ' ') {
        text += mark_;
      } else {
        text += piece.text[i];
      }
      if (i + 1 == piece.origin) origin = text.size();
    }
    return origin;
  }

  std::string mark_;
  Scheme scheme_ = Scheme::kAlways;
  bool split_ = true;
};

// Cuts where the script changes. Kana count as Han; what fits every script
// ends none, and is lost in front of the first one: so `tokenizers` has it.
class UnicodeScriptsStep : public PreTokenizerStep {
 public:
  static Made Make(StepOptions&) {
    return std::unique_ptr<PreTokenizerStep>(
        std::make_unique<UnicodeScriptsStep>());
  }
  void Apply(const Piece& piece, Pieces& out) const override {
    size_t begin = 0;
    uint16_t current = 0;
    for (size_t at = 0; at < piece.text.size();) {
      const Utf8Char character = DecodeUtf8(piece.text, at);
      const uint16_t script = ScriptOf(character.code_point);
      if (script != 0 && script != current) {
        if (current != 0) out.Add(piece.Part(begin, at));
        begin = at;
        current = script;
      }
      at += character.length;
    }
    if (current != 0) out.Add(piece.Part(begin, piece.text.size()));
  }
};

// Pieces of a number of characters; the last may have fewer.
class FixedLengthStep : public PreTokenizerStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<FixedLengthStep>();
    step->length_ = options.Count("length", 5, 1, int64_t{1} << 30);
    return std::unique_ptr<PreTokenizerStep>(std::move(step));
  }
  void Apply(const Piece& piece, Pieces& out) const override {
    size_t begin = 0;
    int64_t characters = 0;
    for (size_t at = 0; at < piece.text.size();) {
      if (characters == length_) {
        out.Add(piece.Part(begin, at));
        begin = at;
        characters = 0;
      }
      at += DecodeUtf8(piece.text, at).length;
      ++characters;
    }
    out.Add(piece.Part(begin, piece.text.size()));
  }

 private:
  int64_t length_ = 1;
};

constexpr StepKind<PreTokenizerStep> kKinds[] = {
    {"BertPreTokenizer", BertStep::Make},
    {"ByteLevel", ByteLevelStep::Make},
    {"CharDelimiterSplit", MakeCharDelimiterSplit},
    {"Digits", MakeDigits},
    {"FixedLength", FixedLengthStep::Make},
    {"Metaspace", MetaspaceStep::Make},
    {"Punctuation", MakePunctuation},
    {"Split", MakeSplit},
    {"UnicodeScripts", UnicodeScriptsStep::Make},
    {"Whitespace", WhitespaceStep::Make},
    {"WhitespaceSplit", MakeWhitespaceSplit},
};

}  // namespace

Result<PipelinePreTokenizer> PipelinePreTokenizer::Read(
    const Json& pre_tokenizer) {
  PipelinePreTokenizer result;
  BRAID_ASSIGN(result.steps_,
               ReadSteps<PreTokenizerStep>(pre_tokenizer, "pre_tokenizer",
                                           "pretokenizers", kKinds));
  return result;
}

bool PipelinePreTokenizer::writes_bytes() const {
  return std::ranges::any_of(
      steps_, [](const auto& step) { return step->writes_bytes(); });
}

void PipelinePreTokenizer::Apply(const Piece& text, Pieces& pieces,
                                 Pieces& scratch) const {
  pieces.Clear();
  pieces.Add(text);
  for (const auto& step : steps_) {
    scratch.Clear();
    for (size_t i = 0; i < pieces.size(); ++i) step->Apply(pieces[i], scratch);
    std::swap(pieces, scratch);
  }
}

}  // namespace braid
