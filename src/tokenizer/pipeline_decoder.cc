#include "tokenizer/pipeline_decoder.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>

#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/step_options.h"
#include "tokenizer/step_sequence.h"
#include "tokenizer/text_pattern.h"
#include "tokenizer/utf8.h"

namespace braid {

namespace {

using Made = Result<std::unique_ptr<DecoderStep>>;

void ReplaceAll(std::string& text, std::string_view from, std::string_view to) {
  if (from.empty()) return;
  std::string result;
  size_t begin = 0;
  for (size_t at = text.find(from); at != text.npos;
       at = text.find(from, begin)) {
    result.append(text, begin, at - begin).append(to);
    begin = at + from.size();
  }
  if (begin == 0) return;
  text = result.append(text, begin);
}

// No space before punctuation and contractions, as in English.
void CleanUp(std::string& text) {
  struct Rule {
    std::string_view from;
    std::string_view to;
  };
  constexpr Rule kRules[] = {
      {" .", "."},   {" ?", "?"},     {" !", "!"},     {" ,", ","},
      {" ' ", "'"},  {" n't", "n't"}, {" 'm", "'m"},   {" do not", " don't"},
      {" 's", "'s"}, {" 've", "'ve"}, {" 're", "'re"},
  };
  for (const auto& [from, to] : kRules) ReplaceAll(text, from, to);
}

// Is texts[index] the first, the last of the whole text?
bool IsFirst(const DecodedParts& parts, size_t index) {
  return index == 0 && (!parts.inside || parts.joined);
}
bool IsLast(const DecodedParts& parts, size_t index) {
  return index + 1 == parts.texts.size() && (!parts.inside || parts.joined);
}

class ByteLevelStep : public DecoderStep {
 public:
  static Made Make(StepOptions& options) {
    // Those of the pre-tokenizer, which stands here under the same name.
    options.IgnoreOffsets({"add_prefix_space", "trim_offsets", "use_regex"});
    return std::unique_ptr<DecoderStep>(std::make_unique<ByteLevelStep>());
  }
  void Apply(DecodedParts& parts) const override {
    std::string bytes;
    for (const std::string& text : parts.texts) {
      // A token that spells no bytes stands for itself.
      if (!AppendBytesOf(text, bytes)) bytes += text;
    }
    parts.texts = {std::move(bytes)};
    parts.joined = true;
  }
};

class WordPieceStep : public DecoderStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<WordPieceStep>();
    step->prefix_ = options.Text("prefix", "##");
    step->cleanup_ = options.Flag("cleanup", true);
    return std::unique_ptr<DecoderStep>(std::move(step));
  }
  void Apply(DecodedParts& parts) const override {
    for (size_t i = 0; i < parts.texts.size(); ++i) {
      std::string& text = parts.texts[i];
      if (!IsFirst(parts, i)) {
        if (text.starts_with(prefix_)) {
          text.erase(0, prefix_.size());
        } else {
          text.insert(text.begin(), ' ');
        }
      }
      if (cleanup_) CleanUp(text);
    }
  }

 private:
  std::string prefix_;
  bool cleanup_ = true;
};

class MetaspaceStep : public DecoderStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<MetaspaceStep>();
    step->mark_ = options.Text("replacement", kSpaceMark);
    const bool prepends = options.Flag("add_prefix_space", true);
    step->trims_first_ =
        prepends &&
        options.Choice("prepend_scheme", 1, {"first", "always", "never"}) != 2;
    options.IgnoreOffsets({"split", "str_rep", "prepend_scheme"});
    return std::unique_ptr<DecoderStep>(std::move(step));
  }
  void Apply(DecodedParts& parts) const override {
    for (size_t i = 0; i < parts.texts.size(); ++i) {
      const bool trims = trims_first_ && IsFirst(parts, i);
      ReplaceAll(parts.texts[i], mark_, trims ? "" : " ");
    }
  }

 private:
  std::string mark_;
  bool trims_first_ = true;
};

