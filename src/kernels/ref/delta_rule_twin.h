// The gated delta rule, written to be read: what kernels/delta_rule.h must
// equal in every bit if the calling thread holds a FloatGuard; and an oracle in
// double precision, of one run from an empty state, row by row.
#ifndef BRAID_SRC_KERNELS_REF_DELTA_RULE_TWIN_H_
#define BRAID_SRC_KERNELS_REF_DELTA_RULE_TWIN_H_

#include <span>
#include <vector>

#include "kernels/delta_rule.h"
#include "kernels/ref/oracle_value.h"

namespace braid {

void DeltaRuleTwin(const DeltaShape& shape, std::span<const StateRun> runs,
                   const DeltaInputs& in, Rows y);

// What an oracle knows after its last row.
struct DeltaOracle {
  std::vector<OracleValue> y;      // [rows][heads][value_dim]
  std::vector<OracleValue> state;  // [heads][key_dim][value_dim]
};
// The bound grows with every row, as if all roundings went the same way.
DeltaOracle DeltaRuleOracle(const DeltaShape& shape, const DeltaInputs& in);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_DELTA_RULE_TWIN_H_
