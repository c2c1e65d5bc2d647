// Saved states that are damaged, foreign or absurd: all are refused, with an
// error, and leave the engine as it was.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"
#include "tests/support/archive_surgery.h"

namespace braid {
namespace {

using Row = std::vector<float>;
using Bytes = std::vector<std::byte>;

std::unique_ptr<Engine> MakeEngine(std::shared_ptr<const LoadedModel> model,
                                   KvType kv_type = KvType::kF16) {
  const EngineOptions options = {.context = 600,
                                 .max_sequences = 5,
                                 .threads = 1,
                                 .kv_type = kv_type,
                                 .pooling = Pooling::kMean,
                                 .rollback = 5,
                                 .checkpoint_every = 32};
  auto engine = Engine::Create(std::move(model), options);
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  return std::move(*engine);
}

Row Append(Engine& engine, SequenceId sequence, int count, Want want) {
  Batch batch;
  const Position begin = engine.NextPosition(sequence);
  if (engine.model().info().encoder && begin == 0) {
    const std::vector<TokenId> text(40, 3 + sequence);
    batch.AddEncoder(text, sequence);
  }
  for (Position p = begin; p < begin + count; ++p) {
    const auto token =
        RandomBits(3, static_cast<uint64_t>(sequence),
                   static_cast<uint64_t>(p)) %
        static_cast<uint64_t>(engine.model().info().vocabulary_size);
    batch.Add(static_cast<TokenId>(token), p, sequence, want);
  }
  const Status status = engine.Decode(batch);
  EXPECT_TRUE(status.ok()) << status.error().message;
  const auto row = engine.LastLogits(sequence);
  return {row.begin(), row.end()};
}

// Forks, tails, and a sequence that is pooled.
void Populate(Engine& engine) {
  Append(engine, 0, 70, Want::kNothing);
  EXPECT_TRUE(engine.Fork(0, 1).ok());
  Append(engine, 1, 40, Want::kNothing);
  Append(engine, 0, 8, Want::kNothing);
  Append(engine, 3, 50, Want::kPooled);
}

Bytes Save(const Engine& engine) {
  auto saved = engine.SaveToMemory();
  EXPECT_TRUE(saved.ok());
  return std::move(*saved);
}

class DamagedStateTest : public testing::TestWithParam<TinyKind> {
 protected:
  DamagedStateTest()
      : model_(MakeTinyModel(GetParam(), DType::kF32)),
        engine_(MakeEngine(model_)) {
    const auto source = MakeEngine(model_);
    Populate(*source);
    saved_ = Save(*source);
    Append(*engine_, 2, 45, Want::kNothing);
    before_ = Save(*engine_);
  }

  // The archive is refused; the engine's own dump shows that nothing changed.
  void Refused(std::span<const std::byte> archive, const std::string& what) {
    ++cases_;
    const auto restored = engine_->RestoreFromMemory(archive);
    ASSERT_FALSE(restored.ok()) << what;
    ASSERT_FALSE(restored.error().message.empty()) << what;
    ASSERT_TRUE(Save(*engine_) == before_) << what;
  }
  // The engine goes on as one that has seen no archive.
  void TearDown() override {
    RecordProperty("cases", cases_);
    const auto twin = MakeEngine(model_);
    Append(*twin, 2, 45, Want::kNothing);
    EXPECT_EQ(Append(*engine_, 2, 40, Want::kNothing),
              Append(*twin, 2, 40, Want::kNothing));
    EXPECT_TRUE(engine_->RestoreFromMemory(saved_).ok());
  }

