// A cancel falls between ubatches; the caller learns how far each sequence
// came and can go on from there.
#include <gtest/gtest.h>

#include <vector>

#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

class CancelTest : public testing::TestWithParam<TinyKind> {};

TEST_P(CancelTest, TheRestCanBeDecodedLater) {
  constexpr int kTokens = 40;
  const auto model = MakeTinyModel(GetParam(), DType::kF32);
  const auto make = [&] {
    return std::move(*Engine::Create(
        model, {.max_ubatch = 16, .max_sequences = 2, .threads = 1}));
  };
  const auto fill = [](Batch& batch, Position from0, Position from1) {
    batch.Clear();
    for (Position p = from0; p < kTokens; ++p) {
      batch.Add(p % 50, p, 0, Want::kLogits);
    }
    for (Position p = from1; p < kTokens; ++p) {
      batch.Add((p * 7) % 50, p, 1, Want::kLogits);
    }
  };

  Batch batch;
  const auto whole = make();
  fill(batch, 0, 0);
  ASSERT_TRUE(whole->Decode(batch).ok());
  const auto a = whole->Logits(kTokens - 1);
  const auto b = whole->Logits(2 * kTokens - 1);

  const auto cut = make();
  fill(batch, 0, 0);
  int asked = 0;
  const Status status = cut->Decode(batch, [&] { return ++asked > 2; });
  ASSERT_FALSE(status.ok());
  EXPECT_NE(status.error().message.find("cancelled after 2 of 5"),
            std::string::npos)
      << status.error().message;
  const Position reached0 = cut->NextPosition(0);
  const Position reached1 = cut->NextPosition(1);
  EXPECT_EQ(reached0 + reached1, 32);
  EXPECT_TRUE(cut->Logits(2 * kTokens - 1).empty());

  fill(batch, reached0, reached1);
  ASSERT_TRUE(cut->Decode(batch).ok());
  const auto equal = [](std::span<const float> x, std::span<const float> y) {
    return std::vector<float>(x.begin(), x.end()) ==
           std::vector<float>(y.begin(), y.end());
  };
  EXPECT_TRUE(equal(cut->Logits(kTokens - reached0 - 1), a));
  EXPECT_TRUE(equal(cut->Logits(batch.size() - 1), b));
}

INSTANTIATE_TEST_SUITE_P(Models, CancelTest,
                         testing::Values(TinyKind::kMamba, TinyKind::kLlama,
                                         TinyKind::kHybrid),
                         [](const auto& param_info) {
                           return ToText(param_info.param);
                         });

}  // namespace
}  // namespace braid
