// TensorSite: what a tensor is for and where in the model it stands, read from
// its name; and Census, which counts what the model has.
#ifndef BRAID_SRC_QUANTIZE_TENSOR_SITE_H_
#define BRAID_SRC_QUANTIZE_TENSOR_SITE_H_

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "braid/result.h"
#include "gguf/file.h"

namespace braid::quantize {

enum class Purpose {
  kOutput,           // to the vocabulary
  kTokenEmbedding,   // from the vocabulary
  kAttentionValue,   // attn_v, or the matrix that holds it: attn_qkv, attn_kv_b
  kAttentionOutput,  // attn_output
  kAttentionKey,     // attn_k
  kFeedForwardDown,  // ffn_down, of experts too
  kOther,
};

struct TensorSite {
  Purpose purpose = Purpose::kOther;
  std::string_view stack;  // "", "enc.", "dec."
  int layer = -1;          // -1: in no layer
};

TensorSite FindSite(std::string_view name);

// Whether a tensor may be stored in blocks: at least two dimensions, a name in
// "weight", and none of those whose few values steer many (norms, routers,
// short convolutions, positions, low-rank parts of RWKV).
bool IsQuantizable(const gguf::TensorInfo& tensor);

// What a rule may ask about a tensor's place: never by counting one name, so
// that hybrids, encoders with decoders and fused projections are served alike.
struct Place {
  TensorSite site;
  int rank = 0;   // among the layers of its stack that have its purpose
  int count = 0;  // of those layers
  int queries_per_key = 0;  // heads / key-value heads of its layer; 0: unknown
};

class Census {
 public:
  // Errors: head counts of another kind than numbers.
  static Result<Census> Take(const gguf::File& file);

  Place Find(std::string_view name) const;

  bool falcon() const { return falcon_; }
  // A Llama of 80 layers with grouped queries.
  bool seventy_billion() const { return seventy_billion_; }
  int experts() const { return experts_; }
  // Token embeddings are the output matrix, too.
  bool tied() const { return tied_; }

 private:
  Census() = default;

  std::map<std::pair<std::string_view, Purpose>, std::set<int>> layers_;
  std::vector<int> queries_per_key_;  // by layer
  bool falcon_ = false;
  bool seventy_billion_ = false;
  bool tied_ = false;
  int experts_ = 0;
};

}  // namespace braid::quantize

#endif  // BRAID_SRC_QUANTIZE_TENSOR_SITE_H_
