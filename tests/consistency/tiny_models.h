// Random models small enough to run thousands of times, with awkward sizes.
#ifndef BRAID_TESTS_CONSISTENCY_TINY_MODELS_H_
#define BRAID_TESTS_CONSISTENCY_TINY_MODELS_H_

#include <memory>
#include <string>

#include "engine/loaded_model.h"
#include "tensor/dtype.h"

namespace braid {

enum class TinyKind {
  kMamba,
  kMamba2,
  kRwkv6,
  kRwkv7,
  kLfm2,
  kFalconH1,
  kLlama,
  kMixtral,
  kDeepseek2,
  kJamba,
  kGraniteHybrid,
  kNemotronH,
  kQwen2,
  kQwen3,
  kQwen35,
  kQwen35Moe,
  kGemma2,
  kGemma3,
  kOpenElm,
  kBert,
  kNomicBert,
  kT5Encoder,
  kT5,
  kHybrid
};

std::string ToText(TinyKind kind);

// Seeded weights; matrices are stored in `matrix_type`, for which the widths
// are chosen as small as the type's blocks allow. `use`, if given, gets what
// the weights take.
std::shared_ptr<const LoadedModel> MakeTinyModel(
    TinyKind kind, DType matrix_type,
    WeightScope::Tensors tensors = WeightScope::Tensors::kRead,
    WeightUse* use = nullptr);

}  // namespace braid

#endif  // BRAID_TESTS_CONSISTENCY_TINY_MODELS_H_
