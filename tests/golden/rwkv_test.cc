// Trained models of RWKV-6 and RWKV-7 answer like the reference of zoo/ on the
// same weights, and RWKV-6 like the logits that its publisher states for the
// weights before they were quantised.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "braid/engine.h"
#include "tests/golden/rwkv_container.h"

namespace braid {
namespace {

namespace fs = std::filesystem;

constexpr int kVocabulary = 256;  // the bytes
// What made the logits in tests/golden/data (zoo/rwkv_to_gguf.py).
constexpr std::string_view kText =
    "It is a truth universally acknowledged, that a single man in pos";

std::vector<float> ReadFloats(const fs::path& path) {
  std::vector<float> values(fs::file_size(path) / sizeof(float));
  std::ifstream(path, std::ios::binary)
      .read(reinterpret_cast<char*>(values.data()),
            static_cast<std::streamsize>(values.size() * sizeof(float)));
  return values;
}

class RwkvGolden : public testing::Test {
 protected:
  void TearDown() override { fs::remove(gguf_); }

  // Logits of every byte of `text`; empty if the weights are not there.
  std::vector<float> Logits(const char* name, std::string_view text) {
    std::vector<float> logits;
    const fs::path path = Weights() / name;
    if (!fs::exists(path)) return logits;
    const Status converted = ConvertRwkvContainer(path, gguf_);
    EXPECT_TRUE(converted.ok()) << converted.error().message;
    if (!converted.ok()) return logits;
    auto model = Model::Load(gguf_, {});
    EXPECT_TRUE(model.ok()) << model.error().message;
    if (!model.ok()) return logits;
    auto engine = Engine::Create(*model, {});
    EXPECT_TRUE(engine.ok()) << engine.error().message;
    if (!engine.ok()) return logits;
    Batch batch;
    for (const char byte : text) {
      batch.Add(static_cast<unsigned char>(byte), batch.size(), 0,
                Want::kLogits);
    }
    const Status decoded = (*engine)->Decode(batch);
    EXPECT_TRUE(decoded.ok()) << decoded.error().message;
    for (int i = 0; i < batch.size() && decoded.ok(); ++i) {
      const auto row = (*engine)->Logits(i);
      logits.insert(logits.end(), row.begin(), row.end());
    }
    return logits;
  }

  static fs::path Weights() { return fs::path(BRAID_DATA_DIR) / "weights"; }

  const std::string gguf_ =
      fs::path(testing::TempDir()) / Format("braid_rwkv.{}.gguf", getpid());
};

float LargestDifference(const std::vector<float>& a,
                        const std::vector<float>& b) {
  if (a.size() != b.size()) return INFINITY;
  float largest = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    const float difference = std::fabs(a[i] - b[i]);
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

TEST_F(RwkvGolden, LogitsAreTheReferences) {
  const fs::path data = fs::path(BRAID_SOURCE_DIR) / "tests/golden/data";
  const struct {
    const char* weights;
    const char* logits;
  } models[] = {{"tiny-rwkv-6v0-3m-Q5_1.bin", "rwkv6-3m-logits.f32"},
                {"tiny-rwkv-7v0-834K-FP32.bin", "rwkv7-834k-logits.f32"}};
  for (const auto& model : models) {
    const std::vector<float> logits = Logits(model.weights, kText);
    if (logits.empty() && !HasFailure()) {
      GTEST_SKIP() << Weights() / model.weights << " is not there";
    }
    EXPECT_LE(LargestDifference(logits, ReadFloats(data / model.logits)), 1e-4f)
        << model.weights;
  }
}

TEST_F(RwkvGolden, Rwkv6AnswersLikeItsPublisher) {
  const fs::path expected = Weights() / "expected-logits-6v0-3m.bin";
  const std::vector<float> logits = Logits("tiny-rwkv-6v0-3m-Q5_1.bin", "\"in");
  if ((logits.empty() || !fs::exists(expected)) && !HasFailure()) {
    GTEST_SKIP() << expected << " is not there";
  }
  ASSERT_EQ(logits.size(), size_t{3} * kVocabulary);
  const std::vector<float> last(logits.end() - kVocabulary, logits.end());
  // The publisher's weights were not quantised yet.
  EXPECT_LE(LargestDifference(last, ReadFloats(expected)), 0.1f);
}

}  // namespace
}  // namespace braid
