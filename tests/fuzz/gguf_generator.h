// Random GGUF files for the fuzzer: well-formed ones, so that the code behind
// the parser is reached, and small damage, so that the parser is.
#ifndef BRAID_TESTS_FUZZ_GGUF_GENERATOR_H_
#define BRAID_TESTS_FUZZ_GGUF_GENERATOR_H_

#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/random.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace braid::gguf {

// What a file is to hold, with the texts that it needs.
struct Draft {
  Contents contents;
  std::deque<std::string> texts;  // a deque: views stay valid as it grows
};

// A few keys and tensors.
Draft RandomDraft(Random& random);

// The contents of `file`, which must outlive the draft.
Draft DraftOf(const File& file);

// Adds, replaces or removes a key or a tensor, or changes their order.
void Mutate(Random& random, Draft* draft);

// The whole file, tensor data included (random bytes). Empty if the draft
// breaks a rule or the file would be larger than `max_bytes`.
std::vector<std::byte> Encode(Random& random, const Draft& draft,
                              size_t max_bytes);

// Overwrites one number of 1 to 8 bytes, anywhere, with one that tends to hurt.
void Corrupt(Random& random, std::vector<std::byte>* bytes);

}  // namespace braid::gguf

#endif  // BRAID_TESTS_FUZZ_GGUF_GENERATOR_H_
