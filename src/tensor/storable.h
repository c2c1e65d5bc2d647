// Which numbers a format can hold: the check of everything that writes weights.
// One NaN or infinity spoils every token after it, and a block of codes hides
// it: its scale is made of the numbers beside it.
#ifndef BRAID_SRC_TENSOR_STORABLE_H_
#define BRAID_SRC_TENSOR_STORABLE_H_

#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "braid/result.h"
#include "tensor/dtype.h"

namespace braid {

// The largest magnitude that `type` holds without becoming infinite: that of
// the elements of F32, F16 and BF16, and for blocks that of their scales, which
// are halves.
float LargestStorable(DType type);

// The place of the first of `values` that is NaN, infinite or larger.
std::optional<int64_t> FindUnstorable(DType type,
                                      std::span<const float> values);

// Says so: "blk.0.ffn_up.weight: element 7 is nan, which is no weight".
Error UnstorableError(std::string_view tensor, int64_t element, float value,
                      DType type);

}  // namespace braid

#endif  // BRAID_SRC_TENSOR_STORABLE_H_
