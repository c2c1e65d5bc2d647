// States wanted on the way, and states rebuilt from the log: the bits of every
// recurrent module are those of going there in one piece.
#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "base/fp_guard.h"
#include "base/random.h"
#include "nn/gated_conv.h"
#include "nn/gated_delta_net.h"
#include "nn/mamba2_mixer.h"
#include "nn/mamba_mixer.h"
#include "nn/rwkv6.h"
#include "nn/rwkv7.h"

namespace braid {
namespace {

// No width of which fits a vector. Layer 0 remembers nothing, so that an index
// that is mixed up is seen.
constexpr int kLayer = 1;
constexpr int kWidth = 42;

// A module as the tests see it.
struct Module {
  LayerSpec memory;
  std::function<Rows(Pass&, ConstRows)> forward;
  std::function<void(Pass&)> replay;
};

template <class Mixer>
Module ModuleOf(Mixer mixer) {
  const auto shared = std::make_shared<const Mixer>(std::move(mixer));
  return {shared->Memory(),
          [shared](Pass& pass, ConstRows x) { return (*shared)(pass, x); },
          [shared](Pass& pass) { shared->Replay(pass); }};
}

Module MakeMamba(WeightScope& w, nn::DtBcNorms norms) {
  const nn::MambaConfig config = {.width = kWidth,
                                  .inner = 83,
                                  .state = 16,
                                  .taps = 4,
                                  .dt_rank = 3,
                                  .dt_b_c_norms = norms,
                                  .norm_epsilon = 1e-5f};
  return ModuleOf(nn::MambaMixer(w, config, kLayer));
}

Module MakeMamba2(WeightScope& w) {
  const nn::Mamba2Config config = {.width = kWidth,
                                   .inner = 78,
                                   .heads = 6,
                                   .groups = 2,
                                   .state = 19,
                                   .taps = 3,
                                   .norm_epsilon = 1e-5f};
  return ModuleOf(nn::Mamba2Mixer(w, config, kLayer));
}

Module MakeGatedDeltaNet(WeightScope& w) {
  const nn::GatedDeltaNetConfig config = {.width = kWidth,
                                          .shape = {.heads = 6,
                                                    .key_heads = 2,
                                                    .key_dim = 9,
                                                    .value_dim = 13,
                                                    .order = HeadOrder::kTiled},
                                          .taps = 4,
                                          .norm_epsilon = 1e-6f};
  return ModuleOf(nn::GatedDeltaNet(w, config, kLayer));
}

Module MakeGatedConv(WeightScope& w) {
  return ModuleOf(nn::GatedConv(w, kWidth, 5, kLayer));
}

Module MakeRwkv6(WeightScope& w) {
  struct Halves {
    WkvShape shape;
    nn::Rwkv6TimeMix time_mix;
    nn::Rwkv6ChannelMix channel_mix;

    LayerSpec Memory() const { return nn::Rwkv6Memory(shape); }

    Rows operator()(Pass& pass, ConstRows x) const {
      return channel_mix(pass, time_mix(pass, x));
    }
    void Replay(Pass& pass) const {
      time_mix.Replay(pass);
      channel_mix.Replay(pass);
    }
  };
  const nn::Rwkv6Config config = {.width = kWidth,
                                  .head_size = 21,
                                  .hidden = 50,
                                  .mix_rank = 3,
                                  .decay_rank = 5};
  return ModuleOf(Halves{config.shape(), nn::Rwkv6TimeMix(w, config, kLayer),
                         nn::Rwkv6ChannelMix(w, config, kLayer)});
}

Module MakeRwkv7(WeightScope& w) {
  struct Halves {
    WkvShape shape;
    nn::Rwkv7TimeMix time_mix;
    nn::Rwkv7ChannelMix channel_mix;

    LayerSpec Memory() const { return nn::Rwkv7Memory(shape); }

    Rows operator()(Pass& pass, ConstRows x) const {
      const Rows first_values = pass.compute.NewRows(x.rows, x.width);
      std::copy_n(x.data, x.rows * x.width, first_values.data);
      return channel_mix(pass, time_mix(pass, x, first_values));
    }
    void Replay(Pass& pass) const {
      time_mix.Replay(pass);
      channel_mix.Replay(pass);
    }
  };
  const nn::Rwkv7Config config = {.width = kWidth,
                                  .head_size = 21,
                                  .hidden = 50,
                                  .decay_rank = 3,
                                  .rate_rank = 4,
                                  .residual_rank = 5,
                                  .gate_rank = 6};
  return ModuleOf(Halves{config.shape(), nn::Rwkv7TimeMix(w, config, kLayer),
                         nn::Rwkv7ChannelMix(w, config, kLayer)});
}

enum class Kind {
  kMamba,
  kMambaNorms,
  kMamba2,
  kGatedDeltaNet,
  kGatedConv,
  kRwkv6,
  kRwkv7
};

std::string ToText(Kind kind) {
  constexpr const char* kNames[] = {"Mamba",         "MambaNorms", "Mamba2",
                                    "GatedDeltaNet", "GatedConv",  "Rwkv6",
                                    "Rwkv7"};
  return kNames[static_cast<int>(kind)];
}

Module Make(Kind kind, WeightScope& w) {
  switch (kind) {
    case Kind::kMamba:
      return MakeMamba(w, nn::DtBcNorms::kNone);
    case Kind::kMambaNorms:
      return MakeMamba(w, nn::DtBcNorms::kLearned);
    case Kind::kMamba2:
      return MakeMamba2(w);
    case Kind::kGatedDeltaNet:
      return MakeGatedDeltaNet(w);
    case Kind::kGatedConv:
      return MakeGatedConv(w);
    case Kind::kRwkv6:
      return MakeRwkv6(w);
    default:
      return MakeRwkv7(w);
  }
}

// Two sequences whose cells and log pages the tests choose themselves.
class ReplayTest : public testing::TestWithParam<Kind> {
 protected:
  static constexpr int kCells = 10;
  static constexpr int kLogPages = 8;
  static constexpr Position kLength = 29;  // of the longer sequence

