#include "nn/weight_scope.h"

#include <gtest/gtest.h>

#include <cstring>
#include <vector>

#include "nn/mamba_mixer.h"
#include "tensor/codec.h"

namespace braid {
namespace {

class WeightScopeTest : public testing::Test {
 protected:
  ThreadPool threads_{2};
};

TEST_F(WeightScopeTest, NamesGrowByPrefix) {
  ListingSource source;
  WeightScope w(source, threads_);
  WeightScope blk = w.Child("blk.3.");
  blk.Vector("ssm_a", {16, 8}, Role::kDecay);
  w.Matrix("output.weight", 32, 7);
  ASSERT_EQ(source.entries().size(), 2u);
  EXPECT_EQ(source.entries()[0].name, "blk.3.ssm_a");
  EXPECT_EQ(ToText(source.entries()[0].shape), "{16, 8}");
  EXPECT_EQ(source.entries()[1].name, "output.weight");
  EXPECT_EQ(w.parameters(), 16 * 8 + 32 * 7);
}

TEST_F(WeightScopeTest, RandomValuesDependOnSeedAndNameOnly) {
  const auto draw = [&](uint64_t seed, std::vector<const char*> names) {
    RandomSource source(seed, DType::kF32);
    WeightScope w(source, threads_);
    std::vector<float> last;
    for (const char* name : names) last = w.Vector(name, {40}, Role::kBias);
    return last;
  };
  EXPECT_EQ(draw(1, {"a", "b"}), draw(1, {"b"}));
  EXPECT_NE(draw(1, {"a"}), draw(1, {"b"}));
  EXPECT_NE(draw(1, {"a"}), draw(2, {"a"}));
}

TEST_F(WeightScopeTest, RandomRolesHaveTheirRanges) {
  RandomSource source(1, DType::kF32);
  WeightScope w(source, threads_);
  for (const float a : w.Vector("a", {500}, Role::kDecay)) EXPECT_LT(a, 0);
  for (const float s : w.Vector("s", {500}, Role::kScale)) EXPECT_GT(s, 0);
}

TEST_F(WeightScopeTest, VectorsDecodeAnyStorageType) {
  RandomSource f16(1, DType::kF16);
  RandomSource f32(1, DType::kF32);
  WeightScope half(f16, threads_);
  WeightScope full(f32, threads_);
  const auto a = half.Vector("m", {64, 3}, Role::kMatrix);
  const auto b = full.Vector("m", {64, 3}, Role::kMatrix);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i) EXPECT_NEAR(a[i], b[i], 1e-3);
  EXPECT_NE(a, b);
}

// Column `k` of a packed matrix: its product with one input of 1.
std::vector<float> ColumnOf(const PackedMatrix& matrix, int64_t k,
                            ThreadPool& threads) {
  Arena arena;
  const int64_t inputs = matrix.inputs();
  const int64_t outputs = matrix.outputs();
  std::vector<float> x(static_cast<size_t>(inputs));
  x[static_cast<size_t>(k)] = 1;
  std::vector<float> y(static_cast<size_t>(outputs));
  MatMul(matrix, {x.data(), 1, inputs, inputs}, {y.data(), 1, outputs, outputs},
         arena, threads);
  return y;
}

TEST_F(WeightScopeTest, MatricesAreThePartsOfAStack) {
  RandomSource source(1, DType::kQ8_0);
  WeightScope w(source, threads_);
  const std::vector<PackedMatrix> matrices =
      w.Matrices("experts.weight", 64, 5, 3);
  const std::vector<float> all =
      w.Vector("experts.weight", {64, 5, 3}, Role::kMatrix);
  ASSERT_EQ(matrices.size(), 3u);
  for (size_t i = 0; i < matrices.size(); ++i) {
    const std::vector<float> column = ColumnOf(matrices[i], 41, threads_);
    for (size_t n = 0; n < 5; ++n) {
      EXPECT_EQ(column[n], all[(i * 5 + n) * 64 + 41]);
    }
  }
}

TEST_F(WeightScopeTest, PartsOfAMatrixArePackedAsStoredAndTransposed) {
  for (const DType type : {DType::kF16, DType::kQ8_0}) {
    RandomSource source(1, type);
    WeightScope w(source, threads_);
    const StoredMatrix stored = w.Stored("m.weight", 32, 9);
    const std::vector<float> all = w.Vector("m.weight", {32, 9}, Role::kMatrix);
    const PackedMatrix rows = w.PackRows(stored, 2, 5);
    EXPECT_EQ(rows.type(), type);
    const PackedMatrix transposed = w.PackTransposed(stored, 2, 5);
    EXPECT_EQ(transposed.inputs(), 5);
    const std::vector<float> column = ColumnOf(rows, 30, threads_);
    for (size_t n = 0; n < 5; ++n) {
      EXPECT_EQ(column[n], all[(2 + n) * 32 + 30]);
    }
    const std::vector<float> row = ColumnOf(transposed, 3, threads_);
    for (size_t k = 0; k < 32; ++k) EXPECT_EQ(row[k], all[5 * 32 + k]);
  }
}

// A source that lacks one tensor and has another in the wrong shape.
class BrokenSource : public RandomSource {
 public:
  BrokenSource() : RandomSource(1, DType::kF32) {}
  Result<StoredTensor> Find(std::string_view name, const Shape& shape,
                            Role role) override {
    if (name == "blk.0.missing.weight") {
      return Error{std::string(name) + ": the file has no such tensor"};
    }
    return RandomSource::Find(name, shape, role);
  }
};

TEST_F(WeightScopeTest, KeepsTheFirstErrorAndHandsOutNothingAfterIt) {
  BrokenSource source;
  WeightScope w(source, threads_);
  EXPECT_FALSE(w.Vector("fine", {4}, Role::kBias).empty());
  WeightScope blk = w.Child("blk.0.");
  EXPECT_EQ(blk.Matrix("missing.weight", 4, 4).outputs(), 0);
  EXPECT_TRUE(w.Vector("fine", {4}, Role::kBias).empty());
  ASSERT_FALSE(w.status().ok());
  EXPECT_EQ(w.status().error().message,
            "blk.0.missing.weight: the file has no such tensor");
}

// Everything random, but A grows.
class GrowingSource : public RandomSource {
 public:
  GrowingSource() : RandomSource(1, DType::kF32) {}
  Result<StoredTensor> Find(std::string_view name, const Shape& shape,
                            Role role) override {
    return RandomSource::Find(name, shape,
                              role == Role::kDecay ? Role::kScale : role);
  }
};

TEST_F(WeightScopeTest, AMambaWhoseStateGrowsIsRefused) {
  const nn::MambaConfig config = {
      .width = 8, .inner = 16, .state = 4, .taps = 4, .dt_rank = 2};
  GrowingSource growing;
  WeightScope w(growing, threads_);
  WeightScope blk = w.Child("blk.1.");
  const nn::MambaMixer mixer(blk, config, 0);
  ASSERT_FALSE(w.status().ok());
  EXPECT_TRUE(w.status().error().message.starts_with("blk.1.ssm_a: "))
      << w.status().error().message;
  EXPECT_TRUE(
      w.status().error().message.ends_with("is not a finite number <= 0"));

  RandomSource decaying(1, DType::kF32);
  WeightScope fine(decaying, threads_);
  const nn::MambaMixer loaded(fine, config, 0);
  EXPECT_TRUE(fine.status().ok());
}

}  // namespace
}  // namespace braid
