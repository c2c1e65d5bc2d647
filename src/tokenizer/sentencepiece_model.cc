#include "tokenizer/sentencepiece_model.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <set>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_text.h"
#include "tokenizer/byte_trie.h"
#include "tokenizer/charsmap.h"

namespace braid {

namespace {

// The fields of a message, one after another.
class Message {
 public:
  // `offset`: of `bytes` in the file, for messages of errors.
  explicit Message(std::string_view bytes, size_t offset = 0)
      : bytes_(bytes), offset_(offset) {}

  // Reads the next field; false at the end.
  Result<bool> Next() {
    if (at_ == bytes_.size()) return false;
    BRAID_ASSIGN(const uint64_t key, Varint());
    field_ = key >> 3;
    wire_type_ = static_cast<WireType>(key & 7);
    switch (wire_type_) {
      case WireType::kVarint: {
        BRAID_ASSIGN(number_, Varint());
        return true;
      }
      case WireType::kFixed64:
        return Take(8);
      case WireType::kBytes: {
        BRAID_ASSIGN(const uint64_t size, Varint());
        return Take(size);
      }
      case WireType::kFixed32:
        return Take(4);
    }
    return Error{Format("SentencePiece model: byte {}: wire type {} is none",
                        offset_ + at_, key & 7)};
  }

  uint64_t field() const { return field_; }

  // The field's value; an error if the file has it in another form.
  Result<std::string_view> Bytes() const {
    BRAID_TRY(Expect(WireType::kBytes));
    return value_;
  }
  Result<Message> Submessage() const {
    BRAID_ASSIGN(const std::string_view bytes, Bytes());
    return Message(bytes, offset_ + at_ - bytes.size());
  }
  Result<int32_t> Int() const {
    BRAID_TRY(Expect(WireType::kVarint));
    return static_cast<int32_t>(static_cast<uint32_t>(number_));
  }
  Result<bool> Bool() const {
    BRAID_TRY(Expect(WireType::kVarint));
    return number_ != 0;
  }
  Result<float> Float() const {
    BRAID_TRY(Expect(WireType::kFixed32));
    uint32_t bits = 0;
    for (size_t i = 0; i < sizeof(bits); ++i) {
      bits |= uint32_t{static_cast<uint8_t>(value_[i])} << (8 * i);
    }
    return std::bit_cast<float>(bits);
  }

 private:
  enum class WireType : uint8_t {
    kVarint = 0,
    kFixed64 = 1,
    kBytes = 2,
    kFixed32 = 5,
  };

  Status Expect(WireType wanted) const {
    if (wire_type_ == wanted) return {};
    return Error{
        Format("SentencePiece model: byte {}: field {} has wire type {} "
               "instead of {}",
               offset_ + at_, field_, static_cast<int>(wire_type_),
               static_cast<int>(wanted))};
  }

  Result<bool> Take(uint64_t size) {
    const size_t left = bytes_.size() - at_;
    if (size > left) {
      return Error{
          Format("SentencePiece model: byte {}: a field of {} bytes where {} "
                 "are left",
                 offset_ + at_, size, left)};
    }
    value_ = bytes_.substr(at_, size);
    at_ += size;
    return true;
  }

  // Seven bits a byte, the lowest first.
  Result<uint64_t> Varint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64 && at_ < bytes_.size(); shift += 7) {
      const uint8_t byte = static_cast<uint8_t>(bytes_[at_++]);
      value |= uint64_t{byte & 0x7Fu} << shift;
      if (byte < 0x80) return value;
    }
    return Error{Format("SentencePiece model: byte {}: a number does not end",
                        offset_ + at_)};
  }

  std::string_view bytes_;
  size_t offset_;
  size_t at_ = 0;
  uint64_t field_ = 0;
  WireType wire_type_ = WireType::kVarint;
  uint64_t number_ = 0;
  std::string_view value_;
};

std::string WithSpaces(std::string_view text) {
  std::string spaced;
  AppendWithSpaces(text, spaced);
  return spaced;
}

Error UnknownField(std::string_view message, uint64_t field) {
  return Error{
      Format("SentencePiece model: {}: field {} is not known", message, field)};
}

