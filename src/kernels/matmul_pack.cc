#include <cstring>

#include "base/check.h"
#include "kernels/matmul.h"
#include "kernels/matmul_formats.h"

namespace braid {

namespace {

// PlaceBlock(block, index, lane, units): stores block `index` of one output
// (counted along k) into lane `lane` of the units of its group.

void PlaceBlock(const FormatF32::Block& block, int64_t index, int lane,
                Packed<FormatF32>::Unit* units) {
  units[index].value[lane] = block.value;
}

void PlaceBlock(const FormatF16::Block& block, int64_t index, int lane,
                Packed16Bits::Unit* units) {
  units[index].value[lane] = block.value;
}

void PlaceBlock(const FormatBF16::Block& block, int64_t index, int lane,
                Packed16Bits::Unit* units) {
  units[index].value[lane] = block.value;
}

void PlaceBlock(const FormatQ8_0::Block& block, int64_t index, int lane,
                Packed<FormatQ8_0>::Unit* units) {
  auto& unit = units[index / 2];
  const int half = static_cast<int>(index % 2);
  unit.d[half][lane] = block.d;
  for (int i = 0; i < 32; ++i) unit.q[half * 32 + i][lane] = block.q[i];
}

// Writes 8 codes per word, `words` words.
void PlaceNibbles(const int8_t* codes, int words, int lane,
                  uint32_t (*word)[16]) {
  for (int i = 0; i < words; ++i) {
    uint32_t bits = 0;
    for (int j = 0; j < 8; ++j) {
      bits |= static_cast<uint32_t>(codes[i * 8 + j] & 15) << (4 * j);
    }
    word[i][lane] = bits;
  }
}

void PlaceBlock(const FormatQ4_0::Block& block, int64_t index, int lane,
                Packed<FormatQ4_0>::Unit* units) {
  auto& unit = units[index / 2];
  const int half = static_cast<int>(index % 2);
  int8_t codes[32];
  UnpackCodes(block, codes);
  unit.d[half][lane] = block.d;
  PlaceNibbles(codes, 4, lane, unit.word + half * 4);
}

void PlaceBlock(const FormatQ4_1::Block& block, int64_t index, int lane,
                Packed<FormatQ4_1>::Unit* units) {
  auto& unit = units[index / 2];
  const int half = static_cast<int>(index % 2);
  int8_t codes[32];
  UnpackCodes(block, codes);
  unit.d[half][lane] = block.d;
  unit.m[half][lane] = block.m;
  PlaceNibbles(codes, 4, lane, unit.word + half * 4);
}

void PlaceBlock(const FormatQ4_K::Block& block, int64_t index, int lane,
                Packed<FormatQ4_K>::Unit* units) {
  auto& unit = units[index];
  int8_t codes[256];
  UnpackCodes(block, codes);
  unit.d[lane] = block.d;
  unit.dmin[lane] = block.dmin;
  for (int i = 0; i < 8; ++i) {
    const ScaleMin sub = UnpackScaleMin(block, i);
    unit.scale[i][lane] = sub.scale;
    unit.min[i][lane] = sub.min;
  }
  PlaceNibbles(codes, 32, lane, unit.word);
}

void PlaceBlock(const FormatQ6_K::Block& block, int64_t index, int lane,
                Packed<FormatQ6_K>::Unit* units) {
  auto& unit = units[index];
  int8_t codes[256];
  UnpackCodes(block, codes);
  unit.d[lane] = block.d;
  for (int i = 0; i < 16; ++i) unit.scale[i][lane] = block.scales[i];
  PlaceNibbles(codes, 32, lane, unit.low);
  for (int i = 0; i < 16; ++i) {
    uint32_t bits = 0;
    for (int j = 0; j < 16; ++j) {
      bits |= static_cast<uint32_t>(codes[i * 16 + j] >> 4) << (2 * j);
    }
    unit.high[i][lane] = bits;
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
      PlaceBlock(block, index, lane, units);
    }
  }
}

}  // namespace

PackedMatrix PackedMatrix::Pack(DType type, const std::byte* rows,
                                int64_t inputs, int64_t outputs,
                                ThreadPool& threads) {
  BRAID_CHECK(inputs >= 1 && outputs >= 1);
  PackedMatrix packed;
  packed.type_ = type;
  packed.inputs_ = inputs;
  packed.outputs_ = outputs;
  const size_t row_bytes = RowBytes(type, inputs);
  const int groups =
      static_cast<int>((outputs + kGroupOutputs - 1) / kGroupOutputs);
  VisitFormat(type, [&](auto format) {
    using Format = decltype(format);
    const size_t group_bytes = PackedGroupBytes<Format>(inputs);
    packed.group_bytes_ = group_bytes;
    packed.data_ = AlignedBuffer(group_bytes * static_cast<size_t>(groups));
    threads.Run(groups, [&](int group, int) {
      const int64_t first = static_cast<int64_t>(group) * kGroupOutputs;
      const int64_t left = outputs - first;
      PackGroup<Format>(
          rows + static_cast<size_t>(first) * row_bytes, row_bytes,
          inputs / Format::kElements,
          static_cast<int>(left < kGroupOutputs ? left : kGroupOutputs),
          packed.data_.data() + static_cast<size_t>(group) * group_bytes);
    });
  });
  return packed;
}

}  // namespace braid
