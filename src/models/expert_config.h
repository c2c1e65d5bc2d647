// ReadExperts: the mixture of experts of an architecture, from the metadata.
#ifndef BRAID_SRC_MODELS_EXPERT_CONFIG_H_
#define BRAID_SRC_MODELS_EXPERT_CONFIG_H_

#include "models/config_reader.h"
#include "nn/moe.h"

namespace braid {

// What holds where the file has no key for it.
struct ExpertDefaults {
  int hidden = 0;
  bool normalized = false;
};

// Keys expert_count, expert_used_count, expert_feed_forward_length,
// expert_gating_func (1 softmax, 2 sigmoid, 3 softmax of the selected),
// expert_weights_norm, expert_weights_scale, expert_group_count and
// expert_group_used_count. Errors go to the reader. Without experts
// `routing.experts` is 0.
nn::MoeConfig ReadExperts(ConfigReader& reader, int width,
                          const ExpertDefaults& defaults);

}  // namespace braid

#endif  // BRAID_SRC_MODELS_EXPERT_CONFIG_H_
