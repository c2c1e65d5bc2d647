#include "gguf/tensor_type.h"

#include <limits>

#include "base/format.h"
#include "base/try.h"

namespace braid::gguf {

namespace {

constexpr uint64_t kMaxSize = std::numeric_limits<int64_t>::max();

// Indexed by id.
constexpr TensorType kTypes[] = {
    {"F32", 1, 4},        {"F16", 1, 2},        {"Q4_0", 32, 18},
    {"Q4_1", 32, 20},     {"Q4_2", 0, 0},       {"Q4_3", 0, 0},
    {"Q5_0", 32, 22},     {"Q5_1", 32, 24},     {"Q8_0", 32, 34},
    {"Q8_1", 32, 36},     {"Q2_K", 256, 84},    {"Q3_K", 256, 110},
    {"Q4_K", 256, 144},   {"Q5_K", 256, 176},   {"Q6_K", 256, 210},
    {"Q8_K", 256, 292},   {"IQ2_XXS", 256, 66}, {"IQ2_XS", 256, 74},
    {"IQ3_XXS", 256, 98}, {"IQ1_S", 256, 50},   {"IQ4_NL", 32, 18},
    {"IQ3_S", 256, 110},  {"IQ2_S", 256, 82},   {"IQ4_XS", 256, 136},
    {"I8", 1, 1},         {"I16", 1, 2},        {"I32", 1, 4},
    {"I64", 1, 8},        {"F64", 1, 8},        {"IQ1_M", 256, 56},
    {"BF16", 1, 2},       {"Q4_0_4_4", 0, 0},   {"Q4_0_4_8", 0, 0},
    {"Q4_0_8_8", 0, 0},   {"TQ1_0", 256, 54},   {"TQ2_0", 256, 66},
    {"IQ4_NL_4_4", 0, 0}, {"IQ4_NL_4_8", 0, 0}, {"IQ4_NL_8_8", 0, 0},
    {"MXFP4", 32, 17},    {"NVFP4", 64, 36},    {"Q1_0", 128, 18},
    {"Q2_0", 64, 18},
};
static_assert(std::size(kTypes) == TensorTypeId::kCount);

}  // namespace

const TensorType* FindTensorType(uint32_t id) {
  if (id >= TensorTypeId::kCount || kTypes[id].block_elements == 0) {
    return nullptr;
  }
  return &kTypes[id];
}

std::string TensorTypeText(uint32_t id) {
  if (id >= TensorTypeId::kCount) return Format("unknown type {}", id);
  const TensorType& type = kTypes[id];
  if (type.block_elements != 0) return std::string(type.name);
  return Format("{} (removed from the format)", type.name);
}

std::string ShapeText(std::span<const uint64_t> shape) {
  std::string text = "{";
  for (size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "}";
}

Result<uint64_t> ElementCount(std::span<const uint64_t> shape) {
  uint64_t count = 1;
  for (size_t i = 0; i < shape.size(); ++i) {
    if (shape[i] == 0) {
      return Error{
          Format("dimension {} of shape {} is 0", i, ShapeText(shape))};
    }
    if (shape[i] > kMaxSize / count) {
      return Error{Format("shape {} has more than {} elements",
                          ShapeText(shape), kMaxSize)};
    }
    count *= shape[i];
  }
  return count;
}

Result<uint64_t> TensorBytes(uint32_t type, std::span<const uint64_t> shape) {
  const TensorType* const known = FindTensorType(type);
  if (known == nullptr) {
    return Error{Format("type id {}: {}", type, TensorTypeText(type))};
  }
  BRAID_ASSIGN(const uint64_t count, ElementCount(shape));
  const uint64_t row = shape.empty() ? 1 : shape[0];
  if (row % known->block_elements != 0) {
    return Error{
        Format("dimension 0 is {}, not a multiple of {}, the block of "
               "{}",
               row, known->block_elements, known->name)};
  }
  const uint64_t blocks = count / known->block_elements;
  if (blocks > kMaxSize / known->block_bytes) {
    return Error{Format("shape {} of {} takes more than {} bytes",
                        ShapeText(shape), known->name, kMaxSize)};
  }
  return blocks * known->block_bytes;
}

}  // namespace braid::gguf
