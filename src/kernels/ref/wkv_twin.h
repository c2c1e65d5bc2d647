// The recurrences of RWKV, and mixtures of rows, written to be read: what the
// kernels of kernels/wkv.h and kernels/mix.h must equal in every bit if the
// calling thread holds a FloatGuard; and double-precision oracles, of one run
// from an empty state, row by row.
#ifndef BRAID_SRC_KERNELS_REF_WKV_TWIN_H_
#define BRAID_SRC_KERNELS_REF_WKV_TWIN_H_

#include <span>
#include <vector>

#include "kernels/ref/oracle_value.h"
#include "kernels/wkv.h"

namespace braid {

void Wkv6Twin(const WkvShape& shape, std::span<const StateRun> runs,
              const WkvInputs& in, const float* first, Rows y);
void Wkv7Twin(const WkvShape& shape, std::span<const StateRun> runs,
              const WkvInputs& in, ConstRows removal, ConstRows rate, Rows y);
void Wkv7AddBonusTwin(const WkvShape& shape, const WkvInputs& in,
                      const float* weight, Rows y);
float Wkv6DecayTwin(float x);
float Wkv7DecayTwin(float x);
float LerpTwin(float a, float b, float t);

std::vector<OracleValue> Wkv6Oracle(const WkvShape& shape, const WkvInputs& in,
                                    const float* first);
// The bound grows with every row, as if all roundings went the same way.
std::vector<OracleValue> Wkv7Oracle(const WkvShape& shape, const WkvInputs& in,
                                    ConstRows removal, ConstRows rate);
OracleValue Wkv6DecayOracle(double x);
OracleValue Wkv7DecayOracle(double x);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_WKV_TWIN_H_