  std::shared_ptr<const LoadedModel> model_;
  std::unique_ptr<Engine> engine_;
  Bytes saved_;
  Bytes before_;
  int cases_ = 0;
};

TEST_P(DamagedStateTest, Truncated) {
  constexpr size_t kBlock = 4096;
  for (size_t end = 0; end < saved_.size(); end += kBlock) {
    for (const size_t size : {end - std::min<size_t>(end, 1), end, end + 1}) {
      Refused(std::span(saved_).first(std::min(size, saved_.size() - 1)),
              "bytes " + std::to_string(size));
    }
  }
  for (size_t size = saved_.size() - 200; size < saved_.size(); ++size) {
    Refused(std::span(saved_).first(size), "bytes " + std::to_string(size));
  }
  Bytes longer = saved_;
  longer.push_back({});
  Refused(longer, "a byte more");
}

TEST_P(DamagedStateTest, BitsFlipped) {
  constexpr int kCases = 2200;
  Random random(5);
  Bytes damaged = saved_;
  for (int i = 0; i < kCases; ++i) {
    const auto byte =
        static_cast<size_t>(random.Below(static_cast<int>(saved_.size())));
    const auto bit = std::byte{1} << random.Below(8);
    damaged[byte] ^= bit;
    Refused(damaged, "byte " + std::to_string(byte));
    damaged[byte] ^= bit;
  }
}

TEST_P(DamagedStateTest, SectionsOutOfPlace) {
  const std::vector<ArchiveSection> sections = TakeApart(saved_);
  ASSERT_TRUE(PutTogether(sections) == saved_);
  for (size_t a = 0; a < sections.size(); ++a) {
    auto without = sections;
    without.erase(without.begin() + static_cast<std::ptrdiff_t>(a));
    Refused(PutTogether(without), "without a section");
    for (size_t b = 0; b < sections.size(); ++b) {
      auto twice = sections;
      twice.insert(twice.begin() + static_cast<std::ptrdiff_t>(b), sections[a]);
      Refused(PutTogether(twice), "a section twice");
      if (a == b) continue;
      auto swapped = sections;
      std::swap(swapped[a], swapped[b]);
      Refused(PutTogether(swapped), "sections swapped");
      swapped = sections;
      std::swap(swapped[a].bytes, swapped[b].bytes);
      if (swapped[a].bytes == sections[a].bytes) continue;
      Refused(PutTogether(swapped), "contents swapped");
    }
    auto renamed = sections;
    renamed[a].tag[0] = 'x';
    Refused(PutTogether(renamed), "a section renamed");
    for (const size_t size :
         {size_t{0}, sections[a].bytes.size() / 2, sections[a].bytes.size() - 1,
          sections[a].bytes.size() + 1}) {
      auto resized = sections;
      if (sections[a].bytes.empty()) continue;
      resized[a].bytes.resize(size);
      Refused(PutTogether(resized), "a section of another size");
    }
  }
}

TEST_P(DamagedStateTest, OfAnotherModelOrKvType) {
  for (const TinyKind kind :
       {TinyKind::kMamba, TinyKind::kMamba2, TinyKind::kRwkv6, TinyKind::kRwkv7,
        TinyKind::kLfm2, TinyKind::kLlama, TinyKind::kGemma3,
        TinyKind::kDeepseek2, TinyKind::kJamba, TinyKind::kT5}) {
    if (kind == GetParam()) continue;
    const auto other = MakeEngine(MakeTinyModel(kind, DType::kF32));
    Append(*other, 0, 10, Want::kNothing);
    Refused(Save(*other), ToText(kind));
  }
  const auto other = MakeEngine(model_, KvType::kF32);
  Append(*other, 0, 10, Want::kNothing);
  Refused(Save(*other), "KV type");
  // The same shapes, other weights.
  std::vector<ArchiveSection> sections = TakeApart(saved_);
  constexpr size_t kWeights = 4 + 8;  // contract, no architecture's name
  sections[0].bytes[kWeights] ^= std::byte{1};
  Refused(PutTogether(sections), "weights");
  sections[0].bytes[kWeights] ^= std::byte{1};
  sections[0].bytes[0] ^= std::byte{2};
  Refused(PutTogether(sections), "contract version");
}

// Everything that can be wrong while all checksums hold.
TEST_P(DamagedStateTest, AbsurdNumbers) {
  std::vector<ArchiveSection> sections = TakeApart(saved_);
  const SavedState original = ReadState(sections);
  const auto state_section =
      std::find_if(sections.begin(), sections.end(),
                   [](const auto& s) { return s.tag == kStateSection; });
  const auto refused = [&](SavedState state, const std::string& what) {
    state_section->bytes = StateBytes(state);
    Refused(PutTogether(sections), what);
  };
  constexpr int32_t kHuge = std::numeric_limits<int32_t>::max();
  constexpr int32_t kLeast = std::numeric_limits<int32_t>::min();
  const std::vector<int32_t> wrong = {kHuge, kLeast, -2, 1 << 20, -1000};
  // Every number of every sequence becomes each of `wrong`.
  using Numbers = std::vector<int32_t*>;
  const auto numbers_of = [](SavedState& state) {
    Numbers numbers = {&state.cells};
    for (int32_t& pages : state.pages) numbers.push_back(&pages);
    for (SavedSequence& sequence : state.sequences) {
      for (int32_t* number : {&sequence.id, &sequence.parent, &sequence.shared,
                              &sequence.cell, &sequence.text}) {
        numbers.push_back(number);
      }
      for (SavedCheckpoint& checkpoint : sequence.checkpoints) {
        numbers.push_back(&checkpoint.position);
        numbers.push_back(&checkpoint.cell);
      }
      for (SavedPages& pages : sequence.pages) {
        numbers.push_back(&pages.first);
        for (int32_t& page : pages.pages) numbers.push_back(&page);
      }
      for (TokenId& token : sequence.carried.tokens) numbers.push_back(&token);
      for (auto& mark : sequence.carried.marks) {
        numbers.push_back(&mark.position);
      }
    }
    for (auto& text : state.texts) {
      for (TokenId& token : text) numbers.push_back(&token);
    }
    return numbers;
  };
  SavedState state = original;
  for (int32_t* number : numbers_of(state)) {
    const int32_t right = *number;
    for (const int32_t value : wrong) {
      *number = value;
      refused(state, "number " + std::to_string(right) + " is " +
                         std::to_string(value));
    }
    *number = right;
  }
  // Every list becomes longer and shorter.
  const auto resized = [&](const std::string& what, auto list_of) {
    for (size_t i = 0; i < original.sequences.size(); ++i) {
      SavedState longer = original;
      list_of(longer.sequences[i]).emplace_back();
      refused(longer, what + " longer");
      SavedState shorter = original;
      if (list_of(shorter.sequences[i]).empty()) continue;
      list_of(shorter.sequences[i]).pop_back();
      refused(shorter, what + " shorter");
    }
  };
  resized(
      "pages", [](SavedSequence & s) -> auto& { return s.pages; });
  resized(
      "last row",
      [](SavedSequence & s) -> auto& { return s.carried.last_row; });
  resized(
      "sums", [](SavedSequence & s) -> auto& { return s.carried.rows.sums; });
  resized(
      "embedding",
      [](SavedSequence & s) -> auto& { return s.carried.rows.embedding; });
  for (size_t set = 0; set < original.pages.size(); ++set) {
    resized(
        "pages of a set", [&](SavedSequence & s) -> auto& {
          return s.pages[set].pages;
        });
  }
  for (const int pooling : {-1, 5, 100}) {
    state = original;
    state.pooling = static_cast<Pooling>(pooling);
    refused(state, "pooling");
  }
  for (const auto& pooled : {true, false}) {
    for (size_t i = 0; i < original.sequences.size(); ++i) {
      state = original;
      if (state.sequences[i].carried.pooled == pooled) continue;
      state.sequences[i].carried.pooled = pooled;
      refused(state, "pooled");
    }
  }
  state = original;
  std::swap(state.sequences[0], state.sequences[1]);
  refused(state, "sequences swapped");
  state = original;
  state.sequences.push_back(state.sequences.back());
  refused(state, "a sequence twice");
  state = original;
  state.pages.push_back(0);
  refused(state, "a set of pages more");
  state = original;
  state.sequences[0].carried.tokens[5] ^= 1;
  refused(state, "tokens that are not shared");
}

// The lengths before texts, lists and arrays.
TEST_P(DamagedStateTest, AbsurdLengths) {
  std::vector<ArchiveSection> sections = TakeApart(saved_);
  const SavedSequence first = ReadState(sections).sequences[0];
  const Carried& carried = first.carried;
  ASSERT_TRUE(carried.marks.empty());
  const size_t sequences = 1;  // behind the pooling
  const size_t tokens = sequences + 8 + 3 * 4;
  const size_t row = tokens + 8 + 4 * carried.tokens.size();
  const size_t sums = row + 8 + 4 * carried.last_row.size() + 1;
  const size_t embedding = sums + 8 + 8 * carried.rows.sums.size();
  const size_t marks = embedding + 8 + 4 * carried.rows.embedding.size();
  const size_t checkpoints = marks + 8 + 4;
  const std::pair<size_t, size_t> places[] = {
      {0, 4},    {0, 32},        {1, sequences}, {1, tokens},     {1, row},
      {1, sums}, {1, embedding}, {1, marks},     {1, checkpoints}};
  for (const auto& [section, at] : places) {
    const Bytes right = sections[section].bytes;
    uint64_t length;
    std::memcpy(&length, right.data() + at, 8);
    ASSERT_LT(length, 200u) << at;
    for (const uint64_t wrong :
         {uint64_t{1} << 63, uint64_t{1} << 40, ~uint64_t{0}, length + 1,
          length - 1, uint64_t{0x20000000}}) {
      std::memcpy(sections[section].bytes.data() + at, &wrong, 8);
      Refused(PutTogether(sections), "length at " + std::to_string(at));
    }
    sections[section].bytes = right;
  }
}

INSTANTIATE_TEST_SUITE_P(Kinds, DamagedStateTest,
                         testing::Values(TinyKind::kJamba, TinyKind::kGemma3,
                                         TinyKind::kMamba2, TinyKind::kT5),
                         [](const auto& kind) { return ToText(kind.param); });

}  // namespace
}  // namespace braid
