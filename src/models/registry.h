// The architectures that Braid runs: GGUF name -> factory.
#ifndef BRAID_SRC_MODELS_REGISTRY_H_
#define BRAID_SRC_MODELS_REGISTRY_H_

#include <memory>
#include <string>

#include "braid/result.h"
#include "models/config_reader.h"
#include "models/language_model.h"
#include "nn/weight_scope.h"

namespace braid {

// Builds the model that general.architecture names, of the keys that `reader`
// has. Errors name the key or
// tensor that is wrong; an unknown architecture lists the known ones.
// `encoder_only`: of one with encoder and decoder, the encoder.
Result<std::unique_ptr<LanguageModel>> MakeModel(ConfigReader& reader,
                                                 WeightScope& weights,
                                                 bool encoder_only = false);

// "llama, mamba".
std::string SupportedArchitectures();

}  // namespace braid

#endif  // BRAID_SRC_MODELS_REGISTRY_H_
