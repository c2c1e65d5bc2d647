#include "kernels/matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/fp_guard.h"
#include "base/random.h"
#include "kernels/ref/matmul_twin.h"
#include "kernels/targets.h"
#include "tensor/codec.h"
#include "tensor/formats.h"
#include "tensor/half.h"

namespace braid {
namespace {

// The bits agree, or both are NaN (whose payload is not defined).
bool Same(float a, float b) {
  return std::memcmp(&a, &b, sizeof(a)) == 0 ||
         (std::isnan(a) && std::isnan(b));
}

struct Matrix {
  std::vector<float> values;
  int64_t width;
  int64_t stride;

  // Rows lie further apart than they are wide.
  Matrix(int64_t rows, int64_t row_width, int64_t gap)
      : values(static_cast<size_t>(rows * (row_width + gap)), 7.0f),
        width(row_width),
        stride(row_width + gap) {}
  Rows View(int64_t rows) { return {values.data(), rows, width, stride}; }
};

std::vector<std::byte> RandomWeights(DType type, int64_t inputs,
                                     int64_t outputs, Random& random) {
  std::vector<float> row(static_cast<size_t>(inputs));
  const size_t row_bytes = RowBytes(type, inputs);
  std::vector<std::byte> stored(row_bytes * static_cast<size_t>(outputs));
  for (int64_t n = 0; n < outputs; ++n) {
    for (float& value : row) value = random.Uniform(-0.1f, 0.1f);
    EncodeRow(type, row.data(), inputs,
              stored.data() + static_cast<size_t>(n) * row_bytes);
  }
  return stored;
}

Matrix RandomRows(int64_t rows, int64_t width, Random& random) {
  Matrix x(rows, width, 5);
  for (float& value : x.values) value = random.Uniform(-2.0f, 2.0f);
  return x;
}

// Inputs to test: around every unit and panel size, and lengths of real models.
std::vector<int64_t> InputCounts(DType type) {
  switch (BlockElements(type)) {
    case 1:
      return {1, 2, 7, 8, 9, 31, 96, 127, 129, 193, 768};
    case 32:
      return {32, 64, 96, 160, 224, 768, 1056};
    default:
      return {256, 512, 768};
  }
}

constexpr int64_t kOutputs[] = {1, 15, 16, 17, 48, 100};
constexpr int64_t kRows[] = {1, 2,  3,  4,  5,  6,  7,  8,
                             9, 12, 15, 16, 17, 33, 100};
constexpr int64_t kMaxOutputs = 100;
constexpr int64_t kMaxRows = 100;

// How many elements of y differ from the first outputs of `expected`.
int64_t CountDifferences(ConstRows y, ConstRows expected) {
  int64_t differing = 0;
  for (int64_t m = 0; m < y.rows; ++m) {
    for (int64_t n = 0; n < y.width; ++n) {
      if (!Same(y.row(m)[n], expected.row(m)[n])) ++differing;
    }
  }
  return differing;
}

class MatMulTest : public testing::TestWithParam<DType> {
 protected:
  void TearDown() override { UseVectorTarget(""); }