// message ModelProto.SentencePiece.
Status ReadPiece(Message piece, SentencePieceModel& model) {
  std::string_view text;
  float score = 0;
  int32_t type = static_cast<int32_t>(TokenType::kNormal);
  while (true) {
    BRAID_ASSIGN(const bool more, piece.Next());
    if (!more) break;
    switch (piece.field()) {
      case 1: {
        BRAID_ASSIGN(text, piece.Bytes());
        break;
      }
      case 2: {
        BRAID_ASSIGN(score, piece.Float());
        break;
      }
      case 3: {
        BRAID_ASSIGN(type, piece.Int());
        break;
      }
      default:
        return UnknownField("pieces", piece.field());
    }
  }
  TokenizerSpec& spec = model.spec;
  if (type <= 0 || type >= kTokenTypes) {
    return Error{
        Format("SentencePiece model: piece {}: {} is no type (1 to {})",
               spec.tokens.size(), type, kTokenTypes - 1)};
  }
  if (type == static_cast<int32_t>(TokenType::kUserDefined)) {
    spec.sentencepiece.symbols.push_back(
        static_cast<int32_t>(spec.tokens.size()));
    spec.sentencepiece.symbol_texts.push_back(text);
    if (text.find(kSpaceMark) != std::string_view::npos) {
      text = model.rewritten.emplace_back(WithSpaces(text));
    }
  }
  spec.tokens.push_back(text);
  spec.scores.push_back(score);
  spec.types.push_back(type);
  return {};
}

// By TrainerSpec.model_type.
Result<std::string_view> ModelName(int32_t type) {
  constexpr std::string_view kNames[] = {"t5", "llama", "braid-word",
                                         "braid-character"};
  if (type >= 1 && type <= 4) return kNames[type - 1];
  return Error{
      Format("SentencePiece model: model type {} is not supported; supported: "
             "1 (unigram), 2 (BPE), 3 (word), 4 (character)",
             type)};
}

// Fields of TrainerSpec that have done their work when the pieces are there:
// none of them is looked at when a text is encoded or decoded.
constexpr uint64_t kTrainingFields[] = {
    1,   // input
    2,   // model_prefix
    4,   // vocab_size
    5,   // accept_language
    6,   // self_test_sample_size
    7,   // input_format
    10,  // character_coverage
    11,  // input_sentence_size
    12,  // mining_sentence_size
    13,  // training_sentence_size
    14,  // seed_sentencepiece_size
    15,  // shrinking_factor
    16,  // num_threads
    17,  // num_sub_iterations
    18,  // max_sentence_length
    19,  // shuffle_input_sentence
    20,  // max_sentencepiece_length
    21,  // split_by_unicode_script
    22,  // split_by_whitespace
    23,  // split_by_number
    25,  // split_digits
    26,  // allow_whitespace_only_pieces
    30,  // control_symbols: pieces of that type
    31,  // user_defined_symbols: likewise
    32,  // vocabulary_output_piece_score
    33,  // hard_vocab_limit
    34,  // use_all_vocab
    36,  // required_chars
    49,  // train_extremely_large_corpus
    50,  // enable_differential_privacy
    51,  // differential_privacy_noise_level
    52,  // differential_privacy_clipping_threshold
    53,  // pretokenization_delimiter
    54,  // seed_sentencepieces_file
    55,  // auto_character_coverage
};

// What TrainerSpec calls the pieces that roles name by id.
struct RoleNames {
  std::string_view bos = "<s>";
  std::string_view eos = "</s>";
  std::string_view padding = "<pad>";
};

