// Generator: random programs, step by step. Every step follows from what the
// engine holds by then, so that most of them do something.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_GENERATOR_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_GENERATOR_H_

#include <cstdint>
#include <initializer_list>
#include <set>
#include <span>
#include <vector>

#include "base/random.h"
#include "tests/consistency/program.h"
#include "tests/consistency/program_run.h"
#include "tests/consistency/program_subject.h"
#include "tests/consistency/program_world.h"

namespace braid::programs {

class Generator {
 public:
  Generator(const Subject& subject, uint64_t seed);

  // Of the program's first engine and, with the same kv_type and pooling, of
  // those that it moves to.
  EngineOptions Options();
  Step Next(const Run& run);
  // Is the program long enough?
  bool Done(const Run& run) const;

 private:
  using Ids = std::vector<SequenceId>;

  template <class T>
  T OneOf(std::initializer_list<T> choices) {
    return choices.begin()[random_.Below(static_cast<int>(choices.size()))];
  }
  bool Once(int in) { return random_.Below(in) == 0; }
  SequenceId Any(std::span<const SequenceId> ids) {
    return ids[random_.Below(static_cast<int>(ids.size()))];
  }
  Ids Some(Ids ids);
  template <class Condition>
  Ids Where(const World& world, const Condition& condition) const;

  Operation AnyOperation();
  // False: there is nothing to do it with.
  bool Fill(Step& step, const Run& run);
  bool AddPieces(Step& step, const World& world, bool pooled);
  void AddPiece(Step& step, Ids sequences, int length, bool pooled);
  // Those that may be given tokens together with `first`.
  Ids Company(const World& world, SequenceId first, const Ids& among);
  void AddText(Step& step, const World& world, const Ids& sequences);
  int Length(const World& world);
  std::vector<TokenId> Tokens(int length);
  bool AddIds(Step& step, const World& world);
  Step MakeRoom(const World& world);

  const Subject* subject_;
  Random random_;
  KvType kv_type_;
  Pooling pooling_;
  int alphabet_;  // tokens that are used
  int64_t refusals_ = 0;
};

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_GENERATOR_H_