  const FloatGuard guard_;
  Random random_{11};
  Arena arena_;
  HugeBlocks blocks_;
};

TEST_P(MatMulTest, EveryPathEqualsTheTwin) {
  const DType type = GetParam();
  ThreadPool pools[] = {ThreadPool(1), ThreadPool(2), ThreadPool(3)};
  for (const int64_t inputs : InputCounts(type)) {
    const auto stored = RandomWeights(type, inputs, kMaxOutputs, random_);
    Matrix x = RandomRows(kMaxRows, inputs, random_);
    Matrix expected(kMaxRows, kMaxOutputs, 0);
    MatMulTwin(type, stored.data(), inputs, kMaxOutputs, x.View(kMaxRows),
               expected.View(kMaxRows));
    for (const int64_t outputs : kOutputs) {
      const PackedMatrix w = PackedMatrix::Pack(type, stored.data(), inputs,
                                                outputs, blocks_, pools[1]);
      for (const std::string& target : VectorTargets()) {
        UseVectorTarget(target);
        for (ThreadPool& pool : pools) {
          for (const int64_t rows : kRows) {
            Matrix y(rows, outputs, 3);
            MatMul(w, x.View(rows), y.View(rows), arena_, pool);
            ASSERT_EQ(CountDifferences(y.View(rows), expected.View(rows)), 0)
                << Name(type) << " on " << target << ", " << pool.threads()
                << " threads: " << rows << " rows, " << inputs << " inputs, "
                << outputs << " outputs";
            ASSERT_EQ(y.values.back(), 7.0f) << "wrote between the rows";
          }
        }
      }
    }
  }
}

// More rows than fit in one block of the many-row kernel.
TEST_P(MatMulTest, ManyRowBlocksEqualSingleRows) {
  const DType type = GetParam();
  constexpr int64_t kInputs = 1536;
  constexpr int64_t kColumns = 70;
  constexpr int64_t kBlocksOfRows = 203;
  const auto stored = RandomWeights(type, kInputs, kColumns, random_);
  Matrix x = RandomRows(kBlocksOfRows, kInputs, random_);
  ThreadPool pool(2);
  const PackedMatrix w =
      PackedMatrix::Pack(type, stored.data(), kInputs, kColumns, blocks_, pool);
  Matrix expected(kBlocksOfRows, kColumns, 0);
  for (int64_t m = 0; m < kBlocksOfRows; ++m) {
    MatMul(w, {x.View(kBlocksOfRows).row(m), 1, kInputs, kInputs},
           {expected.View(kBlocksOfRows).row(m), 1, kColumns, kColumns}, arena_,
           pool);
  }
  for (const std::string& target : VectorTargets()) {
    UseVectorTarget(target);
    Matrix y(kBlocksOfRows, kColumns, 0);
    MatMul(w, x.View(kBlocksOfRows), y.View(kBlocksOfRows), arena_, pool);
    EXPECT_EQ(
        CountDifferences(y.View(kBlocksOfRows), expected.View(kBlocksOfRows)),
        0)
        << Name(type) << " on " << target;
  }
}

TEST_P(MatMulTest, AgreesWithTheOracle) {
  const DType type = GetParam();
  for (const int64_t inputs : InputCounts(type)) {
    constexpr int64_t kTestedRows = 3;
    constexpr int64_t kTestedOutputs = 33;
    const auto stored = RandomWeights(type, inputs, kTestedOutputs, random_);
    Matrix x = RandomRows(kTestedRows, inputs, random_);
    ThreadPool pool(1);
    const PackedMatrix w = PackedMatrix::Pack(type, stored.data(), inputs,
                                              kTestedOutputs, blocks_, pool);
    Matrix y(kTestedRows, kTestedOutputs, 0);
    MatMul(w, x.View(kTestedRows), y.View(kTestedRows), arena_, pool);
    const auto oracle = MatMulOracle(type, stored.data(), inputs,
                                     kTestedOutputs, x.View(kTestedRows));
    for (size_t i = 0; i < oracle.size(); ++i) {
      ASSERT_NEAR(y.values[i], oracle[i].value, oracle[i].tolerance)
          << Name(type) << ", " << inputs << " inputs, element " << i;
    }
  }
}

// Any bytes are weights: infinite, NaN and subnormal scales; and inputs that
// are infinite, NaN, denormal or zeros of either sign.
TEST_P(MatMulTest, SpecialValuesEqualTheTwin) {
  const DType type = GetParam();
  constexpr int64_t kInputs = 512;
  const float special[] = {std::numeric_limits<float>::infinity(),
                           -std::numeric_limits<float>::infinity(),
                           std::numeric_limits<float>::quiet_NaN(),
                           1e-40f,
                           -1e-40f,
                           -0.0f,
                           3e38f,
                           1e-30f};
  std::vector<std::byte> stored(RowBytes(type, kInputs) * kMaxOutputs);
  for (std::byte& b : stored) b = static_cast<std::byte>(random_.Below(256));
  Matrix x = RandomRows(kMaxRows, kInputs, random_);
  for (int64_t m = 0; m < kMaxRows; ++m) {
    for (int i = 0; i < m % 4; ++i) {
      x.View(kMaxRows).row(m)[random_.Below(kInputs)] =
          special[random_.Below(8)];
    }
  }
  Matrix expected(kMaxRows, kMaxOutputs, 0);
  MatMulTwin(type, stored.data(), kInputs, kMaxOutputs, x.View(kMaxRows),
             expected.View(kMaxRows));
  ThreadPool pool(2);
  const PackedMatrix w = PackedMatrix::Pack(type, stored.data(), kInputs,
                                            kMaxOutputs, blocks_, pool);
  for (const std::string& target : VectorTargets()) {
    UseVectorTarget(target);
    for (const int64_t rows : {1, 2, 4, 8, 9, 100}) {
      Matrix y(rows, kMaxOutputs, 0);
      MatMul(w, x.View(rows), y.View(rows), arena_, pool);
      EXPECT_EQ(CountDifferences(y.View(rows), expected.View(rows)), 0)
          << Name(type) << " on " << target << ", " << rows << " rows";
    }
  }
}

TEST_P(MatMulTest, AllocatesNothingInTheSteadyState) {
  const DType type = GetParam();
  constexpr int64_t kInputs = 256;
  const auto stored = RandomWeights(type, kInputs, kMaxOutputs, random_);
  Matrix x = RandomRows(kMaxRows, kInputs, random_);
  ThreadPool pool(2);
  const PackedMatrix w = PackedMatrix::Pack(type, stored.data(), kInputs,
                                            kMaxOutputs, blocks_, pool);
  Matrix y(kMaxRows, kMaxOutputs, 0);
  const auto all_sizes = [&] {
    for (const int64_t rows : {kMaxRows, int64_t{8}, int64_t{1}}) {
      MatMul(w, x.View(rows), y.View(rows), arena_, pool);
    }
    arena_.Reset();
  };
  all_sizes();
  const size_t capacity = arena_.capacity();
  all_sizes();
  EXPECT_EQ(arena_.capacity(), capacity);
}

TEST_P(MatMulTest, NoRowsIsNoWork) {
  const auto stored = RandomWeights(GetParam(), 256, 16, random_);
  ThreadPool pool(1);
  const PackedMatrix w =
      PackedMatrix::Pack(GetParam(), stored.data(), 256, 16, blocks_, pool);
  Matrix y(1, 16, 0);
  MatMul(w, {nullptr, 0, 256, 256}, y.View(0), arena_, pool);
  EXPECT_EQ(y.values[0], 7.0f);
}

INSTANTIATE_TEST_SUITE_P(Formats, MatMulTest, testing::ValuesIn(kAllDTypes),
                         [](const auto& param_info) {
                           return std::string(Name(param_info.param));
                         });

TEST(Targets, TheCpuRunsAtLeastOne) {
  ASSERT_TRUE(CheckCpu().ok());
  std::string names;
  for (const std::string& name : VectorTargets()) names += " " + name;
  std::printf("vector targets of this machine:%s\n", names.c_str());
  EXPECT_NE(names.find("AVX2"), std::string::npos);
}

}  // namespace
}  // namespace braid
