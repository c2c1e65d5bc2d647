// Alone: what the tokens of a sequence say alone, one at a time, on one thread,
// in an engine with default options; a text that is read both ways, whole.
//
// Rows are remembered by the tokens that lead to them. A few engines of one
// sequence each follow the texts that are asked for, so that a text which goes
// on is not read again; nothing here is forked, rolled back or restored.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_ORACLE_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_ORACLE_H_

#include <map>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "braid/engine.h"
#include "tests/consistency/program_subject.h"

namespace braid::programs {

using Row = std::vector<float>;
using Rows = std::vector<const Row*>;  // [tokens]
using Tokens = std::vector<TokenId>;

// One kind of row (logits or hidden) of sequences.
class LoneReader {
 public:
  LoneReader(const Subject& subject, KvType kv_type, Want want)
      : subject_(&subject), kv_type_(kv_type), want_(want) {}

  // The rows of all tokens. Valid until Forget.
  Rows Of(const Tokens& text, std::span<const TokenId> tokens);
  // Forgets rows; keeps engines, which begin anew.
  void Forget();

 private:
  struct Node {
    Row row;
    std::map<TokenId, Node> next;
  };
  struct Lone {
    std::unique_ptr<Engine> engine;
    Tokens text;
    Tokens tokens;
    uint64_t used = 0;
  };

  void Read(const Tokens& text, std::span<const TokenId> tokens, Node& root);
  void ReadWhole(std::span<const TokenId> tokens, std::vector<Row>& rows);
  // The engine that has read most of what leads to `tokens`, or has to start.
  Lone& Follower(const Tokens& text, std::span<const TokenId> tokens);
  std::unique_ptr<Engine> NewEngine() const;

  const Subject* subject_;
  KvType kv_type_;
  Want want_;
  std::map<Tokens, Node> roots_;               // by encoder text
  std::map<Tokens, std::vector<Row>> wholes_;  // by text that is read both ways
  std::vector<Lone> lone_;
  uint64_t uses_ = 0;
};

class Alone {
 public:
  explicit Alone(const Subject& subject);

  // Of every token of a sequence with this encoder text.
  Rows Logits(KvType kv_type, const Tokens& text,
              std::span<const TokenId> tokens) {
    return Of(kv_type).logits.Of(text, tokens);
  }
  Rows Hidden(KvType kv_type, const Tokens& text,
              std::span<const TokenId> tokens) {
    return Of(kv_type).hidden.Of(text, tokens);
  }
  // The embedding of all tokens; at least one.
  Row Embedding(KvType kv_type, Pooling pooling, const Tokens& text,
                std::span<const TokenId> tokens);
  // To be called between programs, so that memory does not grow.
  void Forget();

 private:
  struct Readers {
    LoneReader logits;
    LoneReader hidden;
  };
  Readers& Of(KvType kv_type) { return kv_type == KvType::kF16 ? f16_ : f32_; }
  const Row& Rank(std::span<const TokenId> tokens);

  const Subject* subject_;
  Readers f16_, f32_;
  std::map<Tokens, Row> ranks_;
};

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_ORACLE_H_