// message TrainerSpec.
Status ReadTrainer(Message trainer, SentencePieceModel& model,
                   RoleNames& names) {
  const auto read_id = [&](TokenRole role) -> Status {
    BRAID_ASSIGN(const int32_t id, trainer.Int());
    auto& wanted = model.spec.ids[static_cast<size_t>(role)];
    wanted.reset();
    if (id >= 0) wanted = id;
    return {};
  };
  const auto read_text = [&](std::string_view& text) -> Status {
    BRAID_ASSIGN(text, trainer.Bytes());
    return {};
  };
  while (true) {
    BRAID_ASSIGN(const bool more, trainer.Next());
    if (!more) return {};
    switch (trainer.field()) {
      case 3: {
        BRAID_ASSIGN(const int32_t type, trainer.Int());
        BRAID_ASSIGN(model.spec.model, ModelName(type));
        break;
      }
      case 24: {
        BRAID_ASSIGN(model.spec.sentencepiece.space_is_suffix, trainer.Bool());
        break;
      }
      case 35: {
        BRAID_ASSIGN(model.byte_fallback, trainer.Bool());
        break;
      }
      case 40:  // unk_id: the piece of that type says it
      case 45:  // unk_piece: likewise
        break;
      case 41:
        BRAID_TRY(read_id(TokenRole::kBos));
        break;
      case 42:
        BRAID_TRY(read_id(TokenRole::kEos));
        break;
      case 43:
        BRAID_TRY(read_id(TokenRole::kPadding));
        break;
      case 44:
        BRAID_TRY(read_text(model.unknown_surface));
        break;
      case 46:
        BRAID_TRY(read_text(names.bos));
        break;
      case 47:
        BRAID_TRY(read_text(names.eos));
        break;
      case 48:
        BRAID_TRY(read_text(names.padding));
        break;
      default:
        if (std::ranges::find(kTrainingFields, trainer.field()) ==
            std::end(kTrainingFields)) {
          return UnknownField("trainer_spec", trainer.field());
        }
        break;
    }
  }
}

// message NormalizerSpec.
Status ReadNormalizer(Message normalizer, TokenizerSpec& spec) {
  while (true) {
    BRAID_ASSIGN(const bool more, normalizer.Next());
    if (!more) return {};
    switch (normalizer.field()) {
      case 1:  // name, and
      case 6:  // normalization_rule_tsv: what the map was compiled from
        break;
      case 2: {
        BRAID_ASSIGN(spec.charsmap, normalizer.Bytes());
        break;
      }
      case 3: {
        BRAID_ASSIGN(const bool prefix, normalizer.Bool());
        spec.add_space_prefix = prefix;
        break;
      }
      case 4: {
        BRAID_ASSIGN(const bool remove, normalizer.Bool());
        spec.remove_extra_whitespaces = remove;
        break;
      }
      case 5: {
        BRAID_ASSIGN(spec.sentencepiece.escapes_spaces, normalizer.Bool());
        break;
      }
      default:
        return UnknownField("normalizer_spec", normalizer.field());
    }
  }
}

// A denormalizer without a map does nothing, whatever else it says.
Status RefuseDenormalizer(Message denormalizer) {
  TokenizerSpec spec;
  BRAID_TRY(ReadNormalizer(denormalizer, spec));
  if (spec.charsmap.empty()) return {};
  return Error{
      Format("SentencePiece model: denormalizer_spec: {} bytes of rules for "
             "decoded texts; they are not supported",
             spec.charsmap.size())};
}

TokenType TypeOf(const TokenizerSpec& spec, size_t piece) {
  return static_cast<TokenType>(spec.types[piece]);
}

// The one piece of that type is what unknown characters become.
Status FindUnknown(TokenizerSpec& spec) {
  std::optional<int64_t> unknown;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (TypeOf(spec, i) != TokenType::kUnknown) continue;
    if (unknown) {
      return Error{
          Format("SentencePiece model: pieces {} and {} are both of type "
                 "unknown",
                 *unknown, i)};
    }
    unknown = static_cast<int64_t>(i);
  }
  if (!unknown) {
    return Error{
        Format("SentencePiece model: none of {} pieces is of type unknown",
               spec.tokens.size())};
  }
  spec.ids[static_cast<size_t>(TokenRole::kUnknown)] = unknown;
  return {};
}

// With byte_fallback all bytes are pieces of that type; without, none is.
Status CheckBytes(SentencePieceModel& model) {
  TokenizerSpec& spec = model.spec;
  std::set<uint8_t> bytes;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    const std::optional<uint8_t> byte = ParseByteToken(spec.tokens[i]);
    if (TypeOf(spec, i) != TokenType::kByte) {
      // Only its text: GGUF has no other sign of the flag than such names.
      if (byte && !model.byte_fallback) {
        spec.sentencepiece.falls_back_to_bytes = false;
      }
      continue;
    }
    if (!byte || !model.byte_fallback) {
      return Error{
          Format("SentencePiece model: piece {}, \"{}\", is a byte, but "
                 "{}",
                 i, Excerpt(spec.tokens[i]),
                 byte ? "byte_fallback is false" : "it is not named like one")};
    }
    bytes.insert(*byte);
  }
  if (model.byte_fallback && bytes.size() < 256) {
    return Error{
        Format("SentencePiece model: byte_fallback is true, but {} of 256 "
               "bytes are pieces",
               bytes.size())};
  }
  return {};
}

