// What a model asks of the memory, and what the memory may use.
#ifndef BRAID_SRC_MEMORY_SPEC_H_
#define BRAID_SRC_MEMORY_SPEC_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/run.h"

namespace braid {

// What lies in a page of kPagePositions positions: parts one after another,
// each [outer][positions][bytes]. Keys are transposed, [heads * key_dim] outer
// and an element each; values are [heads] outer and value_dim elements each.
struct PageLayout {
  struct Part {
    size_t outer = 0;
    size_t bytes = 0;   // of one position
    size_t offset = 0;  // in the page
  };
  Part keys;
  Part values;
  size_t page_bytes = 0;  // with padding

  bool empty() const { return page_bytes == 0; }
};

// One layer keeps a recurrent state, or keys and values, or both, or neither.
struct LayerSpec {
  // Recurrent: floats of the convolution window and of the state, per sequence.
  size_t conv_floats = 0;
  size_t state_floats = 0;
  // Recurrent: floats per position from which the state is rebuilt.
  size_t log_floats = 0;
  // Attention: a page of keys and values, and how many positions a query sees;
  // 0: all before it.
  PageLayout page = {};
  int window = 0;
  // Decoders that look at an encoder's text: the same of its tokens.
  PageLayout cross_page = {};

  bool recurrent() const { return conv_floats + state_floats > 0; }
  bool attention() const { return !page.empty(); }
};

struct MemorySpec {
  std::vector<LayerSpec> layers;
};

struct MemoryLimits {
  int max_sequences = 1;
  // Positions that all sequences together may hold in attention layers, and
  // tokens of all encoder texts together (-c).
  int64_t kv_positions = 0;
  int max_batch = 0;  // tokens of one plan (-b)
  // EngineOptions.
  int page_positions = kPagePositions;
  int rollback = 0;
  int checkpoint_every = 0;
  size_t checkpoint_bytes = 0;
  size_t bytes = 0;  // of everything; 0: no limit
};

}  // namespace braid

#endif  // BRAID_SRC_MEMORY_SPEC_H_
