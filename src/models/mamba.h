// Mamba (GGUF "mamba"), and Falcon-Mamba, which is the same with norms on dt, B
// and C.
//
// Paper: Gu and Dao, "Mamba: Linear-Time Sequence Modeling with Selective State
// Spaces", 2023.
//
//   symbol   here           GGUF key
//   D        width          mamba.embedding_length
//   E D      mixer.inner    mamba.ssm.inner_size
//   N        mixer.state    mamba.ssm.state_size
//   R        mixer.dt_rank  mamba.ssm.time_step_rank
//   -        mixer.taps     mamba.ssm.conv_kernel
#ifndef BRAID_SRC_MODELS_MAMBA_H_
#define BRAID_SRC_MODELS_MAMBA_H_

#include <vector>

#include "braid/result.h"
#include "models/config_reader.h"
#include "models/decoder.h"
#include "nn/mamba_mixer.h"

namespace braid {

// The keys ssm.* of the reader's architecture; width and norm_epsilon as given.
// Errors go to the reader.
nn::MambaConfig ReadMamba(ConfigReader& reader, int width, float norm_epsilon);

struct MambaModelConfig {
  ModelShape shape;
  nn::MambaConfig mixer;

  static Result<MambaModelConfig> Read(ConfigReader& reader);
};

class MambaModel : public Decoder<nn::MambaMixer> {
 public:
  MambaModel(WeightScope& w, const MambaModelConfig& config);
};

}  // namespace braid

#endif  // BRAID_SRC_MODELS_MAMBA_H_
