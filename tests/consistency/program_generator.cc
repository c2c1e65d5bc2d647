#include "tests/consistency/program_generator.h"

#include <algorithm>

namespace braid::programs {

namespace {

constexpr int kSteps = 20;
constexpr int kTokens = 200;
constexpr int kMostSteps = 400;

// How often, of what the state allows.
constexpr int kWeights[kOperations] = {
    16,  // kDecode
    9,   // kPool
    7,   // kSample
    8,   // kSpeculate
    7,   // kCancel
    8,   // kFork
    5,   // kRemove
    4,   // kKeep
    9,   // kRollback
    6,   // kCheckpoint
    4,   // kLastLogits
    6,   // kSave
    6,   // kRestore
    6,   // kMove
    4,   // kReconfigure
    4,   // kRefused
};

bool HasLogitsOnly(Operation operation) {
  return operation == Operation::kSample ||
         operation == Operation::kLastLogits ||
         operation == Operation::kSpeculate ||
         operation == Operation::kRollback;
}

}  // namespace

Generator::Generator(const Subject& subject, uint64_t seed)
    : subject_(&subject),
      random_(seed),
      kv_type_(OneOf({KvType::kF16, KvType::kF32})),
      pooling_(OneOf({Pooling::kMean, Pooling::kFirst, Pooling::kLast})),
      alphabet_(OneOf({3, 20, subject.info().vocabulary_size})) {
  if (subject.classifier && Once(4)) pooling_ = Pooling::kRank;
}

EngineOptions Generator::Options() {
  EngineOptions options{.kv_type = kv_type_, .pooling = pooling_};
  if (subject_->info().attention) options.context = OneOf({96, 200, 320, 1024});
  options.max_batch = OneOf({100, 2048, 2048, 2048});
  options.max_ubatch = OneOf({1, 2, 5, 16, 33, 64, 512});
  options.split = OneOf({SplitPolicy::kRagged, SplitPolicy::kEqual,
                         SplitPolicy::kSimple, SplitPolicy::kWhole});
  if (subject_->info().encoder) options.max_ubatch = OneOf({16, 33, 512});
  if (subject_->info().bidirectional) {
    options.max_ubatch = OneOf({75, 140, 512});
    options.split = SplitPolicy::kWhole;
  }
  options.max_sequences = 3 + random_.Below(5);
  options.threads = OneOf({1, 1, 1, 1, 1, 2, 2, 3});
  options.rollback = OneOf({0, 1, 3, 8, 20});
  options.checkpoint_every = OneOf({0, 0, 4, 16});
  if (Once(6)) options.checkpoint_bytes = size_t{1} << (13 + random_.Below(5));
  if (Once(12)) options.memory_limit = size_t{1} << (17 + random_.Below(4));
  options.page_positions = OneOf({32, 32, 64, 96});
  return options;
}

bool Generator::Done(const Run& run) const {
  const int64_t steps = run.tally().AllSteps();
  return steps >= kMostSteps ||
         (steps >= kSteps && run.tally().tokens >= kTokens);
}

Step Generator::Next(const Run& run) {
  const bool was_refused = run.tally().refusals > refusals_;
  refusals_ = run.tally().refusals;
  if (was_refused && Once(3)) return MakeRoom(run.world());
  for (;;) {
    Step step{.operation = AnyOperation()};
    step.file = Once(10);
    step.archive = random_.Below(kArchives);
    step.shuffle = Once(2) ? random_.Bits() % 1000 : 0;
    if (Fill(step, run)) return step;
  }
}

Operation Generator::AnyOperation() {
  int all = 0;
  for (const int weight : kWeights) all += weight;
  for (;;) {
    int at = random_.Below(all);
    int operation = 0;
    while (at >= kWeights[operation]) at -= kWeights[operation++];
    const auto chosen = static_cast<Operation>(operation);
    if (subject_->info().logits || !HasLogitsOnly(chosen)) return chosen;
  }
}

template <class Condition>
Generator::Ids Generator::Where(const World& world,
                                const Condition& condition) const {
  Ids ids;
  for (SequenceId id = 0; id < world.sequences(); ++id) {
    if (condition(world[id])) ids.push_back(id);
  }
  return ids;
}

Generator::Ids Generator::Some(Ids ids) {
  const int count = 1 + random_.Below(static_cast<int>(ids.size()));
  for (size_t i = ids.size(); i > 1; --i) {
    std::swap(ids[i - 1], ids[random_.Below(static_cast<int>(i))]);
  }
  ids.resize(static_cast<size_t>(count));
  return ids;
}

bool Generator::Fill(Step& step, const Run& run) {
  const World& world = run.world();
  const Ids full = Where(world, [](const Sequence& s) { return !s.empty(); });
  const Ids clear = Where(
      world, [](const Sequence& s) { return s.empty() && s.text_number == 0; });
  switch (step.operation) {
    case Operation::kDecode:
      return AddPieces(step, world, false);
    case Operation::kPool:
      return AddPieces(step, world, true);
    case Operation::kCancel:
      step.count = random_.Below(4);
      step.resume = Once(2);
      return AddPieces(step, world, Once(3));
    case Operation::kSpeculate:
      step.count = 1 + random_.Below(6);
      return AddPieces(step, world, Once(6));
    case Operation::kRefused:
      step.wrong = static_cast<Wrong>(random_.Below(kWrongs));
      step.count = random_.Below(1 << 30);
      return AddPieces(step, world, false) || true;
    case Operation::kSample: {
      const Ids known =
          Where(world, [](const Sequence& s) { return s.last_known; });
      if (known.empty()) return false;
      step.sequences = Some(known);
      step.count = 1 + random_.Below(4);
      return true;
    }
    case Operation::kFork:
      if (full.empty() || clear.empty()) return false;
      step.sequences = {Any(full), Any(clear)};
      return true;
    case Operation::kKeep:
      if (full.size() < 2) return false;
      step.sequences = {Any(full)};
      return true;
    case Operation::kRemove:
      if (full.empty()) return false;
      step.sequences = {Any(full)};
      return true;
    case Operation::kRollback: {
      const Ids longer =
          Where(world, [](const Sequence& s) { return s.length() > 1; });
      if (longer.empty()) return false;
      step.sequences = {Any(longer)};
      const Position length = world[step.sequences[0]].length();
      const int most = Once(2) ? std::max(1, world.options().rollback) : length;
      step.count = 1 + random_.Below(std::min(most, length - 1));
      return true;
    }
    case Operation::kCheckpoint:
    case Operation::kSave:
      if (full.empty()) return false;
      step.sequences = Some(full);
      if (step.operation == Operation::kSave && Once(2)) step.sequences.clear();
      return true;
    case Operation::kLastLogits:
      return !full.empty();
    case Operation::kRestore:
      for (int i = 0; i < kArchives && !run.Has(step.archive); ++i) {
        step.archive = i;
      }
      return run.Has(step.archive) && AddIds(step, world);
    case Operation::kMove:
      step.options = Options();
      step.renamed = Once(2);
      if (!Once(8)) {
        step.options.max_sequences =
            std::max(step.options.max_sequences, world.sequences());
      }
      return true;
    case Operation::kReconfigure:
      step.options = Options();
      return true;
  }
  return false;
}

bool Generator::AddIds(Step& step, const World& world) {
  if (Once(3)) return true;  // all, under their own ids
  if (Once(3)) {
    step.only = random_.Below(world.sequences());
    return true;
  }
  // Which sequences the archive has is not for the generator to know: wrong
  // ones must be refused.
  const int count = 1 + random_.Below(2);
  for (int i = 0; i < count; ++i) {
    step.ids.push_back(
        {random_.Below(world.sequences()), random_.Below(world.sequences())});
  }
  return true;
}

Step Generator::MakeRoom(const World& world) {
  Step step{.operation = Operation::kRemove};
  step.sequences = {0};
  for (SequenceId id = 0; id < world.sequences(); ++id) {
    if (world[id].length() > world[step.sequences[0]].length()) {
      step.sequences = {id};
    }
  }
  return step;
}

int Generator::Length(const World& world) {
  const int kind = random_.Below(10);
  const int length = kind < 3   ? 1
                     : kind < 6 ? 2 + random_.Below(7)
                     : kind < 9 ? 9 + random_.Below(22)
                                : 31 + random_.Below(40);
  const EngineOptions& options = world.options();
  const bool fits_ubatch = options.split == SplitPolicy::kWhole && !Once(8);
  return fits_ubatch ? std::min(length, options.max_ubatch) : length;
}

std::vector<TokenId> Generator::Tokens(int length) {
  std::vector<TokenId> tokens(static_cast<size_t>(length));
  for (TokenId& token : tokens) token = random_.Below(alphabet_);
  return tokens;
}

Generator::Ids Generator::Company(const World& world, SequenceId first,
                                  const Ids& among) {
  Ids company = {first};
  if (!Once(3)) return company;
  for (const SequenceId id : among) {
    const bool shares = world[id].tip() == world[first].tip() &&
                        world[id].text_number == world[first].text_number;
    if (id != first && shares && !Once(4)) company.push_back(id);
  }
  // A few that have parted, which must be refused.
  if (company.size() == 1 && Once(12)) company.push_back(Any(among));
  if (company.size() == 2 && company[0] == company[1]) company.pop_back();
  return company;
}

bool Generator::AddPieces(Step& step, const World& world, bool pooled) {
  const bool whole = subject_->info().bidirectional;
  Ids open = Where(world, [&](const Sequence& s) {
    return s.empty() || (!whole && s.pooled == pooled);
  });
  const int pieces = 1 + random_.Below(3);
  for (int i = 0; i < pieces && !open.empty(); ++i) {
    const Ids company = Company(world, Any(open), open);
    std::erase_if(open, [&](SequenceId id) {
      return std::find(company.begin(), company.end(), id) != company.end();
    });
    const Sequence& first = world[company.front()];
    if (subject_->info().encoder && first.empty() && first.text_number == 0) {
      AddText(step, world, company);
    }
    AddPiece(step, company, Length(world), pooled);
    // What they share, and then what each has alone.
    if (company.size() < 2 || (whole ? !Once(8) : Once(2))) continue;
    for (const SequenceId id : company) {
      if (!Once(4)) AddPiece(step, {id}, 1 + random_.Below(5), pooled);
    }
  }
  return !step.pieces.empty();
}

void Generator::AddPiece(Step& step, Ids sequences, int length, bool pooled) {
  Piece piece{.sequences = std::move(sequences), .tokens = Tokens(length)};
  piece.want = OneOf({Want::kNothing, Want::kLogits, Want::kLogits,
                      Want::kLogits, Want::kHidden, Want::kScore});
  if (!subject_->info().logits) piece.want = Want::kHidden;
  if (pooled) piece.want = Want::kPooled;
  piece.all = Once(2);
  step.pieces.push_back(std::move(piece));
}

void Generator::AddText(Step& step, const World& world, const Ids& sequences) {
  const int most = std::min(30, world.options().max_ubatch);
  const int length = Once(20) ? 40 : 1 + random_.Below(most);
  step.texts.push_back({.sequences = sequences, .tokens = Tokens(length)});
}

}  // namespace braid::programs
