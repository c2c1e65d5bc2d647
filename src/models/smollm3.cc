#include "models/smollm3.h"

#include "base/try.h"

namespace braid {

Result<LlamaConfig> SmolLm3Config::Read(ConfigReader& reader) {
  constexpr size_t kInterval = 4;
  BRAID_ASSIGN(LlamaConfig config, LlamaConfig::Read(reader));
  for (size_t i = kInterval - 1; i < config.attention.size(); i += kInterval) {
    config.attention[i].rope = -1;
  }
  return config;
}

}  // namespace braid
