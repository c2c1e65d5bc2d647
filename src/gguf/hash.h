// Digests of a model's weights: of every tensor, and of all of them. Only the
// tensors' bytes count, so metadata, alignment, padding and splitting change
// nothing, and the order of the tensors changes only the last.
//
// A manifest is the list as text, a line each and the model's own last:
//   sha256  9f86d0...  model.gguf:blk.0.attn_q.weight
//   sha256  60303a...  model.gguf
// (the lines that llama-gguf-hash prints, but for their blanks).
#ifndef BRAID_SRC_GGUF_HASH_H_
#define BRAID_SRC_GGUF_HASH_H_

#include <string>
#include <string_view>
#include <vector>

#include "base/hasher.h"
#include "braid/result.h"
#include "gguf/file.h"

namespace braid::gguf {

struct NamedHash {
  std::string name;  // of a tensor
  std::string hex;   // lower case
};

struct ModelHash {
  HashKind kind = HashKind::kXxh64;
  std::vector<NamedHash> tensors;  // in file order
  std::string whole;  // of the tensors' bytes one after another, in file order
};

// Reads every tensor once, in pieces. Error: one cannot be read to its end.
Result<ModelHash> HashTensors(const File& file, HashKind kind);

// The manifest; `label` stands for the model.
std::string ManifestText(const ModelHash& hash, std::string_view label);

// Reads a manifest; blank lines are skipped. A file may hold several, one for
// each kind of hash. Errors name the line and what was found: an unknown kind
// of hash (which could not be verified), a digest of another length, a tensor
// that is listed twice, a list whose last line is not the model's.
Result<std::vector<ModelHash>> ParseManifest(std::string_view text);

// Do both list the same tensors, in any order, with the same digests? Compares
// `whole` too if the order is the same. Error: the first difference with both
// values, and how many there are. Requires the same kind.
Status CompareHashes(const ModelHash& expected, const ModelHash& found);

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_HASH_H_