  void SetUp() override {
    RandomSource source(5, DType::kF32);
    WeightScope w(source, threads_);
    module_ = Make(GetParam(), w);
    ASSERT_TRUE(w.status().ok()) << w.status().error().message;
    auto memory = HybridMemory::Create(
        {{LayerSpec{}, module_.memory}},
        {.max_sequences = kCells, .max_batch = 64, .rollback = 16});
    ASSERT_TRUE(memory.ok()) << memory.error().message;
    memory_ = std::move(*memory);
    ASSERT_GE(memory_->cells().cells(), kCells);
    for (int32_t cell = 0; cell < kCells; ++cell) Poison(cell);
    for (int32_t page = 0; page < kLogPages; ++page) {
      std::fill_n(memory_->LogPage(kLayer, page),
                  kLogPositions * module_.memory.log_floats, kNan);
    }
    Random random(3);
    for (std::vector<float>& sequence : inputs_) {
      sequence.resize(static_cast<size_t>(kLength) * kWidth);
      for (float& value : sequence) value = random.Uniform(-1, 1);
    }
  }

  static constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

  void Poison(int32_t cell) {
    std::fill_n(memory_->ConvState(kLayer, cell), module_.memory.conv_floats,
                kNan);
    std::fill_n(memory_->ScanState(kLayer, cell), module_.memory.state_floats,
                kNan);
  }

  // Runs of sequence 0, 1, ... one behind the other; what they answer.
  std::vector<float> Forward(std::vector<braid::Run> runs,
                             std::vector<PageTable> log = {}) {
    std::vector<float> x;
    for (size_t i = 0; i < runs.size(); ++i) {
      runs[i].begin = static_cast<int32_t>(x.size()) / kWidth;
      const auto from = inputs_[i].begin() + runs[i].first_position * kWidth;
      x.insert(x.end(), from, from + runs[i].length * kWidth);
    }
    arena_.Reset();
    Pass pass = MakePass(runs, log, x.size() / kWidth);
    const int64_t rows = pass.rows();
    const Rows y = module_.forward(pass, {x.data(), rows, kWidth, kWidth});
    return {y.data, y.data + y.rows * y.width};
  }

  void Replay(const braid::Run& run, const PageTable& log) {
    arena_.Reset();
    Pass pass = MakePass({&run, 1}, {&log, 1}, static_cast<size_t>(run.length));
    module_.replay(pass);
  }

  Pass MakePass(std::span<const braid::Run> runs,
                std::span<const PageTable> log, size_t rows) {
    tokens_.assign(rows, 0);
    positions_.clear();
    for (const braid::Run& run : runs) {
      for (Position p = run.first_position; p < run.end_position(); ++p) {
        positions_.push_back(p);
      }
    }
    return {.tokens = tokens_,
            .positions = positions_,
            .runs = runs,
            .tables = {},
            .log_tables = log,
            .cross_tables = {},
            .cross_lengths = {},
            .rope_tables = {},
            .kv_type = DType::kF32,
            .memory = *memory_,
            .compute = {arena_, threads_}};
  }

  // Window and state of a cell, as bytes.
  std::vector<std::byte> StateOf(int32_t cell) {
    std::vector<std::byte> bytes;
    const auto add = [&bytes](const float* from, size_t count) {
      const auto* begin = reinterpret_cast<const std::byte*>(from);
      bytes.insert(bytes.end(), begin, begin + count * sizeof(float));
    };
    add(memory_->ConvState(kLayer, cell), module_.memory.conv_floats);
    add(memory_->ScanState(kLayer, cell), module_.memory.state_floats);
    return bytes;
  }