class BpeStep : public DecoderStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<BpeStep>();
    step->suffix_ = options.Text("suffix", "</w>");
    if (step->suffix_.empty()) return Error{"an empty suffix is not supported"};
    return std::unique_ptr<DecoderStep>(std::move(step));
  }
  void Apply(DecodedParts& parts) const override {
    for (size_t i = 0; i < parts.texts.size(); ++i) {
      ReplaceAll(parts.texts[i], suffix_, IsLast(parts, i) ? "" : " ");
    }
  }

 private:
  std::string suffix_;
};

class ReplaceStep : public DecoderStep {
 public:
  ReplaceStep(TextPattern pattern, std::string content)
      : pattern_(std::move(pattern)), content_(std::move(content)) {}
  static Made Make(StepOptions& options) {
    BRAID_ASSIGN(TextPattern pattern,
                 TextPattern::Read(options.Value("pattern")));
    return std::unique_ptr<DecoderStep>(std::make_unique<ReplaceStep>(
        std::move(pattern), options.RequiredText("content")));
  }
  void Apply(DecodedParts& parts) const override {
    std::vector<Span> spans;
    for (std::string& text : parts.texts) {
      pattern_.FindSpans(text, spans);
      std::string result;
      for (const Span& span : spans) {
        result += span.is_match
                      ? content_
                      : text.substr(span.begin, span.end - span.begin);
      }
      text = std::move(result);
    }
  }

 private:
  TextPattern pattern_;
  std::string content_;
};

class FuseStep : public DecoderStep {
 public:
  static Made Make(StepOptions&) {
    return std::unique_ptr<DecoderStep>(std::make_unique<FuseStep>());
  }
  void Apply(DecodedParts& parts) const override {
    std::string whole;
    for (const std::string& text : parts.texts) whole += text;
    parts.texts = {std::move(whole)};
    parts.joined = true;
  }
};

// Takes up to `start` and `stop` times the character off the ends.
class StripStep : public DecoderStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<StripStep>();
    step->content_ = options.Text("content", " ");
    if (step->content_.empty() ||
        DecodeUtf8(step->content_, 0).length != step->content_.size()) {
      options.Fail("content: expected one character");
    }
    step->start_ = options.Count("start", 0, 0, int64_t{1} << 30);
    step->stop_ = options.Count("stop", 0, 0, int64_t{1} << 30);
    return std::unique_ptr<DecoderStep>(std::move(step));
  }
  void Apply(DecodedParts& parts) const override {
    // The ends of the whole text are not here.
    if (parts.inside && parts.joined) return;
    for (std::string& text : parts.texts) {
      std::string_view rest = text;
      for (int64_t i = 0; i < start_ && rest.starts_with(content_); ++i) {
        rest.remove_prefix(content_.size());
      }
      for (int64_t i = 0; i < stop_ && rest.ends_with(content_); ++i) {
        rest.remove_suffix(content_.size());
      }
      text = std::string(rest);
    }
  }

 private:
  std::string content_;
  int64_t start_ = 0;
  int64_t stop_ = 0;
};

// "<0x0A>", with digits of either case, is a byte. Bytes in a row become one
// text; those that are no UTF-8 stay apart.
class ByteFallbackStep : public DecoderStep {
 public:
  static Made Make(StepOptions&) {
    return std::unique_ptr<DecoderStep>(std::make_unique<ByteFallbackStep>());
  }
  void Apply(DecodedParts& parts) const override {
    std::vector<std::string> texts;
    std::string bytes;  // of the row at hand
    const auto end_row = [&] {
      if (bytes.empty()) return;
      if (IsUtf8(bytes)) {
        texts.push_back(bytes);
      } else {
        for (const char byte : bytes) texts.emplace_back(1, byte);
      }
      bytes.clear();
    };
    for (std::string& text : parts.texts) {
      if (const std::optional<uint8_t> byte = ByteOf(text)) {
        bytes += static_cast<char>(*byte);
        continue;
      }
      end_row();
      texts.push_back(std::move(text));
    }
    end_row();
    parts.texts = std::move(texts);
  }

