// Rotary embedding written to be read: what the kernel of kernels/rope.h must
// equal in every bit if the calling thread holds a FloatGuard; and the
// double-precision oracle, which needs no table, row by row, for finite inputs.
#ifndef BRAID_SRC_KERNELS_REF_ROPE_TWIN_H_
#define BRAID_SRC_KERNELS_REF_ROPE_TWIN_H_

#include <span>
#include <vector>

#include "kernels/ref/oracle_value.h"
#include "kernels/rope.h"
#include "tensor/rows.h"

namespace braid {

void RopeTwin(const RopeTable& table, std::span<const Position> positions,
              int heads, int head_dim, Rows x);

std::vector<OracleValue> RopeOracle(const RopeConfig& config,
                                    std::span<const Position> positions,
                                    int heads, int head_dim, ConstRows x);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_ROPE_TWIN_H_
