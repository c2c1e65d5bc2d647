// The selective scan written to be read: what the kernel of kernels/scan.h must
// equal in every bit if the calling thread holds a FloatGuard; and the
// double-precision oracle of one run from an empty state, row by row.
#ifndef BRAID_SRC_KERNELS_REF_SCAN_TWIN_H_
#define BRAID_SRC_KERNELS_REF_SCAN_TWIN_H_

#include <span>
#include <vector>

#include "kernels/ref/oracle_value.h"
#include "kernels/scan.h"

namespace braid {

// y must not be x.
void SelectiveScanTwin(const ScanWeights& weights,
                       std::span<const StateRun> runs, ConstRows x,
                       ConstRows dt, ConstRows b, ConstRows c, Rows y);

// a: [channels][states], d: [channels], as given to ScanWeights.
std::vector<OracleValue> SelectiveScanOracle(const float* a, const float* d,
                                             ConstRows x, ConstRows dt,
                                             ConstRows b, ConstRows c);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_SCAN_TWIN_H_
