// Decoding allocates nothing once it has seen its largest batch.
#include <gtest/gtest.h>

#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"
#include "tests/support/allocation_counter.h"

namespace braid {
namespace {

class SteadyState : public testing::TestWithParam<TinyKind> {};

TEST_P(SteadyState, DecodeAllocatesNothing) {
  for (const SplitPolicy split :
       {SplitPolicy::kRagged, SplitPolicy::kEqual, SplitPolicy::kSimple}) {
    auto engine = Engine::Create(
        MakeTinyModel(GetParam(), DType::kF32),
        {.max_ubatch = 24, .max_sequences = 4, .threads = 2, .split = split});
    ASSERT_TRUE(engine.ok());
    Batch batch;
    const auto fill = [&](int tokens_each) {
      batch.Clear();
      for (SequenceId s = 0; s < 4; ++s) {
        const Position next = (*engine)->NextPosition(s);
        for (int i = 0; i < tokens_each; ++i) {
          batch.Add(i, next + i, s,
                    i + 1 == tokens_each ? Want::kLogits : Want::kNothing);
        }
      }
    };
    // The first rounds grow every buffer: a long batch, then short ones.
    for (const int tokens_each : {20, 20, 1, 1}) {
      fill(tokens_each);
      ASSERT_TRUE((*engine)->Decode(batch).ok());
    }
    const int64_t before = AllocationCount();
    for (const int tokens_each : {20, 1, 7, 1, 1, 1, 1, 1, 1, 1, 20}) {
      fill(tokens_each);
      if (!(*engine)->Decode(batch).ok()) std::abort();
    }
    EXPECT_EQ(AllocationCount() - before, 0);
  }
}

INSTANTIATE_TEST_SUITE_P(Models, SteadyState,
                         testing::Values(TinyKind::kMamba, TinyKind::kLlama,
                                         TinyKind::kDeepseek2, TinyKind::kJamba,
                                         TinyKind::kHybrid),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

}  // namespace
}  // namespace braid
