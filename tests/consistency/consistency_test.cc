// One sequence, one answer: every way of running the same tokens gives the
// logits of running them one at a time, alone, on one thread, bit for bit.
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cstdio>
#include <cstring>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"
#include "kernels/targets.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

using Tokens = std::vector<TokenId>;
using Logits = std::vector<std::vector<float>>;  // [position][vocabulary]

// Longer than a page, than a matrix tile, shorter than both, and one token.
constexpr int kLengths[] = {70, 33, 5, 1, 17};
constexpr int kUbatches[] = {1, 2, 7, 64, 4096};
constexpr int kSequenceCounts[] = {1, 2, 5};
constexpr int kCalls[] = {1, 2, 5};
constexpr int kThreads[] = {1, 2, 3};
constexpr SplitPolicy kPolicies[] = {SplitPolicy::kRagged, SplitPolicy::kEqual,
                                     SplitPolicy::kSimple, SplitPolicy::kWhole};

struct Case {
  int ubatch;
  int sequences;
  SplitPolicy policy;
  int calls;
  int threads;
  uint64_t shuffle;  // 0: one sequence after another
};

std::string ToText(const Case& c) {
  return "ubatch " + std::to_string(c.ubatch) + ", sequences " +
         std::to_string(c.sequences) + ", policy " +
         std::to_string(static_cast<int>(c.policy)) + ", calls " +
         std::to_string(c.calls) + ", threads " + std::to_string(c.threads) +
         ", shuffle " + std::to_string(c.shuffle);
}

Tokens MakeTokens(int sequence, int vocabulary) {
  Random random(7, static_cast<uint64_t>(sequence));
  Tokens tokens(kLengths[sequence]);
  for (TokenId& token : tokens) token = random.Below(vocabulary);
  return tokens;
}

std::unique_ptr<Engine> MakeEngine(std::shared_ptr<const LoadedModel> model,
                                   const EngineOptions& options) {
  auto engine = Engine::Create(std::move(model), options);
  EXPECT_TRUE(engine.ok()) << engine.error().message;
  return std::move(*engine);
}

Logits RunAlone(std::shared_ptr<const LoadedModel> model, const Tokens& tokens,
                KvType kv_type) {
  const auto engine = MakeEngine(
      std::move(model), {.max_ubatch = 1, .threads = 1, .kv_type = kv_type});
  Logits logits;
  Batch batch;
  for (size_t i = 0; i < tokens.size(); ++i) {
    batch.Clear();
    batch.Add(tokens[i], static_cast<Position>(i), 0, Want::kLogits);
    EXPECT_TRUE(engine->Decode(batch).ok());
    const auto row = engine->Logits(0);
    logits.emplace_back(row.begin(), row.end());
  }
  return logits;
}

int64_t DifferingBits(std::span<const float> a, const std::vector<float>& b) {
  if (a.size() != b.size()) return static_cast<int64_t>(b.size()) * 32;
  int64_t bits = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    bits += std::popcount(std::bit_cast<uint32_t>(a[i]) ^
                          std::bit_cast<uint32_t>(b[i]));
  }
  return bits;
}

// The sequences of call `call` of `calls`, interleaved by `shuffle` while each
// keeps its order.
std::vector<int> CallOrder(const Case& c, int call, std::vector<int>& next) {
  std::vector<int> order;
  for (int s = 0; s < c.sequences; ++s) {
    const int length = kLengths[s];
    const int end = length * (call + 1) / c.calls;
    for (; next[s] < end; ++next[s]) order.push_back(s);
  }
  if (c.shuffle != 0) {
    Random random(c.shuffle, static_cast<uint64_t>(call));
    for (size_t i = order.size(); i > 1; --i) {
      std::swap(order[i - 1], order[random.Below(static_cast<int>(i))]);
    }
  }
  return order;
}

// May kWhole refuse this batch? Only if a sequence exceeds the ubatch.
bool WholeCannotFit(const Case& c, const std::vector<int>& order) {
  if (c.policy != SplitPolicy::kWhole) return false;
  std::vector<int> count(c.sequences, 0);
  for (const int s : order) {
    if (++count[s] > c.ubatch) return true;
  }
  return false;
}

class Checker {
 public:
  Checker(TinyKind kind, DType type, KvType kv_type)
      : model_(MakeTinyModel(kind, type)), kv_type_(kv_type) {
    for (int s = 0; s < static_cast<int>(std::size(kLengths)); ++s) {
      tokens_.push_back(MakeTokens(s, model_->info().vocabulary_size));
      expected_.push_back(RunAlone(model_, tokens_[s], kv_type));
    }
  }

  void Check(const Case& c) {
    const auto engine = MakeEngine(model_, {.max_ubatch = c.ubatch,
                                            .max_sequences = c.sequences,
                                            .threads = c.threads,
                                            .split = c.policy,
                                            .kv_type = kv_type_});
    std::vector<int> filled(c.sequences, 0);
    std::vector<Position> position(c.sequences, 0);
    Batch batch;
    for (int call = 0; call < c.calls; ++call) {
      const std::vector<int> order = CallOrder(c, call, filled);
      if (order.empty()) continue;
      batch.Clear();
      for (const int s : order) {
        batch.Add(tokens_[s][position[s]], position[s], s, Want::kLogits);
        ++position[s];
      }
      const Status status = engine->Decode(batch);
      if (WholeCannotFit(c, order)) {
        EXPECT_FALSE(status.ok()) << ToText(c);
        for (int s = 0; s < c.sequences && call == 0; ++s) {
          EXPECT_EQ(engine->NextPosition(s), 0) << ToText(c);
        }
        ++refused_;
        return;
      }
      ASSERT_TRUE(status.ok()) << status.error().message << "; " << ToText(c);
      Compare(*engine, batch, c);
    }
    ++cases_;
  }