 private:
  static std::optional<uint8_t> ByteOf(std::string_view text) {
    constexpr std::string_view kForm = "<0x";
    if (text.size() != 6 || !text.starts_with(kForm)) return std::nullopt;
    std::string upper(text);
    for (size_t i = kForm.size(); i < upper.size(); ++i) {
      if (upper[i] >= 'a' && upper[i] <= 'f') {
        upper[i] = static_cast<char>(upper[i] - ('a' - 'A'));
      }
    }
    return ParseByteToken(upper);
  }

  static bool IsUtf8(std::string_view bytes) {
    for (size_t at = 0; at < bytes.size();) {
      const Utf8Char character = DecodeUtf8(bytes, at);
      if (!character.valid) return false;
      at += character.length;
    }
    return true;
  }
};

// Of repeated tokens one stays; one kind of token stands for nothing, one
// character for a space.
class CtcStep : public DecoderStep {
 public:
  static Made Make(StepOptions& options) {
    auto step = std::make_unique<CtcStep>();
    step->padding_ = options.Text("pad_token", "<pad>");
    step->delimiter_ = options.Text("word_delimiter_token", "|");
    step->cleanup_ = options.Flag("cleanup", true);
    return std::unique_ptr<DecoderStep>(std::move(step));
  }
  void Apply(DecodedParts& parts) const override {
    auto& texts = parts.texts;
    texts.erase(std::unique(texts.begin(), texts.end()), texts.end());
    std::vector<std::string> kept;
    for (std::string& text : texts) {
      ReplaceAll(text, padding_, "");
      if (cleanup_) {
        CleanUp(text);
        ReplaceAll(text, delimiter_, " ");
      }
      if (!text.empty()) kept.push_back(std::move(text));
    }
    texts = std::move(kept);
  }

 private:
  std::string padding_;
  std::string delimiter_;
  bool cleanup_ = true;
};

constexpr StepKind<DecoderStep> kKinds[] = {
    {"BPEDecoder", BpeStep::Make},
    {"ByteFallback", ByteFallbackStep::Make},
    {"ByteLevel", ByteLevelStep::Make},
    {"CTC", CtcStep::Make},
    {"Fuse", FuseStep::Make},
    {"Metaspace", MetaspaceStep::Make},
    {"Replace", ReplaceStep::Make},
    {"Strip", StripStep::Make},
    {"WordPiece", WordPieceStep::Make},
};

// Without a decoder: tokens with spaces between.
class JoinStep : public DecoderStep {
 public:
  void Apply(DecodedParts& parts) const override {
    for (size_t i = 0; i < parts.texts.size(); ++i) {
      std::string& text = parts.texts[i];
      if (!IsFirst(parts, i)) text.insert(text.begin(), ' ');
    }
  }
};

}  // namespace

Result<PipelineDecoder> PipelineDecoder::Read(const Json& decoder) {
  PipelineDecoder result;
  BRAID_ASSIGN(result.steps_,
               ReadSteps<DecoderStep>(decoder, "decoder", "decoders", kKinds));
  if (decoder.IsNull()) result.steps_.push_back(std::make_unique<JoinStep>());
  return result;
}

std::string PipelineDecoder::Decode(std::vector<std::string> tokens) const {
  return Run({.texts = std::move(tokens)});
}

std::string PipelineDecoder::DecodeInside(std::string token) const {
  return Run({.texts = {std::move(token)}, .inside = true});
}

std::string PipelineDecoder::Run(DecodedParts parts) const {
  for (const auto& step : steps_) step->Apply(parts);
  std::string text;
  for (const std::string& part : parts.texts) text += part;
  return text;
}

}  // namespace braid
