// two_texts MODEL: continues two texts in one batch, with the public API only.
#include <cstdio>
#include <string>
#include <vector>

#include "braid/engine.h"
#include "braid/sampling.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  auto model = braid::Model::Load(argv[1], {});
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    return 1;
  }
  auto engine = braid::Engine::Create(*model, {.max_sequences = 2});
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    return 1;
  }
  const braid::Tokenizer& tokenizer = (*model)->tokenizer();
  std::vector<std::vector<braid::TokenId>> texts = {
      tokenizer.Encode("The old house", {}), tokenizer.Encode("At sea,", {})};
  braid::SamplingScratch scratch;

  for (int step = 0; step < 32; ++step) {
    // What is new of each text; of its last token we want the logits.
    braid::Batch batch;
    int entry[2];
    for (int s = 0; s < 2; ++s) {
      const auto size = static_cast<braid::Position>(texts[s].size());
      for (auto p = (*engine)->NextPosition(s); p < size; ++p) {
        entry[s] = batch.Add(
            texts[s][p], p, s,
            p + 1 == size ? braid::Want::kLogits : braid::Want::kNothing);
      }
    }
    if (const braid::Status status = (*engine)->Decode(batch); !status.ok()) {
      std::fprintf(stderr, "%s\n", status.error().message.c_str());
      return 1;
    }
    for (int s = 0; s < 2; ++s) {
      texts[s].push_back(braid::SampleToken((*engine)->Logits(entry[s]),
                                            texts[s], {}, scratch));
    }
  }
  for (const auto& text : texts) {
    std::printf("%s\n", tokenizer.Decode(text, {}).c_str());
  }
  return 0;
}
