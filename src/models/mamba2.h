// Mamba-2 (GGUF "mamba2": state-spaces/mamba2, Mamba-Codestral).
//
// Paper: Dao and Gu, "Transformers are SSMs", 2024.
//
//   symbol  here                GGUF key
//   d       width               mamba2.embedding_length
//   e d     mixer.inner         mamba2.ssm.inner_size
//   H       mixer.heads         mamba2.ssm.time_step_rank
//   N       mixer.state         mamba2.ssm.state_size
//   G       mixer.groups        mamba2.ssm.group_count, else 1
//           mixer.taps          mamba2.ssm.conv_kernel
#ifndef BRAID_SRC_MODELS_MAMBA2_H_
#define BRAID_SRC_MODELS_MAMBA2_H_

#include <vector>

#include "braid/result.h"
#include "models/config_reader.h"
#include "models/decoder.h"
#include "nn/mamba2_mixer.h"

namespace braid {

// The keys ssm.* of the reader's architecture; width and norm_epsilon as given.
// They must divide each other. Errors go to the reader.
nn::Mamba2Config ReadMamba2(ConfigReader& reader, int width,
                            float norm_epsilon);

struct Mamba2ModelConfig {
  ModelShape shape;
  nn::Mamba2Config mixer;

  static Result<Mamba2ModelConfig> Read(ConfigReader& reader);
};

class Mamba2Model : public Decoder<nn::Mamba2Mixer> {
 public:
  Mamba2Model(WeightScope& w, const Mamba2ModelConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_MAMBA2_H_
