// The tiny models of tests/golden/zoo: Hugging Face folders with what their
// reference in zoo/ answers, held against the engine.
#ifndef BRAID_TESTS_GOLDEN_ZOO_H_
#define BRAID_TESTS_GOLDEN_ZOO_H_

#include <string>
#include <vector>

#include "braid/engine.h"
#include "braid/result.h"

namespace braid::zoo {

// What the reference answers to a text.
struct Golden {
  std::vector<TokenId> tokens;
  // What the encoder of an encoder-decoder has read; the tokens are then the
  // decoder's.
  std::vector<TokenId> encoder_tokens;
  Want want = Want::kLogits;  // or kHidden: a model that reads only
  std::vector<float> rows;    // [tokens][width], what is wanted
  int width = 0;
  std::vector<float> pooled;  // the text's embedding, where a file pools
};

// Over every value of every position.
struct Difference {
  int positions = 0;
  double largest = 0;  // of |value - reference|; infinite if one is no number
  double spread = 0;   // largest value of the reference less the smallest

  double ratio() const { return largest / spread; }
};

// The folder of a tiny model.
std::string Folder(const std::string& name);

Result<Golden> ReadGolden(const std::string& folder,
                          const std::string& file = "golden.safetensors");

// Converts a Hugging Face folder to a GGUF file whose weights are float32.
Status Convert(const std::string& folder, const std::string& gguf);

// The reference's text as one sequence, in one batch. Keys and values are
// float32 here and below.
Result<Difference> CompareAlone(const std::string& gguf, const Golden& golden);

// The text twice, as two sequences side by side: a decoder's in pieces of
// changing lengths, those of a model that reads both ways token by token in
// turns.
Result<Difference> CompareInCompany(const std::string& gguf,
                                    const Golden& golden);

// The embedding of the text against golden.pooled, which is there. The spread
// is that of the rows.
Result<Difference> ComparePooled(const std::string& gguf, const Golden& golden);

}  // namespace braid::zoo

#endif  // BRAID_TESTS_GOLDEN_ZOO_H_
