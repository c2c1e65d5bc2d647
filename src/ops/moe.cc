#include "ops/moe.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "kernels/copy.h"

namespace braid::ops {

Routing Route(Compute& compute, const RoutingConfig& config, ConstRows logits,
              std::span<const float> bias) {
  BRAID_CHECK(logits.width == config.experts);
  BRAID_CHECK(bias.empty() ||
              static_cast<int64_t>(bias.size()) == logits.width);
  const size_t places = static_cast<size_t>(logits.rows * config.selected);
  BRAID_CHECK(places <= std::numeric_limits<int32_t>::max());
  const Routing routing = {.rows = logits.rows,
                           .selected = config.selected,
                           .experts = compute.arena.Allocate<int32_t>(places),
                           .weights = compute.arena.Allocate<float>(places)};
  // What threads that skip their tasks leave behind can be placed, too.
  std::fill_n(routing.experts, places, 0);
  braid::Route(config, logits, bias.empty() ? nullptr : bias.data(), routing,
               compute.arena, compute.threads);
  return routing;
}

ExpertPlaces PlaceByExpert(Compute& compute, Routing routing, int experts) {
  const int64_t places = routing.rows * routing.selected;
  int32_t* begin =
      compute.arena.Allocate<int32_t>(static_cast<size_t>(experts) + 1);
  int32_t* row_of =
      compute.arena.Allocate<int32_t>(static_cast<size_t>(places));
  int32_t* of_row =
      compute.arena.Allocate<int32_t>(static_cast<size_t>(places));
  int32_t* next = compute.arena.Allocate<int32_t>(static_cast<size_t>(experts));

  std::fill_n(begin, experts + 1, 0);
  for (int64_t i = 0; i < places; ++i) ++begin[routing.experts[i] + 1];
  for (int e = 0; e < experts; ++e) begin[e + 1] += begin[e];
  std::copy_n(begin, experts, next);
  for (int64_t i = 0; i < places; ++i) {
    const int32_t place = next[routing.experts[i]]++;
    row_of[place] = static_cast<int32_t>(i / routing.selected);
    of_row[i] = place;
  }
  return {.begin = {begin, static_cast<size_t>(experts) + 1},
          .row_of = {row_of, static_cast<size_t>(places)},
          .of_row = of_row};
}

Rows GatherPlaces(Compute& compute, const ExpertPlaces& places, ConstRows x) {
  const Rows y =
      compute.NewRows(static_cast<int64_t>(places.row_of.size()), x.width);
  GatherRows(x, places.row_of, y, compute.threads);
  return y;
}

Rows SumExperts(Compute& compute, Routing routing, const ExpertPlaces& places,
                ConstRows x) {
  BRAID_CHECK(x.rows == static_cast<int64_t>(places.row_of.size()));
  const Rows y = compute.NewRows(routing.rows, x.width);
  braid::SumExperts(routing, places.of_row, x, y, compute.threads);
  return y;
}

}  // namespace braid::ops