  // The state after the first `length` rows of sequence `which`, in one piece;
  // by way of `cell`.
  std::vector<std::byte> StateAfter(int which, Position length, int32_t cell) {
    std::swap(inputs_[0], inputs_[which]);
    Forward({{.length = length, .source = kNoCell, .destination = cell}});
    std::swap(inputs_[0], inputs_[which]);
    return StateOf(cell);
  }

  const FloatGuard guard_;
  ThreadPool threads_{2};
  Arena arena_;
  Module module_;
  std::unique_ptr<HybridMemory> memory_;
  std::array<std::vector<float>, 2> inputs_;  // [length][width]
  std::vector<TokenId> tokens_;
  std::vector<Position> positions_;
};

TEST_P(ReplayTest, StatesOnTheWayAreThoseOfWholeRuns) {
  const std::vector<braid::Run> plain = {
      {.length = kLength, .source = kNoCell, .destination = 0},
      {.length = 11, .source = kNoCell, .destination = 1}};
  const std::vector<float> expected = Forward(plain);
  const auto end0 = StateOf(0);
  const auto end1 = StateOf(1);

  const std::array<Snapshot, 2> on_the_way0 = {{{1, 2}, {17, 3}}};
  const std::array<Snapshot, 1> on_the_way1 = {{{10, 4}}};
  std::vector<braid::Run> runs = plain;
  Poison(0);
  Poison(1);
  runs[0].snapshots = on_the_way0;
  runs[1].snapshots = on_the_way1;
  const std::vector<float> found = Forward(runs);
  ASSERT_EQ(found.size(), expected.size());
  EXPECT_EQ(
      std::memcmp(found.data(), expected.data(), found.size() * sizeof(float)),
      0);
  EXPECT_TRUE(StateOf(0) == end0);
  EXPECT_TRUE(StateOf(1) == end1);
  EXPECT_TRUE(StateOf(2) == StateAfter(0, 1, 9));
  EXPECT_TRUE(StateOf(3) == StateAfter(0, 17, 9));
  EXPECT_TRUE(StateOf(4) == StateAfter(1, 10, 9));
}

// The run reads and writes one cell, and the state on the way goes elsewhere.
TEST_P(ReplayTest, StatesOnTheWayInPlace) {
  const auto expected = StateAfter(0, kLength, 9);
  StateAfter(0, 5, 0);
  const std::array<Snapshot, 1> on_the_way = {{{7, 1}}};
  Forward({{.length = kLength - 5,
            .first_position = 5,
            .source = 0,
            .destination = 0,
            .snapshots = on_the_way}});
  EXPECT_TRUE(StateOf(0) == expected);
  EXPECT_TRUE(StateOf(1) == StateAfter(0, 12, 9));
}

// The log has positions 8 on, written by two calls with a second sequence in
// between, whose own log is empty.
TEST_P(ReplayTest, ReplayHasTheBitsOfTheModel) {
  const std::array<int32_t, 4> pages = {kNoPage, 5, 0, 7};
  const std::array<int32_t, 4> none = {kNoPage, kNoPage, kNoPage, kNoPage};
  const std::array<Snapshot, 1> on_the_way = {{{11, 2}}};
  Forward({{.length = 15,
            .source = kNoCell,
            .destination = 0,
            .snapshots = on_the_way},
           {.length = 3, .source = kNoCell, .destination = 1}},
          {PageTable{pages}, PageTable{none}});
  Forward({{.length = kLength - 15,
            .first_position = 15,
            .source = 0,
            .destination = 0},
           {.length = 1, .first_position = 3, .source = 1, .destination = 1}},
          {PageTable{pages}, PageTable{none}});
  for (const Position target : {12, 15, 16, 24, kLength}) {
    Poison(3);
    Replay({.length = target - 11,
            .first_position = 11,
            .source = 2,
            .destination = 3},
           PageTable{pages});
    EXPECT_TRUE(StateOf(3) == StateAfter(0, target, 9)) << "up to " << target;
  }
  // From zeros: position 0 needs no checkpoint.
  const std::array<int32_t, 1> first = {3};
  Forward({{.length = 6, .source = kNoCell, .destination = 4}},
          {PageTable{first}});
  Replay({.length = 5, .source = kNoCell, .destination = 5}, PageTable{first});
  EXPECT_TRUE(StateOf(5) == StateAfter(0, 5, 9));
}

INSTANTIATE_TEST_SUITE_P(Modules, ReplayTest,
                         testing::Values(Kind::kMamba, Kind::kMambaNorms,
                                         Kind::kMamba2, Kind::kGatedConv,
                                         Kind::kRwkv6, Kind::kRwkv7),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

}  // namespace
}  // namespace braid
