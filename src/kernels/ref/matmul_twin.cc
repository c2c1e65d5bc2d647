#include "kernels/ref/matmul_twin.h"

#include <algorithm>
#include <cmath>
#include <cstring>

#include "tensor/codec.h"
#include "tensor/format_codes.h"
#include "tensor/formats.h"
#include "tensor/half.h"

namespace braid {

namespace {

// What multiplies the inputs: w = value * scale + offset, the latter two for
// `block_inputs` consecutive inputs. Plain floats have neither.
struct Codes {
  std::vector<float> value;  // per input
  std::vector<float> scale;
  std::vector<float> offset;
  int64_t block_inputs;
};

void Append(FormatF32, const FormatF32::Block& block, Codes& codes) {
  codes.value.push_back(block.value);
}

void Append(FormatF16, const FormatF16::Block& block, Codes& codes) {
  codes.value.push_back(HalfToFloat(block.value));
}

void Append(FormatBF16, const FormatBF16::Block& block, Codes& codes) {
  codes.value.push_back(Bf16ToFloat(block.value));
}

template <class Format>
void Append(Format, const typename Format::Block& block, Codes& codes) {
  int8_t unpacked[Format::kElements];
  UnpackCodes(block, unpacked);
  for (const int8_t code : unpacked) {
    codes.value.push_back(static_cast<float>(CodeValue<Format>(code)));
  }
  for (int64_t i = 0; i < Format::kElements; i += codes.block_inputs) {
    const ScaleOffset sub =
        UnpackScale(block, static_cast<int>(i / Format::kScaledElements));
    codes.scale.push_back(sub.scale);
    if (Format::kHasOffset) codes.offset.push_back(sub.offset);
  }
}

Codes UnpackRow(DType type, const std::byte* row, int64_t inputs) {
  Codes codes;
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    codes.block_inputs = std::min(Format::kScaledElements, 32);
    for (int64_t k = 0; k < inputs; k += Format::kElements) {
      typename Format::Block block;
      std::memcpy(&block, row, sizeof(block));
      row += sizeof(block);
      Append(format, block, codes);
    }
  });
  return codes;
}

float Dot(const Codes& w, const float* x, int64_t inputs) {
  float acc = 0;
  if (w.scale.empty()) {
    for (int64_t k = 0; k < inputs; ++k) acc = std::fma(w.value[k], x[k], acc);
    return acc;
  }
  const int64_t blocks = static_cast<int64_t>(w.scale.size());
  const int64_t block_inputs = w.block_inputs;
  for (int64_t b = 0; b < blocks; ++b) {
    float in = 0;
    float sum = 0;
    for (int64_t k = b * block_inputs; k < (b + 1) * block_inputs; ++k) {
      in = std::fma(w.value[k], x[k], in);
      sum = sum + x[k];
    }
    acc = std::fma(in, w.scale[b], acc);
    if (!w.offset.empty()) acc = std::fma(w.offset[b], sum, acc);
  }
  return acc;
}

// With u = 2^-24 and gamma(n) = n u / (1 - n u) (Higham, Accuracy and Stability
// of Numerical Algorithms, 2002, section 3.1): a term passes through the chain
// of its block and then two operations per block, and DecodeRow itself rounds
// a weight at most twice. The terms are |value * scale * x| and |offset * x|,
// so that cancellation between code and offset is counted too. A flushed
// denormal costs 2^-126, grown by the scale or offset that multiplies it later.
OracleValue DotOracle(const Codes& w, const float* decoded, const float* x,
                      int64_t inputs) {
  const int64_t blocks = static_cast<int64_t>(w.scale.size());
  const int64_t block_inputs = blocks == 0 ? inputs : w.block_inputs;
  OracleValue result;
  double magnitude = 0;
  double growth = 1;
  for (int64_t k = 0; k < inputs; ++k) {
    const double scale = blocks == 0 ? 1 : w.scale[k / block_inputs];
    const double offset = w.offset.empty() ? 0 : w.offset[k / block_inputs];
    result.value += static_cast<double>(decoded[k]) * x[k];
    magnitude += (std::fabs(w.value[k] * scale) + std::fabs(offset)) *
                 std::fabs(static_cast<double>(x[k]));
    growth = std::fmax(growth, std::fabs(scale) + std::fabs(offset));
  }
  const double nu =
      static_cast<double>(block_inputs + 2 * blocks + 2) * 0x1p-24;
  result.tolerance = nu / (1 - nu) * magnitude +
                     growth * 2 * static_cast<double>(inputs) * 0x1p-126;
  return result;
}

}  // namespace

void MatMulTwin(DType type, const std::byte* rows, int64_t inputs,
                int64_t outputs, ConstRows x, Rows y) {
  const size_t row_bytes = RowBytes(type, inputs);
  for (int64_t n = 0; n < outputs; ++n) {
    const Codes w =
        UnpackRow(type, rows + static_cast<size_t>(n) * row_bytes, inputs);
    for (int64_t m = 0; m < x.rows; ++m) y.row(m)[n] = Dot(w, x.row(m), inputs);
  }
}

std::vector<OracleValue> MatMulOracle(DType type, const std::byte* rows,
                                      int64_t inputs, int64_t outputs,
                                      ConstRows x) {
  std::vector<OracleValue> values(static_cast<size_t>(x.rows * outputs));
  const size_t row_bytes = RowBytes(type, inputs);
  std::vector<float> decoded(static_cast<size_t>(inputs));
  for (int64_t n = 0; n < outputs; ++n) {
    const std::byte* row = rows + static_cast<size_t>(n) * row_bytes;
    const Codes w = UnpackRow(type, row, inputs);
    DecodeRow(type, row, inputs, decoded.data());
    for (int64_t m = 0; m < x.rows; ++m) {
      values[static_cast<size_t>(m * outputs + n)] =
          DotOracle(w, decoded.data(), x.row(m), inputs);
    }
  }
  return values;
}

}  // namespace braid
