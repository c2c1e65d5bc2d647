#include <cstring>
#include <iterator>

#include "base/check.h"
#include "kernels/matmul.h"
#include "kernels/matmul_formats.h"
#include "tensor/format_codes.h"

namespace braid {

namespace {

// The two bits of word `w` of a step that are left over, from its last codes.
template <int kBits>
uint32_t SpareBits(const uint32_t* last, int w) {
  if constexpr (kBits == 6) {
    return last[0] >> 2 * w & 3;
  } else {
    if (w == 2) return last[0] >> 4 | last[1] >> 4 << 1;
    return w < 2 ? last[0] >> 2 * w & 3 : last[1] >> 2 * (w - 3) & 3;
  }
}

// Places the codes of one step.
template <int kBits>
void PlaceStep(const uint32_t* codes, int lane, uint32_t (*words)[16]) {
  using Step = CodeWords<kBits>;
  for (int w = 0; w < Step::kWords; ++w) {
    uint32_t word = 0;
    for (int j = 0; j < Step::kPerWord; ++j) {
      word |= codes[w * Step::kPerWord + j] << (kBits * j);
    }
    if constexpr (Step::kSpare) {
      word |= SpareBits<kBits>(codes + Step::kWhole, w) << 30;
    }
    words[w][lane] = word;
  }
}

// The codes of block `at` of a unit.
template <class Format, class Unit>
void PlaceCodes(const typename Format::Block& block, int at, int lane,
                Unit& unit) {
  constexpr int kCount = Format::kElements;
  constexpr int kBits = Unit::kBits;
  using Step = CodeWords<kBits>;
  int8_t codes[kCount];
  UnpackCodes(block, codes);
  uint32_t stored[kCount];
  for (int i = 0; i < kCount; ++i) {
    stored[i] = static_cast<uint32_t>(codes[i] + (kBits == 8 ? kByteBias : 0));
  }
  for (int i = 0; i < kCount; i += Step::kCodes) {
    PlaceStep<kBits>(stored + i, lane,
                     unit.codes + (at * kCount + i) * kBits / 32);
  }
}

// The scales and offsets of block `at` of a unit.
template <class Block, class Unit>
void PlaceScales(const Block& block, int at, int lane, Unit& unit) {
  if constexpr (requires { unit.d; }) unit.d[at][lane] = block.d;
  if constexpr (requires { unit.m; }) unit.m[at][lane] = block.m;
  if constexpr (requires { unit.dmin; }) unit.dmin[at][lane] = block.dmin;
  if constexpr (requires { unit.exponent; }) {
    unit.exponent[at][lane] = block.exponent;
  }
  if constexpr (requires { unit.scale; }) {
    for (int i = 0; i < 8; ++i) {
      const ScaleMin sub = UnpackScaleMin(block, i);
      unit.scale[i][lane] = sub.scale;
      unit.min[i][lane] = sub.min;
    }
  }
  if constexpr (requires { unit.scale_min; }) {
    for (int i = 0; i < 16; ++i) unit.scale_min[i][lane] = block.scales[i];
  }
  if constexpr (requires { unit.signed_scale; }) {
    for (int i = 0; i < static_cast<int>(std::size(unit.signed_scale)); ++i) {
      unit.signed_scale[i][lane] = UnpackScaleCode(block, i);
    }
  }
}

// Stores block `index` of one output (counted along k) into lane `lane` of the
// units of its group.
template <class Format>
void PlaceBlock(const typename Format::Block& block, int64_t index, int lane,
                typename Packed<Format>::Unit* units) {
  constexpr int kBlocks = Packed<Format>::kUnitInputs / Format::kElements;
  auto& unit = units[index / kBlocks];
  const int at = static_cast<int>(index % kBlocks);
  if constexpr (requires { unit.value; }) {
    unit.value[lane] = block.value;
  } else {
    PlaceCodes<Format>(block, at, lane, unit);
    PlaceScales(block, at, lane, unit);
  }
}

template <class Format>
void PackGroup(const std::byte* rows, size_t row_bytes, int64_t blocks,
               int outputs, std::byte* group) {
  auto* units = reinterpret_cast<typename Packed<Format>::Unit*>(group);
  for (int lane = 0; lane < outputs; ++lane) {
    const std::byte* stored = rows + static_cast<size_t>(lane) * row_bytes;
    for (int64_t index = 0; index < blocks; ++index) {
      typename Format::Block block;  // copied: a row need not be aligned
      std::memcpy(&block, stored, sizeof(block));
      stored += sizeof(block);
      PlaceBlock<Format>(block, index, lane, units);
    }
  }
}

int Groups(int64_t outputs) {
  return static_cast<int>((outputs + kGroupOutputs - 1) / kGroupOutputs);
}

}  // namespace

PackedMatrix PackedMatrix::WithoutData(DType type, int64_t inputs,
                                       int64_t outputs) {
  BRAID_CHECK(inputs >= 1 && outputs >= 1);
  PackedMatrix packed;
  packed.type_ = type;
  packed.inputs_ = inputs;
  packed.outputs_ = outputs;
  VisitFormat(type, [&](auto format) {
    packed.group_bytes_ = PackedGroupBytes<decltype(format)>(inputs);
  });
  packed.bytes_ = packed.group_bytes_ * static_cast<size_t>(Groups(outputs));
  return packed;
}

PackedMatrix PackedMatrix::Pack(DType type, const std::byte* rows,
                                int64_t inputs, int64_t outputs,
                                HugeBlocks& blocks, ThreadPool& threads) {
  PackedMatrix packed = WithoutData(type, inputs, outputs);
  packed.data_ = blocks.Take(packed.bytes_);
  const size_t row_bytes = RowBytes(type, inputs);
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    threads.Run(Groups(outputs), [&](int group, int) {
      const int64_t first = static_cast<int64_t>(group) * kGroupOutputs;
      const int64_t left = outputs - first;
      PackGroup<Format>(
          rows + static_cast<size_t>(first) * row_bytes, row_bytes,
          inputs / Format::kElements,
          static_cast<int>(left < kGroupOutputs ? left : kGroupOutputs),
          packed.data_.get() +
              static_cast<size_t>(group) * packed.group_bytes_);
    });
  });
  return packed;
}

}  // namespace braid
