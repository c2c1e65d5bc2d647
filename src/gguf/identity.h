// Identity: two numbers that tell models apart.
#ifndef BRAID_SRC_GGUF_IDENTITY_H_
#define BRAID_SRC_GGUF_IDENTITY_H_

#include <cstdint>

#include "braid/result.h"
#include "gguf/file.h"

namespace braid::gguf {

struct Identity {
  // Of all that a model's answers depend on: the tensors' names, types, shapes
  // and bytes, and the metadata of its architecture.
  uint64_t weights = 0;
  // Of its vocabulary: the metadata that begins with "tokenizer.".
  uint64_t tokenizer = 0;
};

// The order of tensors and keys, how the file is split and aligned, and what
// else its metadata says change nothing. Reads every tensor once, in pieces.
// Error: one cannot be read to its end.
Result<Identity> IdentityOf(const File& file);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_IDENTITY_H_
