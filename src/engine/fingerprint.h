// Fingerprint: all that the bits of a saved state depend on. State goes back
// only where the fingerprint is the same.
#ifndef BRAID_SRC_ENGINE_FINGERPRINT_H_
#define BRAID_SRC_ENGINE_FINGERPRINT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "archive/visitor.h"
#include "braid/engine.h"
#include "braid/result.h"
#include "engine/loaded_model.h"
#include "gguf/identity.h"
#include "kernels/rope.h"
#include "memory/spec.h"

namespace braid {

// Raised whenever a kernel's numeric definition changes: other bits.
inline constexpr uint32_t kContractVersion = 1;

struct Fingerprint {
  uint32_t contract = kContractVersion;
  std::string architecture;
  gguf::Identity identity;
  KvType kv_type = KvType::kF16;
  std::vector<LayerSpec> layers;
  std::vector<RopeConfig> ropes;  // as the context decides (ForContext)
};

// Reads the model's weights once, the first time that anything is saved or
// restored. Error: they cannot be.
Result<Fingerprint> FingerprintOf(const LoadedModel& model,
                                  const EngineOptions& options);

void Visit(archive::Visitor& visitor, Fingerprint& fingerprint);

// Error: what differs, with both values.
Status CheckSame(const Fingerprint& saved, const Fingerprint& here);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_FINGERPRINT_H_
