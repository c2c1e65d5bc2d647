#include "gguf/finite.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/check.h"
#include "gguf/tensor_type.h"

namespace braid::gguf {

namespace {

// How a floating-point number is stored.
enum class Number : uint8_t {
  kNone,
  kHalf,   // IEEE binary16
  kBf16,   // upper half of an IEEE binary32
  kF32,    // IEEE binary32
  kF64,    // IEEE binary64
  kE8M0,   // a power of two; 0xFF is NaN
  kUE4M3,  // unsigned; 0x7F is NaN, there is no infinity
};

// A number inside a block.
struct Field {
  Number number = Number::kNone;
  uint32_t offset = 0;  // bytes from the start of the block
};

struct Layout {
  uint32_t type;
  std::array<Field, 4> fields;  // those with Number::kNone are unused
};

constexpr Field Half(uint32_t offset) { return {Number::kHalf, offset}; }
constexpr Field Scale(uint32_t offset) { return {Number::kUE4M3, offset}; }

using Id = TensorTypeId;

constexpr Layout kLayouts[] = {
    {Id::kF32, {{{Number::kF32, 0}}}},
    {Id::kF16, {{Half(0)}}},
    {Id::kBF16, {{{Number::kBf16, 0}}}},
    {Id::kF64, {{{Number::kF64, 0}}}},
    {Id::kI8, {}},
    {Id::kI16, {}},
    {Id::kI32, {}},
    {Id::kI64, {}},
    {Id::kQ4_0, {{Half(0)}}},
    {Id::kQ4_1, {{Half(0), Half(2)}}},
    {Id::kQ5_0, {{Half(0)}}},
    {Id::kQ5_1, {{Half(0), Half(2)}}},
    {Id::kQ8_0, {{Half(0)}}},
    {Id::kQ8_1, {{Half(0), Half(2)}}},
    {Id::kQ2_K, {{Half(80), Half(82)}}},
    {Id::kQ3_K, {{Half(108)}}},
    {Id::kQ4_K, {{Half(0), Half(2)}}},
    {Id::kQ5_K, {{Half(0), Half(2)}}},
    {Id::kQ6_K, {{Half(208)}}},
    {Id::kQ8_K, {{{Number::kF32, 0}}}},
    {Id::kIQ4_NL, {{Half(0)}}},
    {Id::kIQ4_XS, {{Half(0)}}},
    {Id::kTQ1_0, {{Half(52)}}},
    {Id::kTQ2_0, {{Half(64)}}},
    {Id::kMXFP4, {{{Number::kE8M0, 0}}}},
    {Id::kNVFP4, {{Scale(0), Scale(1), Scale(2), Scale(3)}}},
    {Id::kQ1_0, {{Half(0)}}},
    {Id::kQ2_0, {{Half(0)}}},
};

const Layout* FindLayout(uint32_t type) {
  const auto layout =
      std::find_if(std::begin(kLayouts), std::end(kLayouts),
                   [type](const Layout& l) { return l.type == type; });
  return layout == std::end(kLayouts) ? nullptr : layout;
}

// Visits the numbers at `first`, `first + stride`, ... in `count` blocks.
// `Bits` is the unsigned integer of their width; a number is bad if all bits
// of `mask` are set (the exponent of an IEEE format is all ones).
template <class Bits>
void Scan(const std::byte* first, size_t stride, uint64_t count, Bits mask,
          uint64_t* bad, uint64_t* first_bad_block) {
  const auto is_bad = [&](uint64_t block) {
    Bits bits;
    std::memcpy(&bits, first + block * stride, sizeof bits);
    return (bits & mask) == mask;
  };
  // Counting without a branch is fast; the place is wanted only if there is
  // one.
  uint64_t found = 0;
  for (uint64_t block = 0; block < count; ++block) found += is_bad(block);
  if (found == 0) return;
  *bad += found;
  uint64_t block = 0;
  while (!is_bad(block)) ++block;
  *first_bad_block = std::min(*first_bad_block, block);
}

}  // namespace

bool CanCheckFinite(uint32_t type) { return FindLayout(type) != nullptr; }

NonFinite FindNonFinite(uint32_t type, std::span<const std::byte> data) {
  const Layout* const layout = FindLayout(type);
  const TensorType* const info = FindTensorType(type);
  BRAID_CHECK(layout != nullptr && info != nullptr);
  BRAID_CHECK(data.size() % info->block_bytes == 0);
  const size_t stride = info->block_bytes;
  const uint64_t blocks = data.size() / stride;
  NonFinite result;
  uint64_t block = blocks;
  const auto scan = [&]<class Bits>(const std::byte* first, Bits mask) {
    Scan<Bits>(first, stride, blocks, mask, &result.count, &block);
  };
  for (const Field& field : layout->fields) {
    const std::byte* const first = data.data() + field.offset;
    switch (field.number) {
      case Number::kNone:
        break;
      case Number::kHalf:
        scan(first, uint16_t{0x7C00});
        break;
      case Number::kBf16:
        scan(first, uint16_t{0x7F80});
        break;
      case Number::kF32:
        scan(first, uint32_t{0x7F800000});
        break;
      case Number::kF64:
        scan(first, uint64_t{0x7FF0000000000000});
        break;
      case Number::kE8M0:
        scan(first, uint8_t{0xFF});
        break;
      case Number::kUE4M3:
        scan(first, uint8_t{0x7F});
        break;
    }
  }
  result.first_element = block * info->block_elements;
  return result;
}

}  // namespace braid::gguf
