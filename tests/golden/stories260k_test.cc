// A trained Llama continues from BOS with the text that its model card states.
// The text is longer than the 200 tokens that matter; all of it is compared.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "braid/engine.h"
#include "braid/sampling.h"

namespace braid {
namespace {

constexpr int kAtLeast = 200;
constexpr int kAtMost = 300;

std::string ReadFile(const std::filesystem::path& path) {
  std::ifstream stream(path, std::ios::binary);
  std::stringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::string WithoutTrailingSpace(std::string text) {
  text.erase(text.find_last_not_of(" \n") + 1);
  return text;
}

TEST(Stories260K, GreedyTextIsTheReferences) {
  const std::filesystem::path folder =
      std::filesystem::path(BRAID_DATA_DIR) / "weights";
  const std::filesystem::path file = folder / "stories260K-f32.gguf";
  if (!std::filesystem::exists(file)) GTEST_SKIP() << file << " is not there";

  auto model = Model::Load(file.string(), {});
  ASSERT_TRUE(model.ok()) << model.error().message;
  auto engine = Engine::Create(*model, {});
  ASSERT_TRUE(engine.ok()) << engine.error().message;
  const Tokenizer& tokenizer = (*model)->tokenizer();

  SamplingParams greedy;
  greedy.temperature = 0;
  SamplingScratch scratch;
  const std::string expected =
      WithoutTrailingSpace(ReadFile(folder / "stories260K-greedy.txt"));
  std::string text;
  std::vector<TokenId> tokens = {tokenizer.bos()};
  Batch batch;
  while (text.size() < expected.size() &&
         static_cast<int>(tokens.size()) <= kAtMost) {
    batch.Clear();
    batch.Add(tokens.back(), static_cast<Position>(tokens.size()) - 1, 0,
              Want::kLogits);
    const Status status = (*engine)->Decode(batch);
    ASSERT_TRUE(status.ok()) << status.error().message;
    tokens.push_back(
        SampleToken((*engine)->Logits(0), tokens, greedy, scratch));
    text = tokenizer.Decode(tokens, {});
  }
  EXPECT_EQ(WithoutTrailingSpace(text), expected);
  EXPECT_GE(static_cast<int>(tokens.size()) - 1, kAtLeast);
}

}  // namespace
}  // namespace braid
