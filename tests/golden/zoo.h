// The tiny models of tests/golden/zoo: Hugging Face folders with what their
// reference in zoo/ answers, held against the engine.
#ifndef BRAID_TESTS_GOLDEN_ZOO_H_
#define BRAID_TESTS_GOLDEN_ZOO_H_

#include <string>
#include <vector>

#include "braid/engine.h"
#include "braid/result.h"

namespace braid::zoo {

// A folder's golden.safetensors, of a model that writes text.
struct Golden {
  std::vector<TokenId> tokens;
  std::vector<float> logits;  // [tokens][vocabulary]
  int vocabulary = 0;
};

// Over every position and every token of the vocabulary.
struct Difference {
  int positions = 0;
  double largest = 0;  // of |logit - reference|; infinite if one is no number
  double spread = 0;   // largest reference logit less the smallest

  double ratio() const { return largest / spread; }
};

// The folder of a tiny model.
std::string Folder(const std::string& name);

Result<Golden> ReadGolden(const std::string& folder);

// Converts a Hugging Face folder to a GGUF file whose weights are float32.
Status Convert(const std::string& folder, const std::string& gguf);

// The reference's text as one sequence, in one batch. Keys and values are
// float32 here and below.
Result<Difference> CompareInOneBatch(const std::string& gguf,
                                     const Golden& golden);

// The text twice, as two sequences that advance side by side in pieces of
// changing lengths.
Result<Difference> CompareInPieces(const std::string& gguf,
                                   const Golden& golden);

}  // namespace braid::zoo

#endif  // BRAID_TESTS_GOLDEN_ZOO_H_
