#include "kernels/ref/matmul_twin.h"

#include <cmath>
#include <cstring>

#include "tensor/codec.h"
#include "tensor/formats.h"
#include "tensor/half.h"

namespace braid {

namespace {

// What multiplies the inputs of one block (or sub-block): w = q * scale +
// offset. Plain floats have scale 1 and are one "block" per element.
struct Codes {
  std::vector<float> q;  // per input
  std::vector<float> scale;
  std::vector<float> offset;
};

// Appends the codes minus `zero`, and the scale of every `sub` of them.
template <class Block>
void AppendCodes(const Block& block, int count, int zero, Codes& codes) {
  int8_t unpacked[256];
  UnpackCodes(block, unpacked);
  for (int i = 0; i < count; ++i) {
    codes.q.push_back(static_cast<float>(unpacked[i] - zero));
  }
}

void Append(const FormatF32::Block& block, Codes& codes) {
  codes.q.push_back(block.value);
}

void Append(const FormatF16::Block& block, Codes& codes) {
  codes.q.push_back(HalfToFloat(block.value));
}

void Append(const FormatBF16::Block& block, Codes& codes) {
  codes.q.push_back(Bf16ToFloat(block.value));
}

void Append(const FormatQ8_0::Block& block, Codes& codes) {
  AppendCodes(block, 32, 0, codes);
  codes.scale.push_back(HalfToFloat(block.d));
}

void Append(const FormatQ4_0::Block& block, Codes& codes) {
  AppendCodes(block, 32, 8, codes);
  codes.scale.push_back(HalfToFloat(block.d));
}

void Append(const FormatQ4_1::Block& block, Codes& codes) {
  AppendCodes(block, 32, 0, codes);
  codes.scale.push_back(HalfToFloat(block.d));
  codes.offset.push_back(HalfToFloat(block.m));
}

void Append(const FormatQ4_K::Block& block, Codes& codes) {
  AppendCodes(block, 256, 0, codes);
  for (int i = 0; i < 8; ++i) {
    const ScaleMin sub = UnpackScaleMin(block, i);
    codes.scale.push_back(HalfToFloat(block.d) * static_cast<float>(sub.scale));
    codes.offset.push_back(
        -(HalfToFloat(block.dmin) * static_cast<float>(sub.min)));
  }
}

void Append(const FormatQ6_K::Block& block, Codes& codes) {
  AppendCodes(block, 256, 32, codes);
  for (int i = 0; i < 16; ++i) {
    codes.scale.push_back(HalfToFloat(block.d) *
                          static_cast<float>(block.scales[i]));
  }
}

Codes UnpackRow(DType type, const std::byte* row, int64_t inputs) {
  Codes codes;
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    for (int64_t k = 0; k < inputs; k += Format::kElements) {
      typename Format::Block block;
      std::memcpy(&block, row, sizeof(block));
      row += sizeof(block);
      Append(block, codes);
    }
  });
  return codes;
}

float Dot(const Codes& w, const float* x, int64_t inputs) {
  float acc = 0;
  if (w.scale.empty()) {
    for (int64_t k = 0; k < inputs; ++k) acc = std::fma(w.q[k], x[k], acc);
    return acc;
  }
  const int64_t blocks = static_cast<int64_t>(w.scale.size());
  const int64_t block_inputs = inputs / blocks;
  for (int64_t b = 0; b < blocks; ++b) {
    float in = 0;
    float sum = 0;
    for (int64_t k = b * block_inputs; k < (b + 1) * block_inputs; ++k) {
      in = std::fma(w.q[k], x[k], in);
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
// a weight at most twice. The terms are |q * scale * x| and |offset * x|, so
// that cancellation between code and offset is counted too. A flushed denormal
// costs 2^-126, grown by the scale or offset that multiplies it later.
OracleValue DotOracle(const Codes& w, const float* decoded, const float* x,
                      int64_t inputs) {
  const int64_t blocks = static_cast<int64_t>(w.scale.size());
  const int64_t block_inputs = blocks == 0 ? inputs : inputs / blocks;
  OracleValue result;
  double magnitude = 0;
  double growth = 1;
  for (int64_t k = 0; k < inputs; ++k) {
    const double scale = blocks == 0 ? 1 : w.scale[k / block_inputs];
    const double offset = w.offset.empty() ? 0 : w.offset[k / block_inputs];
    result.value += static_cast<double>(decoded[k]) * x[k];
    magnitude += (std::fabs(w.q[k] * scale) + std::fabs(offset)) *
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
