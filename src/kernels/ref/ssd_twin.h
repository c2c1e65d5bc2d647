// The scan of Mamba-2 written to be read: what the kernel of kernels/ssd_scan.h
// must equal in every bit if the calling thread holds a FloatGuard; and the
// double-precision oracle of one run from an empty state, row by row.
#ifndef BRAID_SRC_KERNELS_REF_SSD_TWIN_H_
#define BRAID_SRC_KERNELS_REF_SSD_TWIN_H_

#include <span>
#include <vector>

#include "kernels/ref/oracle_value.h"
#include "kernels/ssd_scan.h"

namespace braid {

// y must not be x.
void SsdScanTwin(const SsdWeights& weights, std::span<const StateRun> runs,
                 ConstRows x, ConstRows dt, ConstRows b, ConstRows c, Rows y);

// a, d: [heads], as given to SsdWeights.
std::vector<OracleValue> SsdScanOracle(const float* a, const float* d,
                                       const SsdShape& shape, ConstRows x,
                                       ConstRows dt, ConstRows b, ConstRows c);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_SSD_TWIN_H_
