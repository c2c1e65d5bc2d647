// Every architecture answers like its reference: a tiny model of each is
// converted from its Hugging Face folder, loaded, and held against the float32
// logits, or hidden rows, of zoo/. And the reverse: a constant that is slightly
// wrong is seen.
#include "tests/golden/zoo.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"

namespace braid::zoo {
namespace {

namespace fs = std::filesystem;

constexpr double kTolerance = 5e-5;  // of the spread of the reference's logits
constexpr int kAtLeastPositions = 64;

struct Row {
  const char* name;  // a folder of tests/golden/zoo
  double tolerance = kTolerance;
};

constexpr Row kRows[] = {
    {"bert"},       // learned positions, GELU by erf, the first token's row
    {"deepseek2"},  // low-rank queries, scaled experts
    {"deepseek2-lite"},    // MLA, YaRN, shared experts
    {"deepseek3"},         // sigmoid router, groups of experts
    {"falcon-h1"},         // both mixers in a layer, multipliers, two groups
    {"falcon-mamba"},      // norms on dt, B and C
    {"gemma2"},            // soft caps, a window in every second layer
    {"gemma3"},            // five windows to one, two rotary bases
    {"granitehybrid"},     // four scales, shared and routed experts
    {"jamba"},             // one attention layer in four, experts
    {"lfm2"},              // gated short convolutions
    {"llama"},             // frequencies scaled by wavelength
    {"llama-yarn"},        // YaRN
    {"mamba"},             // selective scan
    {"mamba2"},            // nine heads, one group
    {"mamba2-codestral"},  // eight groups; BF16
    {"mixtral"},           // softmax over the chosen experts
    {"nemotron_h"},        // one mixer in a layer, squared ReLU
    {"nomic-bert"},        // rotary, SwiGLU, the mean of all rows
    {"openelm"},           // heads and widths by layer
    {"qwen2"},             // biases on queries, keys and values
    {"qwen3"},             // norms on queries and keys
    {"qwen35"},            // delta nets in tiles of heads, gated attention
    {"qwen35moe"},         // with experts, and one behind a gate
    {"rwkv6"},             // the residual halved as it goes
    {"rwkv7"},             // values of layer 0 mixed in
    {"smollm3"},           // every fourth layer does not turn
    {"t5"},                // ReLU, tied and scaled output
    {"t5-encoder"},        // the encoder alone
    {"t5-gated"},          // gated GELU, an output of its own
};

// A constant of config.json that is off by little.
struct Mistake {
  const char* name;
  std::string_view right;
  std::string_view wrong;
};

constexpr Mistake kMistakes[] = {
    {"gemma2", "\"sliding_window\": 16", "\"sliding_window\": 17"},
    {"llama", "\"rms_norm_eps\": 1e-05", "\"rms_norm_eps\": 2e-05"},
};

std::string ReadFile(const fs::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

class Zoo : public testing::Test {
 protected:
  void SetUp() override {
    scratch_ = fs::path(testing::TempDir()) / Format("braid_zoo.{}", getpid());
    fs::create_directory(scratch_);
  }
  void TearDown() override { fs::remove_all(scratch_); }

  fs::path scratch_;
};

// A line of the table; the worst of the ways to decode.
void Report(const char* name, const Difference& difference) {
  std::printf("%-18s %9d %11.2e %8.2f %9.1e\n", name, difference.positions,
              difference.largest, difference.spread, difference.ratio());
}

TEST_F(Zoo, EveryArchitectureAnswersLikeItsReference) {
  std::printf("%-18s %9s %11s %8s %9s\n", "model", "positions", "largest",
              "spread", "ratio");
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string gguf = scratch_ / (std::string(row.name) + ".gguf");
    const auto golden = ReadGolden(Folder(row.name));
    ASSERT_TRUE(golden.ok()) << golden.error().message;
    EXPECT_GE(golden->tokens.size(), kAtLeastPositions);
    const Status converted = Convert(Folder(row.name), gguf);
    EXPECT_TRUE(converted.ok()) << converted.error().message;
    if (!converted.ok()) continue;

    const auto alone = CompareAlone(gguf, *golden);
    const auto in_company = CompareInCompany(gguf, *golden);
    EXPECT_TRUE(alone.ok()) << alone.error().message;
    EXPECT_TRUE(in_company.ok()) << in_company.error().message;
    if (!alone.ok() || !in_company.ok()) continue;
    EXPECT_EQ(in_company->positions, 2 * alone->positions);
    Difference worst = *alone;
    worst.largest = std::max(worst.largest, in_company->largest);
    if (!golden->pooled.empty()) {
      const auto pooled = ComparePooled(gguf, *golden);
      ASSERT_TRUE(pooled.ok()) << pooled.error().message;
      worst.largest = std::max(worst.largest, pooled->largest);
    }
    Report(row.name, worst);
    EXPECT_LE(worst.ratio(), row.tolerance);
  }
}

TEST_F(Zoo, TheTextBecomesTheReferencesTokens) {
  const std::string text = ReadFile(Folder("text.txt"));
  for (const Row& row : kRows) {
    SCOPED_TRACE(row.name);
    const std::string gguf = scratch_ / "vocabulary.gguf";
    const auto golden = ReadGolden(Folder(row.name));
    ASSERT_TRUE(golden.ok()) << golden.error().message;
    const Status converted = Convert(Folder(row.name), gguf);
    ASSERT_TRUE(converted.ok()) << converted.error().message;
    const auto tokenizer = LoadTokenizer(gguf);
    ASSERT_TRUE(tokenizer.ok()) << tokenizer.error().message;
    std::vector<TokenId> tokens = (*tokenizer)->Encode(text, {});
    std::vector<TokenId> expected = golden->encoder_tokens.empty()
                                        ? golden->tokens
                                        : golden->encoder_tokens;
    expected.pop_back();  // an encoder's is the end of the text
    ASSERT_GE(tokens.size(), expected.size());
    tokens.resize(expected.size());
    EXPECT_EQ(tokens, expected);
  }
}

TEST_F(Zoo, AConstantThatIsSlightlyWrongIsSeen) {
  for (const Mistake& mistake : kMistakes) {
    SCOPED_TRACE(mistake.name);
    const fs::path folder = scratch_ / mistake.name;
    fs::copy(Folder(mistake.name), folder, fs::copy_options::recursive);
    std::string config = ReadFile(folder / "config.json");
    const size_t at = config.find(mistake.right);
    ASSERT_NE(at, std::string::npos) << mistake.right;
    config.replace(at, mistake.right.size(), mistake.wrong);
    std::ofstream(folder / "config.json", std::ios::binary) << config;

    const std::string gguf = scratch_ / "mistake.gguf";
    const auto golden = ReadGolden(folder);
    ASSERT_TRUE(golden.ok()) << golden.error().message;
    const Status converted = Convert(folder, gguf);
    ASSERT_TRUE(converted.ok()) << converted.error().message;
    const auto difference = CompareAlone(gguf, *golden);
    ASSERT_TRUE(difference.ok()) << difference.error().message;
    Report(mistake.name, *difference);
    EXPECT_GT(difference->ratio(), kTolerance) << mistake.wrong;
  }
}

// No file says which GELU a BERT has: here the reference has the wrong one.
TEST_F(Zoo, TheOtherKindOfGeluIsSeen) {
  const std::string gguf = scratch_ / "bert.gguf";
  const auto golden =
      ReadGolden(Folder("bert"), "golden_gelu_pytorch_tanh.safetensors");
  ASSERT_TRUE(golden.ok()) << golden.error().message;
  const Status converted = Convert(Folder("bert"), gguf);
  ASSERT_TRUE(converted.ok()) << converted.error().message;
  const auto difference = CompareAlone(gguf, *golden);
  ASSERT_TRUE(difference.ok()) << difference.error().message;
  Report("bert", *difference);
  EXPECT_GT(difference->ratio(), kTolerance);
}

}  // namespace
}  // namespace braid::zoo
