// What a model asks of the memory, and what the memory may use.
#ifndef BRAID_SRC_MEMORY_SPEC_H_
#define BRAID_SRC_MEMORY_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <vector>

namespace braid {

// One layer keeps a recurrent state, or keys and values, or both, or neither.
struct LayerSpec {
  // Recurrent: floats of the convolution window and of the state, per sequence.
  size_t conv_floats = 0;
  size_t state_floats = 0;
  // Attention: bytes per page of kPagePositions positions.
  size_t page_bytes = 0;
  // Decoders that look at an encoder's text: the same of its tokens.
  size_t cross_page_bytes = 0;

  bool recurrent() const { return conv_floats + state_floats > 0; }
  bool attention() const { return page_bytes > 0; }
};

struct MemorySpec {
  std::vector<LayerSpec> layers;
};

struct MemoryLimits {
  int max_sequences = 1;
  // Positions that all sequences together may hold in attention layers, and
  // tokens of all encoder texts together (-c).
  int64_t kv_positions = 0;
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_SPEC_H_