// Of the pieces that are found by walking along a text. Words are looked up
// whole, whatever their length.
Status CheckLengths(const TokenizerSpec& spec) {
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    const TokenType type = TypeOf(spec, i);
    const bool is_walked =
        type == TokenType::kUserDefined ||
        (type == TokenType::kNormal && spec.model != "braid-word");
    if (is_walked && spec.tokens[i].size() > ByteTrie::kLongest) {
      return Error{
          Format("SentencePiece model: piece {}, \"{}...\": {} bytes; at most "
                 "{} are supported",
                 i, Excerpt(spec.tokens[i]), spec.tokens[i].size(),
                 ByteTrie::kLongest)};
    }
  }
  return {};
}

// An id whose piece is no control piece gives way to a control piece of the
// role's name: the package goes by names.
void SettleRole(TokenRole role, std::string_view name, TokenizerSpec& spec) {
  auto& id = spec.ids[static_cast<size_t>(role)];
  const auto count = static_cast<int64_t>(spec.tokens.size());
  if (!id || *id >= count) return;
  if (TypeOf(spec, static_cast<size_t>(*id)) == TokenType::kControl) return;
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (TypeOf(spec, i) == TokenType::kControl && spec.tokens[i] == name) {
      id = static_cast<int64_t>(i);
    }
  }
}

void ListUnused(TokenizerSpec& spec) {
  if (spec.model != "llama") return;  // elsewhere they are never met
  for (size_t i = 0; i < spec.tokens.size(); ++i) {
    if (TypeOf(spec, i) == TokenType::kUnused) {
      spec.sentencepiece.unused.push_back(static_cast<int32_t>(i));
    }
  }
}

// What sentencepiece_model.proto gives fields that a file leaves out.
void SetDefaults(TokenizerSpec& spec) {
  spec.model = "t5";
  spec.add_space_prefix = true;
  spec.remove_extra_whitespaces = true;
  spec.ids[static_cast<size_t>(TokenRole::kUnknown)] = 0;
  spec.ids[static_cast<size_t>(TokenRole::kBos)] = 1;
  spec.ids[static_cast<size_t>(TokenRole::kEos)] = 2;
}

}  // namespace

Result<SentencePieceModel> ReadSentencePieceModel(std::string_view bytes) {
  SentencePieceModel model;
  RoleNames names;
  SetDefaults(model.spec);
  Message file(bytes);
  while (true) {
    BRAID_ASSIGN(const bool more, file.Next());
    if (!more) break;
    // Samples to test the package with.
    if (file.field() == 4) continue;
    if (file.field() > 5) return UnknownField("the model", file.field());
    BRAID_ASSIGN(const Message part, file.Submessage());
    if (file.field() == 1) BRAID_TRY(ReadPiece(part, model));
    if (file.field() == 2) BRAID_TRY(ReadTrainer(part, model, names));
    if (file.field() == 3) BRAID_TRY(ReadNormalizer(part, model.spec));
    if (file.field() == 5) BRAID_TRY(RefuseDenormalizer(part));
  }
  if (model.spec.tokens.empty()) {
    return Error{"SentencePiece model: it has no pieces"};
  }
  BRAID_TRY(FindUnknown(model.spec));
  BRAID_TRY(CheckBytes(model));
  BRAID_TRY(CheckLengths(model.spec));
  BRAID_ASSIGN(const CharsMap map, CharsMap::Make(model.spec.charsmap));
  BRAID_TRY(map.CheckLengths());
  SettleRole(TokenRole::kBos, names.bos, model.spec);
  SettleRole(TokenRole::kEos, names.eos, model.spec);
  SettleRole(TokenRole::kPadding, names.padding, model.spec);
  ListUnused(model.spec);
  return model;
}

}  // namespace braid
