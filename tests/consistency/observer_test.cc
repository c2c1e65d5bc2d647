// What is shown of matrices that a model multiplies in another form than they
// are stored in.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "engine/batch_engine.h"
#include "ops/input_observer.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

struct Shown {
  std::string tensor;  // empty: a matrix
  std::vector<float> first_row;
  int64_t rows;
};

class Recorder : public InputObserver {
 public:
  void Observe(const PackedMatrix&, ConstRows x, ThreadPool&) override {
    Add("", x);
  }
  void ObserveTensor(const std::string& tensor, ConstRows x,
                     ThreadPool&) override {
    Add(tensor, x);
  }

  std::vector<Shown> shown;

 private:
  void Add(const std::string& tensor, ConstRows x) {
    shown.push_back({tensor, {x.row(0), x.row(0) + x.width}, x.rows});
  }
};

std::vector<Shown> Show(int tokens) {
  const auto model = MakeTinyModel(TinyKind::kDeepseek2, DType::kF32);
  auto engine = BatchEngine::Create(
      model, {.context = 64, .threads = 2, .kv_type = KvType::kF32});
  if (!engine.ok()) return {};
  Recorder recorder;
  (*engine)->ObserveInputs(&recorder);
  Batch batch;
  for (int i = 0; i < tokens; ++i) batch.Add(i + 3, i, 0, Want::kNothing);
  Engine& plain = **engine;
  EXPECT_TRUE(plain.Decode(batch).ok());
  return recorder.shown;
}

bool IsTensor(const Shown& shown) { return !shown.tensor.empty(); }

TEST(ObserverTest, OnlyJoinedTensorsAreShownByName) {
  const std::vector<Shown> shown = Show(/*tokens=*/5);
  ASSERT_EQ(std::ranges::count_if(shown, IsTensor), 1);
  const auto joined = std::ranges::find_if(shown, IsTensor);
  EXPECT_EQ(joined->tensor, "blk.2.attn_kv_b.weight");
  EXPECT_EQ(joined->rows, 5);
}

// A token alone attends to itself: what W^UV of each head is multiplied with
// is its latent vector.
TEST(ObserverTest, TheInputOfJoinedKeysAndValuesIsTheLatent) {
  const std::vector<Shown> shown = Show(/*tokens=*/1);
  const auto joined = std::ranges::find_if(shown, IsTensor);
  ASSERT_NE(joined, shown.end());
  const auto same = std::count_if(joined + 1, shown.end(), [&](const Shown& s) {
    return s.first_row == joined->first_row;
  });
  EXPECT_GT(same, 1);  // heads
}

}  // namespace
}  // namespace braid
