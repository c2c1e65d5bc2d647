#include "convert/output_type.h"

#include <algorithm>

namespace braid::convert {

namespace {

// The last part of a name before ".weight".
constexpr std::string_view kAlwaysF32[] = {
    "ffn_gate_inp",      "ffn_gate_inp_shexp",  "position_embd",
    "token_types",       "ssm_conv1d",          "conv",
    "time_mix_first",    "time_mix_w1",         "time_mix_w2",
    "time_mix_decay",    "time_mix_decay_w1",   "time_mix_decay_w2",
    "attn_rel_b",        "time_mix_lerp_fused", "time_mix_lerp_x",
    "rope_factors_long", "rope_factors_short"};

}  // namespace

DType MatrixType(OutputType wanted, std::span<const SourceTensor> tensors) {
  switch (wanted) {
    case OutputType::kF32:
      return DType::kF32;
    case OutputType::kF16:
      return DType::kF16;
    case OutputType::kBF16:
      return DType::kBF16;
    case OutputType::kQ8_0:
      return DType::kQ8_0;
    case OutputType::kAuto:
      break;
  }
  const auto matrix =
      std::ranges::find_if(tensors, [](const SourceTensor& tensor) {
        return tensor.type.has_value() && tensor.shape.size() >= 2;
      });
  return matrix == tensors.end() ? DType::kF32 : *matrix->type;
}

DType TensorType(std::string_view name, const Shape& shape, DType matrix_type) {
  constexpr std::string_view kWeight = ".weight";
  if (shape.size() < 2 || !name.ends_with(kWeight)) return DType::kF32;
  name.remove_suffix(kWeight.size());
  const std::string_view part = name.substr(name.rfind('.') + 1);
  if (part.ends_with("_norm") ||
      std::ranges::find(kAlwaysF32, part) != std::end(kAlwaysF32)) {
    return DType::kF32;
  }
  return shape.back() % BlockElements(matrix_type) == 0 ? matrix_type
                                                        : DType::kF16;
}

int FileType(DType matrix_type) {
  switch (matrix_type) {
    case DType::kF16:
      return 1;
    case DType::kQ8_0:
      return 7;
    case DType::kBF16:
      return 32;
    default:
      return 0;
  }
}

}  // namespace braid::convert
