#include "tokenizer/sentencepiece_model.h"

#include <bit>
#include <cstdint>

#include "base/format.h"
#include "base/try.h"
#include "tokenizer/byte_text.h"

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
        break;
    }
  }
  TokenizerSpec& spec = model.spec;
  if (type <= 0 || type >= kTokenTypes) {
    return Error{
        Format("SentencePiece model: piece {}: {} is no type (1 to {})",
               spec.tokens.size(), type, kTokenTypes - 1)};
  }
  if (type == static_cast<int32_t>(TokenType::kUserDefined) &&
      text.find(kSpaceMark) != std::string_view::npos) {
    text = model.rewritten.emplace_back(WithSpaces(text));
  }
  spec.tokens.push_back(text);
  spec.scores.push_back(score);
  spec.types.push_back(type);
  return {};
}

Result<std::string_view> ModelName(int32_t type) {
  constexpr int32_t kUnigram = 1;
  constexpr int32_t kBpe = 2;
  if (type == kUnigram) return std::string_view("t5");
  if (type == kBpe) return std::string_view("llama");
  return Error{
      Format("SentencePiece model: model type {} is not supported; "
             "supported: 1 (unigram), 2 (BPE)",
             type)};
}

// message TrainerSpec.
Status ReadTrainer(Message trainer, SentencePieceModel& model) {
  const auto read_id = [&](TokenRole role) -> Status {
    BRAID_ASSIGN(const int32_t id, trainer.Int());
    auto& wanted = model.spec.ids[static_cast<size_t>(role)];
    wanted.reset();
    if (id >= 0) wanted = id;
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
        BRAID_ASSIGN(const bool suffix, trainer.Bool());
        if (suffix) {
          return Error{
              "SentencePiece model: treat_whitespace_as_suffix is not "
              "supported"};
        }
        break;
      }
      case 35: {
        BRAID_ASSIGN(model.byte_fallback, trainer.Bool());
        break;
      }
      case 40:
        BRAID_TRY(read_id(TokenRole::kUnknown));
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
      default:
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
        BRAID_ASSIGN(const bool escape, normalizer.Bool());
        if (!escape) {
          return Error{
              "SentencePiece model: escape_whitespaces = false is not "
              "supported"};
        }
        break;
      }
      default:
        break;
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
  SetDefaults(model.spec);
  Message file(bytes);
  while (true) {
    BRAID_ASSIGN(const bool more, file.Next());
    if (!more) break;
    if (file.field() < 1 || file.field() > 3) continue;
    BRAID_ASSIGN(const Message part, file.Submessage());
    if (file.field() == 1) BRAID_TRY(ReadPiece(part, model));
    if (file.field() == 2) BRAID_TRY(ReadTrainer(part, model));
    if (file.field() == 3) BRAID_TRY(ReadNormalizer(part, model.spec));
  }
  if (model.spec.tokens.empty()) {
    return Error{"SentencePiece model: it has no pieces"};
  }
  return model;
}

}  // namespace braid
