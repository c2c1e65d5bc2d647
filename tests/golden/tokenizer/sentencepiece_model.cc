#include <cstring>
#include <optional>

#include "base/check.h"
#include "tests/golden/tokenizer/foreign_vocabularies.h"

namespace braid {

namespace {

// The fields of a protocol buffer message, one after another.
class Message {
 public:
  explicit Message(std::string_view bytes) : rest_(bytes) {}

  // The number of the next field, or nothing at the end.
  std::optional<uint64_t> Next() {
    if (rest_.empty()) return std::nullopt;
    const uint64_t key = ReadVarint();
    switch (key % 8) {
      case 0:
        number_ = ReadVarint();
        break;
      case 1:
        bytes_ = Take(8);
        break;
      case 2:
        bytes_ = Take(ReadVarint());
        break;
      case 5:
        bytes_ = Take(4);
        break;
      default:
        BRAID_CHECK(false);
    }
    return key / 8;
  }
  // Its value, by its type.
  uint64_t number() const { return number_; }
  std::string_view bytes() const { return bytes_; }
  float real() const {
    float value;
    BRAID_CHECK(bytes_.size() == sizeof(value));
    std::memcpy(&value, bytes_.data(), sizeof(value));
    return value;
  }

 private:
  std::string_view Take(size_t size) {
    BRAID_CHECK(size <= rest_.size());
    const std::string_view taken = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return taken;
  }
  uint64_t ReadVarint() {
    uint64_t value = 0;
    for (int shift = 0; shift < 64; shift += 7) {
      const uint8_t byte = static_cast<uint8_t>(Take(1)[0]);
      value |= static_cast<uint64_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
    BRAID_CHECK(false);
  }

  std::string_view rest_;
  uint64_t number_ = 0;
  std::string_view bytes_;
};

// message SentencePiece. Its types have the numbers of TokenType.
void ReadPiece(std::string_view bytes, SpecBuilder& builder) {
  std::string text;
  float score = 0;
  TokenType type = TokenType::kNormal;
  Message piece(bytes);
  while (const auto field = piece.Next()) {
    if (field == 1) text = piece.bytes();
    if (field == 2) score = piece.real();
    if (field == 3) type = static_cast<TokenType>(piece.number());
  }
  builder.SetToken(builder.spec().tokens.size(), std::move(text), type, score);
}

// message TrainerSpec: only its model_type.
void ReadTrainer(std::string_view bytes, SpecBuilder& builder) {
  constexpr uint64_t kUnigram = 1;
  Message trainer(bytes);
  while (const auto field = trainer.Next()) {
    if (field == 3) {
      builder.spec().model = trainer.number() == kUnigram ? "t5" : "llama";
    }
  }
}

// message NormalizerSpec.
void ReadNormalizer(std::string_view bytes, SpecBuilder& builder) {
  Message normalizer(bytes);
  while (const auto field = normalizer.Next()) {
    if (field == 2) {
      builder.spec().charsmap = builder.Own(std::string(normalizer.bytes()));
    }
    if (field == 3) builder.spec().add_space_prefix = normalizer.number() != 0;
    if (field == 4) {
      builder.spec().remove_extra_whitespaces = normalizer.number() != 0;
    }
  }
}

}  // namespace

void ReadSentencePieceModel(std::string_view bytes, SpecBuilder& builder) {
  builder.spec().model = "t5";
  Message model(bytes);
  while (const auto field = model.Next()) {
    if (field == 1) ReadPiece(model.bytes(), builder);
    if (field == 2) ReadTrainer(model.bytes(), builder);
    if (field == 3) ReadNormalizer(model.bytes(), builder);
  }
}

}  // namespace braid
