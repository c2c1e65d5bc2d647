// SmolLM3: Llama with rotary positions in three of four layers.
#include "base/format.h"
#include "convert/families.h"
#include "convert/transformer.h"

namespace braid::convert {

namespace {

// Readers know no other distance between layers that do not turn.
constexpr int64_t kInterval = 4;

void CheckRotations(const HfConfig& config) {
  const int64_t layers = config.Count("num_hidden_layers");
  const int64_t interval = config.Count("no_rope_layer_interval", kInterval);
  const std::vector<int64_t> turns = config.Counts("no_rope_layers");
  if (interval != kInterval) {
    config.Fail(
        {Format("config.json: no_rope_layer_interval: {} is not "
                "supported; GGUF has {}",
                interval, kInterval)});
    return;
  }
  if (turns.empty()) return;
  for (int64_t i = 0; i < layers; ++i) {
    const int64_t expected = (i + 1) % kInterval != 0 ? 1 : 0;
    const bool given = i < static_cast<int64_t>(turns.size());
    if (given && turns[static_cast<size_t>(i)] == expected) continue;
    config.Fail({Format(
        "config.json: no_rope_layers: {} for layer {} is not supported; "
        "GGUF has {} there",
        given ? Format("{}", turns[static_cast<size_t>(i)]) : "nothing", i,
        expected)});
    return;
  }
}

}  // namespace

void DescribeSmolLm3(Recipe& recipe) {
  CheckRotations(recipe.config);
  CheckLayerTypes(recipe.config, [](int64_t /*layer*/) -> std::string_view {
    return "full_attention";
  });
  DescribeLlama(recipe);
}

}  // namespace braid::convert
