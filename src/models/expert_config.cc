#include "models/expert_config.h"

#include <algorithm>

#include "base/format.h"

namespace braid {

namespace {

ExpertGate ReadGate(ConfigReader& reader) {
  constexpr std::string_view kKey = "expert_gating_func";
  switch (const int number = reader.Count(kKey, 0)) {
    case 0:  // no key, or "none given"
    case 1:
      return ExpertGate::kSoftmax;
    case 2:
      return ExpertGate::kSigmoid;
    case 3:
      return ExpertGate::kSoftmaxOfSelected;
    default:
      reader.Refuse(kKey,
                    Format("{} is not supported; supported are 1 (softmax), 2 "
                           "(sigmoid) and 3 (softmax of the selected)",
                           number));
      return ExpertGate::kSoftmax;
  }
}

// Which numbers do not go together; the kernels count on this.
void CheckRouting(ConfigReader& reader, const RoutingConfig& routing) {
  if (routing.selected > routing.experts) {
    reader.Refuse(
        "expert_used_count",
        Format("{} of {} experts", routing.selected, routing.experts));
  }
  if (routing.experts % routing.groups != 0) {
    reader.Refuse("expert_group_count",
                  Format("{} does not divide expert_count {}", routing.groups,
                         routing.experts));
    return;
  }
  const int64_t open =
      int64_t{routing.experts} / routing.groups * routing.selected_groups;
  if (routing.selected_groups > routing.groups || open < routing.selected) {
    reader.Refuse(
        "expert_group_used_count",
        Format("{} of {} groups cannot give {} experts",
               routing.selected_groups, routing.groups, routing.selected));
  }
}

}  // namespace

nn::MoeConfig ReadExperts(ConfigReader& reader, int width,
                          const ExpertDefaults& defaults) {
  nn::MoeConfig config;
  config.width = width;
  config.routing.experts = reader.Count("expert_count", 0);
  if (config.routing.experts == 0) return config;
  config.hidden = reader.Count("expert_feed_forward_length", defaults.hidden);
  if (config.hidden == 0) {
    reader.Refuse("expert_feed_forward_length", "experts of width 0");
  }
  RoutingConfig& routing = config.routing;
  routing.selected = reader.Count("expert_used_count");
  routing.gate = ReadGate(reader);
  routing.normalized = reader.Flag("expert_weights_norm", defaults.normalized);
  const double scale = reader.Number("expert_weights_scale", 1.0);
  routing.scale = scale == 0 ? 1.0f : static_cast<float>(scale);
  // 0 and 1 both say that there are no groups.
  routing.groups = std::max(1, reader.Count("expert_group_count", 0));
  routing.selected_groups =
      std::max(1, reader.Count("expert_group_used_count", 0));
  // No key says it: V2's router (softmax) ranks groups by their best expert,
  // V3's (sigmoid) by their best two.
  routing.group_score = routing.gate == ExpertGate::kSigmoid
                            ? GroupScore::kTwoLargest
                            : GroupScore::kLargest;
  CheckRouting(reader, routing);
  return config;
}

}  // namespace braid
