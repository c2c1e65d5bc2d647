// Operations of a mixture of experts. As in ops/ops.h, results live in the
// compute's arena and a shape that does not fit is a bug.
#ifndef BRAID_SRC_OPS_MOE_H_
#define BRAID_SRC_OPS_MOE_H_

#include <cstdint>
#include <span>

#include "kernels/moe.h"
#include "ops/compute.h"

namespace braid::ops {

// {rows, experts} -> which experts each row goes to. `bias` empty: none.
Routing Route(Compute& compute, const RoutingConfig& config, ConstRows logits,
              std::span<const float> bias);

// The rows of a routing put in order by expert, so that each expert multiplies
// its rows at once. A place is one row at one expert.
struct ExpertPlaces {
  // Expert e has the places [begin[e], begin[e + 1]); [experts + 1].
  std::span<const int32_t> begin;
  std::span<const int32_t> row_of;  // [places]
  const int32_t* of_row = nullptr;  // [rows][selected]: the place of each rank
};
ExpertPlaces PlaceByExpert(Compute& compute, Routing routing, int experts);

// {rows, width} -> {places, width}.
Rows GatherPlaces(Compute& compute, const ExpertPlaces& places, ConstRows x);

// {places, width} -> {rows, width}: weighted, added in rank order.
Rows SumExperts(Compute& compute, Routing routing, const ExpertPlaces& places,
                ConstRows x);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_MOE_H_