  int cases() const { return cases_; }
  int refused() const { return refused_; }
  int64_t bits() const { return bits_; }

 private:
  void Compare(const Engine& engine, const Batch& batch, const Case& c) {
    int64_t bits = 0;
    for (int i = 0; i < batch.size(); ++i) {
      bits += DifferingBits(engine.Logits(i),
                            expected_[batch[i].sequence][batch[i].position]);
    }
    EXPECT_EQ(bits, 0) << ToText(c);
    bits_ += bits;
  }

  std::shared_ptr<const LoadedModel> model_;
  KvType kv_type_;
  std::vector<Tokens> tokens_;
  std::vector<Logits> expected_;
  int cases_ = 0;
  int refused_ = 0;
  int64_t bits_ = 0;
};

struct Variant {
  TinyKind kind;
  DType type;
  KvType kv_type;
};

class Consistency : public testing::TestWithParam<Variant> {
 protected:
  ~Consistency() override { UseVectorTarget(""); }
};

// The reference runs on the first target only, so that the others must agree
// with it, not just with themselves.
TEST_P(Consistency, EveryWayOfRunningGivesTheSameBits) {
  const Variant& variant = GetParam();
  const std::vector<std::string> targets = VectorTargets();
  UseVectorTarget(targets.front());
  Checker checker(variant.kind, variant.type, variant.kv_type);
  // The full matrix for plain floats; for block formats every third case.
  const int stride = variant.type == DType::kF32 ? 1 : 3;
  int index = 0;
  for (const std::string& target : targets) {
    UseVectorTarget(target);
    for (const int ubatch : kUbatches)
      for (const int sequences : kSequenceCounts)
        for (const SplitPolicy policy : kPolicies)
          for (const int calls : kCalls)
            for (const int threads : kThreads)
              for (const uint64_t shuffle : {0, 1}) {
                if (index++ % stride != 0) continue;
                checker.Check({ubatch, sequences, policy, calls, threads,
                               shuffle * static_cast<uint64_t>(index)});
                if (HasFatalFailure()) return;
              }
  }
  std::printf(
      "consistency: %s, type %d, %zu targets: %d cases (%d more "
      "refused by kWhole), %lld differing bits\n",
      ToText(variant.kind).c_str(), static_cast<int>(variant.type),
      targets.size(), checker.cases(), checker.refused(),
      static_cast<long long>(checker.bits()));
}

// "llama_Q4_0_f32_kv"
std::string NameOf(const testing::TestParamInfo<Variant>& test) {
  const auto [kind, type, kv_type] = test.param;
  std::string name = ToText(kind) + "_" + std::string(Name(type));
  std::replace(name.begin(), name.end(), '-', '_');
  return kv_type == KvType::kF32 ? name + "_f32_kv" : name;
}

INSTANTIATE_TEST_SUITE_P(
    Models, Consistency,
    testing::Values(Variant{TinyKind::kMamba, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kMamba, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kMamba2, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kMamba2, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kRwkv6, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kRwkv6, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kRwkv7, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kRwkv7, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kLfm2, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kFalconH1, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kFalconH1, DType::kQ8_0, KvType::kF32},
                    Variant{TinyKind::kLlama, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kLlama, DType::kF16, KvType::kF32},
                    Variant{TinyKind::kLlama, DType::kQ4_0, KvType::kF16},
                    Variant{TinyKind::kLlama, DType::kQ5_1, KvType::kF16},
                    Variant{TinyKind::kMamba, DType::kIQ4_NL, KvType::kF16},
                    Variant{TinyKind::kLlama, DType::kMXFP4, KvType::kF16},
                    Variant{TinyKind::kMixtral, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kMixtral, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kDeepseek2, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kDeepseek2, DType::kQ8_0, KvType::kF32},
                    Variant{TinyKind::kJamba, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kQwen2, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kQwen3, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kQwen35, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kQwen35, DType::kQ8_0, KvType::kF32},
                    Variant{TinyKind::kQwen35Moe, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kGemma2, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kGemma3, DType::kF16, KvType::kF32},
                    Variant{TinyKind::kGemma3, DType::kQ8_0, KvType::kF16},
                    Variant{TinyKind::kOpenElm, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kJamba, DType::kQ4_0, KvType::kF16},
                    Variant{TinyKind::kGraniteHybrid, DType::kF32,
                            KvType::kF16},
                    Variant{TinyKind::kNemotronH, DType::kF32, KvType::kF16},
                    Variant{TinyKind::kHybrid, DType::kF32, KvType::kF32},
                    Variant{TinyKind::kHybrid, DType::kQ4_1, KvType::kF16}),
    NameOf);

INSTANTIATE_TEST_SUITE_P(
    Wide, Consistency,
    testing::Values(Variant{TinyKind::kHybrid, DType::kQ4_K, KvType::kF16},
                    Variant{TinyKind::kHybrid, DType::kQ6_K, KvType::kF16},
                    Variant{TinyKind::kLlama, DType::kQ2_K, KvType::kF16}),
    NameOf);

}  // namespace
}  // namespace braid
