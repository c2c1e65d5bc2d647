// SmolLM3 (GGUF "smollm3"): Llama, but heads turn in three of four layers only
// (Bakouch et al., "SmolLM3: smol, multilingual, long-context reasoner", 2025;
// Yang et al., "RoPE to NoPE and Back Again", 2025).
#ifndef BRAID_SRC_MODELS_SMOLLM3_H_
#define BRAID_SRC_MODELS_SMOLLM3_H_

#include "braid/result.h"
#include "models/llama.h"

namespace braid {

// The model is a LlamaModel. No key says which layers do not turn: every
// fourth, from layer 3 on.
struct SmolLm3Config {
  static Result<LlamaConfig> Read(ConfigReader& reader);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_SMOLLM3_H_
