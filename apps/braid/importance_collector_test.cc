#include "apps/braid/importance_collector.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "base/arena.h"
#include "base/random.h"
#include "kernels/matmul.h"
#include "ops/ops.h"

namespace braid::cli {
namespace {

constexpr int64_t kInputs = 300;  // neither tasks nor vectors divide it
constexpr int64_t kRows = 23;

class ImportanceCollectorTest : public testing::Test {
 protected:
  ImportanceCollectorTest() : x_(kInputs * kRows), w_(kInputs * 5) {
    Random random(3);
    for (float& value : x_) value = random.Uniform(-300, 700);
    matrix_ = Pack();
    names_.Add(matrix_, {"blk.0.ffn_up.weight", 0, 1});
  }

  PackedMatrix Pack() {
    return PackedMatrix::Pack(DType::kF32,
                              reinterpret_cast<const std::byte*>(w_.data()),
                              kInputs, 5, blocks_, threads_);
  }

  // Rows [begin, end) through a matrix, as a model does.
  void Multiply(const PackedMatrix& w, InputObserver* observer, int64_t begin,
                int64_t end, ThreadPool& threads) {
    arena_.Reset();
    Compute compute{arena_, threads, observer};
    ops::MatMul(compute, w,
                {x_.data() + begin * kInputs, end - begin, kInputs, kInputs});
  }

  static std::vector<float> WeightsOf(const ImportanceCollector& collector,
                                      const char* tensor) {
    quantize::ImportanceMatrix matrix;
    collector.AddTo(matrix);
    return matrix.Weights(tensor);
  }

  std::vector<float> x_;
  std::vector<float> w_;
  ThreadPool threads_{2};
  Arena arena_;
  HugeBlocks blocks_;
  PackedMatrix matrix_;
  MatrixNames names_;
};

TEST_F(ImportanceCollectorTest, AddsSquaresByColumn) {
  ImportanceCollector collector(names_, /*output=*/false);
  Multiply(matrix_, &collector, 0, kRows, threads_);
  const auto weights = WeightsOf(collector, "blk.0.ffn_up.weight");
  ASSERT_EQ(weights.size(), static_cast<size_t>(kInputs));
  for (int64_t i = 0; i < kInputs; ++i) {
    double sum = 0;
    for (int64_t row = 0; row < kRows; ++row) {
      sum += std::pow(double{x_[static_cast<size_t>(row * kInputs + i)]}, 2);
    }
    // The sum and the quotient are rounded to float.
    EXPECT_NEAR(weights[static_cast<size_t>(i)], sum / kRows,
                sum / kRows * 1.3e-7);
  }
}

TEST_F(ImportanceCollectorTest, CutsAndThreadsDoNotShow) {
  ImportanceCollector whole(names_, /*output=*/false);
  Multiply(matrix_, &whole, 0, kRows, threads_);
  ImportanceCollector pieces(names_, /*output=*/false);
  ThreadPool alone(1);
  Multiply(matrix_, &pieces, 0, 4, alone);
  Multiply(matrix_, &pieces, 4, 5, alone);
  Multiply(matrix_, &pieces, 5, kRows, alone);
  EXPECT_EQ(WeightsOf(whole, "blk.0.ffn_up.weight"),
            WeightsOf(pieces, "blk.0.ffn_up.weight"));
}

TEST_F(ImportanceCollectorTest, EveryExpertHasItsOwn) {
  const PackedMatrix first = Pack();
  const PackedMatrix second = Pack();
  names_.Add(first, {"blk.0.ffn_up_exps.weight", 0, 2});
  names_.Add(second, {"blk.0.ffn_up_exps.weight", 1, 2});
  ImportanceCollector collector(names_, /*output=*/false);
  Multiply(second, &collector, 2, 3, threads_);
  const auto weights = WeightsOf(collector, "blk.0.ffn_up_exps.weight");
  ASSERT_EQ(weights.size(), static_cast<size_t>(2 * kInputs));
  for (int64_t i = 0; i < kInputs; ++i) {
    const float x = x_[static_cast<size_t>(2 * kInputs + i)];
    EXPECT_EQ(weights[static_cast<size_t>(i)], 1.0f);  // saw no row
    EXPECT_FLOAT_EQ(weights[static_cast<size_t>(kInputs + i)], x * x);
  }
}

TEST_F(ImportanceCollectorTest, WhatIsShownByNameCountsLikeAMatrix) {
  ImportanceCollector collector(names_, /*output=*/false);
  Multiply(matrix_, &collector, 0, kRows, threads_);
  const ConstRows x = {x_.data(), kRows, kInputs, kInputs};
  collector.ObserveTensor("blk.0.attn_kv_b.weight", x, threads_);
  collector.ObserveTensor("mtp.attn_kv_b.weight", x, threads_);
  EXPECT_EQ(WeightsOf(collector, "blk.0.attn_kv_b.weight"),
            WeightsOf(collector, "blk.0.ffn_up.weight"));
  EXPECT_TRUE(WeightsOf(collector, "mtp.attn_kv_b.weight").empty());
}

TEST_F(ImportanceCollectorTest, TheOutputCountsOnlyIfAsked) {
  const PackedMatrix output = Pack();
  const PackedMatrix nameless = Pack();
  names_.Add(output, {"output.weight", 0, 1});
  for (const bool asked : {false, true}) {
    ImportanceCollector collector(names_, asked);
    Multiply(output, &collector, 0, kRows, threads_);
    Multiply(nameless, &collector, 0, kRows, threads_);
    EXPECT_EQ(WeightsOf(collector, "output.weight").empty(), !asked);
    quantize::ImportanceMatrix matrix;
    collector.AddTo(matrix);
    EXPECT_EQ(matrix.size(), asked ? 1u : 0u);
  }
}

}  // namespace
}  // namespace braid::cli
