// The element functions over rows, written to be read: what the kernels of
// kernels/elementwise.h must equal in every bit if the calling thread holds a
// FloatGuard; and their double-precision oracles, one value per element, row
// by row, for finite inputs.
#ifndef BRAID_SRC_KERNELS_REF_ELEMENTWISE_TWIN_H_
#define BRAID_SRC_KERNELS_REF_ELEMENTWISE_TWIN_H_

#include <vector>

#include "kernels/elementwise.h"
#include "kernels/ref/oracle_value.h"
#include "tensor/rows.h"

namespace braid {

void AddTwin(ConstRows a, ConstRows b, Rows y);
void ScaleTwin(ConstRows x, float factor, Rows y);
void SoftCapTwin(ConstRows x, float cap, Rows y);
void ActivateTwin(Nonlinearity f, ConstRows x, Rows y);
void ActivateMulTwin(Nonlinearity f, ConstRows gate, ConstRows value, Rows y);
void SoftplusTwin(ConstRows x, const float* bias, Rows y);
void ExpTwin(ConstRows x, Rows y);
void SoftmaxTwin(ConstRows x, Rows y);

std::vector<OracleValue> ActivateMulOracle(Nonlinearity f, ConstRows gate,
                                           ConstRows value);
std::vector<OracleValue> SoftCapOracle(ConstRows x, float cap);
std::vector<OracleValue> SoftplusOracle(ConstRows x, const float* bias);
std::vector<OracleValue> ExpOracle(ConstRows x);
std::vector<OracleValue> SoftmaxOracle(ConstRows x);

}  // namespace braid

#endif  // BRAID_SRC_KERNELS_REF_ELEMENTWISE_TWIN_H_
