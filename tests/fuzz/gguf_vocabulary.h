// Random vocabularies for the fuzzer's GGUF files: the keys tokenizer.ggml.*,
// mostly consistent, so that the code behind the checks is reached.
#ifndef BRAID_TESTS_FUZZ_GGUF_VOCABULARY_H_
#define BRAID_TESTS_FUZZ_GGUF_VOCABULARY_H_

#include "base/random.h"
#include "tests/fuzz/gguf_generator.h"

namespace braid::gguf {

// Replaces the draft's vocabulary, if it has one.
void SetVocabulary(Random& random, Draft* draft);

}  // namespace braid::gguf

#endif  // BRAID_TESTS_FUZZ_GGUF_VOCABULARY_H_
