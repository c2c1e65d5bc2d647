// What the generations of RWKV have in common, from the metadata.
#ifndef BRAID_SRC_MODELS_RWKV_CONFIG_H_
#define BRAID_SRC_MODELS_RWKV_CONFIG_H_

#include "models/config_reader.h"

namespace braid {

// Key wkv.head_size, which must divide `width`; and token_shift_count, if it is
// there, must be 2: one before the time mix and one before the channel mix.
// Errors go to the reader.
int ReadWkvHeadSize(ConfigReader& reader, int width);

}  // namespace braid

#endif  // BRAID_SRC_MODELS_RWKV_CONFIG_H_
