// Attention proceeds by tasks: the queries of one run in a span of positions,
// times the query heads that share one KV head. A task walks its blocks of keys
// and values once; for each block it takes its query rows by tiles that fit the
// registers: scores, softmax, combination, weighted values. A task of one tile
// (decode) takes several blocks through each of these steps together, because
// the steps of one block wait for each other.
#include "kernels/attention.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/attention.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/element_functions.h"

#ifndef BRAID_SRC_KERNELS_CPU_ATTENTION_ONCE
#define BRAID_SRC_KERNELS_CPU_ATTENTION_ONCE
namespace braid {
namespace {

constexpr int kBlock = kPagePositions;
static_assert(kBlock == 2 * kReductionLanes);

// Query rows of a tile: at most the 16 lanes in which their running maxima and
// totals are combined.
constexpr int kTileLanes = 16;
constexpr int kFewestTileRows = 6;
constexpr int kMostTileRows = 12;

// Blocks that a single tile takes together.
constexpr int kBatchBlocks = 8;

// How far ahead of their use keys and values are asked for.
constexpr int kPrefetchBlocks = 2;

struct AttentionOp {
  KvLayout layout;
  KvPagesView pages;
  ConstRows q;
  Rows out;
  int group;  // query heads per KV head
  float scale;

  int64_t value_stride() const {
    return (int64_t{layout.value_dim} + 15) / 16 * 16;
  }
};

// Consecutive queries of one run.
struct QuerySpan {
  const int32_t* pages;
  int64_t row;  // of q and out
  int64_t position;
  int64_t count;
};

// Query rows that see the same blocks. Row r of a task is query r / group of
// its span and head r % group of its KV head.
struct Tile {
  int64_t row;      // first row of the task
  int rows;         // 1 to kMostTileRows
  int padded_rows;  // the number that a ScoreTile exists for
  float* queries;   // scaled, [key_dim][padded_rows]
  float* maximum;   // M of the definition, [kTileLanes]
  float* total;     // L
  float* sums;      // A, [rows][value_stride]
};

// One thread's scratch, for tasks of up to `rows` query rows.
struct AttentionScratch {
  Tile* tiles;
  float* queries;
  float* maxima;
  float* totals;
  float* sums;
  float* keys;    // decoded, [key_dim][kBlock]
  float* values;  // decoded, [kBlock][value_stride]
};

int64_t BlockOf(int64_t position) { return position / kBlock; }

}  // namespace
}  // namespace braid
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

using HalfTag = hn::Rebind<hwy::float16_t, FloatTag>;

// 24 accumulators of 32 registers on AVX-512, 12 of 16 on AVX2.
constexpr int kTileRows = kLanes == 16 ? kMostTileRows : kFewestTileRows;
constexpr int kScoreVectors = 2;
constexpr int kValueRows = kTileRows / 2;
constexpr int kValueVectors = 4;

HWY_INLINE FloatVec LoadFloats(const float* from) {
  return hn::LoadU(FloatTag(), from);
}
HWY_INLINE FloatVec LoadFloats(const hwy::float16_t* from) {
  return hn::PromoteTo(FloatTag(), hn::LoadU(HalfTag(), from));
}

// Into the second cache: the first has too few outstanding misses for a stream
// at the speed of memory.
HWY_INLINE void Prefetch(const void* line) { __builtin_prefetch(line, 0, 2); }

// scores[r][j] = sum over k of keys[k][j] * queries[k][r]. `next` is what will
// be read two blocks later, as long as `keys`, or null.
template <int kRows, class T>
void ScoreTile(const T* keys, const T* next, int key_dim, const float* queries,
               float* scores) {
  constexpr int kWidth = kScoreVectors * kLanes;
  for (int j = 0; j < kBlock; j += kWidth) {
    FloatVec sum[kRows][kScoreVectors];
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BRAID_UNROLL
      for (int v = 0; v < kScoreVectors; ++v) sum[r][v] = hn::Zero(FloatTag());
    }
    for (int k = 0; k < key_dim; ++k) {
      if (next != nullptr) Prefetch(next + k * kBlock + j);
      FloatVec key[kScoreVectors];
      BRAID_UNROLL
      for (int v = 0; v < kScoreVectors; ++v) {
        key[v] = LoadFloats(keys + k * kBlock + j + v * kLanes);
      }
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        const FloatVec query = hn::Set(FloatTag(), queries[k * kRows + r]);
        BRAID_UNROLL
        for (int v = 0; v < kScoreVectors; ++v) {
          sum[r][v] = hn::MulAdd(key[v], query, sum[r][v]);
        }
      }
    }
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      BRAID_UNROLL
      for (int v = 0; v < kScoreVectors; ++v) {
        hn::StoreU(sum[r][v], FloatTag(), scores + r * kBlock + j + v * kLanes);
      }
    }
  }
}

int PaddedRows(int rows) {
  if (rows <= 4) return rows;
  return rows <= 6 ? 6 : rows <= 8 ? 8 : 12;
}

template <class T>
void Scores(const Tile& tile, const T* keys, const T* next, int key_dim,
            float* scores) {
  switch (tile.padded_rows) {
    case 1:
      return ScoreTile<1>(keys, next, key_dim, tile.queries, scores);
    case 2:
      return ScoreTile<2>(keys, next, key_dim, tile.queries, scores);
    case 3:
      return ScoreTile<3>(keys, next, key_dim, tile.queries, scores);
    case 4:
      return ScoreTile<4>(keys, next, key_dim, tile.queries, scores);
    case 6:
      return ScoreTile<6>(keys, next, key_dim, tile.queries, scores);
#if HWY_TARGET == HWY_AVX3
    case 8:
      return ScoreTile<8>(keys, next, key_dim, tile.queries, scores);
    case 12:
      return ScoreTile<12>(keys, next, key_dim, tile.queries, scores);
#endif
  }
}

// Turns the first `count` scores into exp(score - largest), the others into 0.
HWY_INLINE void SoftmaxBlock(float* scores, int count, float& maximum,
                             float& total) {
  const FloatTag d;
  constexpr int kVectors = kBlock / kLanes;
  FloatVec s[kVectors];
  FloatVec largest = hn::Set(d, -kInfinity);
  BRAID_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    s[v] = hn::LoadU(d, scores + v * kLanes);
    if (count < kBlock) {
      const int lanes = std::clamp(count - v * kLanes, 0, kLanes);
      s[v] = hn::IfThenElse(hn::FirstN(d, static_cast<size_t>(lanes)), s[v],
                            hn::Set(d, -kInfinity));
    }
    largest = Larger(largest, s[v]);
  }
  maximum = hn::GetLane(hn::MaxOfLanes(d, largest));
  Lanes16 sum = Zero16();
  BRAID_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    FloatVec e = Exp(d, hn::Sub(s[v], hn::Set(d, maximum)));
    if (count < kBlock) {
      const int lanes = std::clamp(count - v * kLanes, 0, kLanes);
      e = hn::IfThenElseZero(hn::FirstN(d, static_cast<size_t>(lanes)), e);
    }
    hn::StoreU(e, d, scores + v * kLanes);
    sum.part[v % kParts] = hn::Add(sum.part[v % kParts], e);
  }
  total = Sum16(sum);
}

// One block's contribution to the value sums of kRows rows.
struct BlockWeights {
  const float* weights;  // e of the definition, [row][kBlock]
  const int* counts;     // positions of the block that a row sees
  const float* old;      // factors of the sums so far and of the block
  const float* fresh;
};

template <int kRows, int kVectors, class T>
HWY_INLINE void ValueSlice(const BlockWeights& block, const T* values,
                           const T* next, int64_t value_stride, float* sums,
                           int64_t sums_stride) {
  const FloatTag d;
  FloatVec sum[kRows][kVectors];
  BRAID_UNROLL
  for (int r = 0; r < kRows; ++r) {
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) sum[r][v] = hn::Zero(d);
  }
  // Rows are in position order: the first sees least.
  const int common = block.counts[0];
  for (int j = 0; j < common; ++j) {
    FloatVec value[kVectors];
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      value[v] = LoadFloats(values + j * value_stride + v * kLanes);
    }
    if (next != nullptr) {
      const T* ahead = next + j * value_stride;
      for (size_t i = 0; i < kVectors * kLanes; i += 64 / sizeof(T)) {
        Prefetch(ahead + i);
      }
    }
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      const FloatVec weight = hn::Set(d, block.weights[r * kBlock + j]);
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = hn::MulAdd(weight, value[v], sum[r][v]);
      }
    }
  }
  // Only in the block of the queries themselves: rows that do not see position
  // j leave it out, because 0 times an infinity is not 0.
  for (int j = common; j < block.counts[kRows - 1]; ++j) {
    BRAID_UNROLL
    for (int r = 0; r < kRows; ++r) {
      if (j >= block.counts[r]) continue;
      const FloatVec weight = hn::Set(d, block.weights[r * kBlock + j]);
      BRAID_UNROLL
      for (int v = 0; v < kVectors; ++v) {
        sum[r][v] = hn::MulAdd(
            weight, LoadFloats(values + j * value_stride + v * kLanes),
            sum[r][v]);
      }
    }
  }
  BRAID_UNROLL
  for (int r = 0; r < kRows; ++r) {
    const FloatVec old = hn::Set(d, block.old[r]);
    const FloatVec fresh = hn::Set(d, block.fresh[r]);
    BRAID_UNROLL
    for (int v = 0; v < kVectors; ++v) {
      float* to = sums + r * sums_stride + v * kLanes;
      hn::StoreU(hn::MulAdd(hn::LoadU(d, to), old, hn::Mul(sum[r][v], fresh)),
                 d, to);
    }
  }
}

template <class T>
HWY_INLINE const T* Advance(const T* next, int64_t by) {
  return next == nullptr ? nullptr : next + by;
}

template <int kRows, class T>
void ValueTile(const BlockWeights& block, const T* values, const T* next,
               int64_t value_stride, float* sums, int64_t sums_stride) {
  int64_t i = 0;
  for (; i + kValueVectors * kLanes <= sums_stride;
       i += kValueVectors * kLanes) {
    ValueSlice<kRows, kValueVectors>(block, values + i, Advance(next, i),
                                     value_stride, sums + i, sums_stride);
  }
  for (; i < sums_stride; i += kLanes) {
    ValueSlice<kRows, 1>(block, values + i, Advance(next, i), value_stride,
                         sums + i, sums_stride);
  }
}

template <class T>
void AddValues(const Tile& tile, BlockWeights block, const T* values,
               const T* next, int64_t value_stride, int64_t sums_stride) {
  float* sums = tile.sums;
  for (int left = tile.rows; left > 0;) {
    int rows = 1;
    if (left >= kValueRows) {
      rows = kValueRows;
      ValueTile<kValueRows>(block, values, next, value_stride, sums,
                            sums_stride);
    } else if (left >= 3) {
      rows = 3;
      ValueTile<3>(block, values, next, value_stride, sums, sums_stride);
    } else if (left == 2) {
      rows = 2;
      ValueTile<2>(block, values, next, value_stride, sums, sums_stride);
    } else {
      ValueTile<1>(block, values, next, value_stride, sums, sums_stride);
    }
    left -= rows;
    sums += rows * sums_stride;
    block.weights += rows * kBlock;
    block.counts += rows;
    block.old += rows;
    block.fresh += rows;
  }
}

// What the softmax of one block gives, and the factors that combine it with
// the blocks before it. Lane r is row r of the tile.
struct BlockTotals {
  alignas(64) float maximum[kTileLanes];
  alignas(64) float total[kTileLanes];
  alignas(64) float old[kTileLanes];
  alignas(64) float fresh[kTileLanes];
};

// Combines consecutive blocks with the tile's running maxima and totals.
HWY_INLINE void CombineTotals(const Tile& tile, int blocks,
                              BlockTotals* totals) {
  const FloatTag d;
  for (int i = 0; i < kTileLanes; i += kLanes) {
    FloatVec maximum = hn::LoadU(d, tile.maximum + i);
    FloatVec total = hn::LoadU(d, tile.total + i);
    for (int b = 0; b < blocks; ++b) {
      const FloatVec block = hn::LoadU(d, totals[b].maximum + i);
      const FloatVec after = Larger(maximum, block);
      const FloatVec old = Exp(d, hn::Sub(maximum, after));
      const FloatVec fresh = Exp(d, hn::Sub(block, after));
      total = hn::MulAdd(total, old,
                         hn::Mul(hn::LoadU(d, totals[b].total + i), fresh));
      maximum = after;
      hn::StoreU(old, d, totals[b].old + i);
      hn::StoreU(fresh, d, totals[b].fresh + i);
    }
    hn::StoreU(maximum, d, tile.maximum + i);
    hn::StoreU(total, d, tile.total + i);
  }
}

// Keys and values of one block as the tiles read them.
template <class T>
struct KvBlock {
  const T* keys;  // [key_dim][kBlock]
  const T* next_keys;
  const T* values;  // [kBlock][value_stride]
  const T* next_values;
  int64_t value_stride;
};

// Takes `blocks` consecutive blocks, the first of which begins at
// `first_position`, into account.
template <class T>
void AttendTile(const AttentionOp& op, const QuerySpan& span, const Tile& tile,
                const KvBlock<T>* kv, int blocks, int64_t first_position) {
  alignas(64) float scores[kBatchBlocks][kMostTileRows * kBlock];
  BlockTotals totals[kBatchBlocks];
  int counts[kBatchBlocks][kMostTileRows];
  for (int b = 0; b < blocks; ++b) {
    Scores(tile, kv[b].keys, kv[b].next_keys, op.layout.key_dim, scores[b]);
  }
  for (int b = 0; b < blocks; ++b) {
    Store16(Zero16(), totals[b].maximum);  // lanes that are no rows
    Store16(Zero16(), totals[b].total);
    for (int r = 0; r < tile.rows; ++r) {
      const int64_t position = span.position + (tile.row + r) / op.group;
      const int64_t visible = position - first_position - b * kBlock + 1;
      counts[b][r] = static_cast<int>(std::min<int64_t>(kBlock, visible));
      SoftmaxBlock(scores[b] + r * kBlock, counts[b][r], totals[b].maximum[r],
                   totals[b].total[r]);
    }
  }
  CombineTotals(tile, blocks, totals);
  for (int b = 0; b < blocks; ++b) {
    AddValues(tile, {scores[b], counts[b], totals[b].old, totals[b].fresh},
              kv[b].values, kv[b].next_values, kv[b].value_stride,
              op.value_stride());
  }
}

// Queries scaled and packed by tiles, and empty sums.
int MakeTiles(const AttentionOp& op, const QuerySpan& span, int kv_head,
              const AttentionScratch& scratch) {
  const int key_dim = op.layout.key_dim;
  const int64_t stride = op.value_stride();
  const int64_t rows = span.count * op.group;
  int tiles = 0;
  float* queries = scratch.queries;
  for (int64_t row = 0; row < rows; ++tiles) {
    const int64_t block = BlockOf(span.position + row / op.group);
    const int64_t block_rows =
        ((block + 1) * kBlock - span.position) * op.group;
    Tile& tile = scratch.tiles[tiles];
    tile.row = row;
    tile.rows = static_cast<int>(
        std::min<int64_t>(kTileRows, std::min(rows, block_rows) - row));
    tile.padded_rows = PaddedRows(tile.rows);
    tile.queries = queries;
    tile.maximum = scratch.maxima + tiles * kTileLanes;
    tile.total = scratch.totals + tiles * kTileLanes;
    tile.sums = scratch.sums + row * stride;
    for (int r = 0; r < tile.padded_rows; ++r) {
      const int64_t from = row + std::min(r, tile.rows - 1);
      const float* q = op.q.row(span.row + from / op.group) +
                       (kv_head * op.group + from % op.group) * key_dim;
      for (int k = 0; k < key_dim; ++k) {
        queries[k * tile.padded_rows + r] = q[k] * op.scale;
      }
    }
    Store16(Set16(-kInfinity), tile.maximum);
    Store16(Zero16(), tile.total);
    queries += int64_t{tile.padded_rows} * key_dim;
    row += tile.rows;
  }
  for (int64_t i = 0; i < rows * stride; i += 16) {
    Store16(Zero16(), scratch.sums + i);
  }
  return tiles;
}

void WriteOutputs(const AttentionOp& op, const QuerySpan& span, int kv_head,
                  const Tile& tile) {
  const int value_dim = op.layout.value_dim;
  for (int r = 0; r < tile.rows; ++r) {
    const int64_t row = tile.row + r;
    const float* from = tile.sums + r * op.value_stride();
    float* to = op.out.row(span.row + row / op.group) +
                (kv_head * op.group + row % op.group) * value_dim;
    const float inverse = 1.0f / tile.total[r];
    for (int i = 0; i < value_dim; ++i) to[i] = from[i] * inverse;
  }
}

void DecodeFloats(const hwy::float16_t* from, int64_t count, float* to) {
  int64_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    hn::StoreU(LoadFloats(from + i), FloatTag(), to + i);
  }
  if (i == count) return;
  alignas(64) hwy::float16_t rest[kLanes] = {};
  alignas(64) float decoded[kLanes];
  __builtin_memcpy(rest, from + i,
                   static_cast<size_t>(count - i) * sizeof(rest[0]));
  hn::StoreU(LoadFloats(rest), FloatTag(), decoded);
  for (int lane = 0; i < count; ++i, ++lane) to[i] = decoded[lane];
}

void DecodeFloats(const float* from, int64_t count, float* to) {
  __builtin_memcpy(to, from, static_cast<size_t>(count) * sizeof(float));
}

template <class T>
const T* PageData(const AttentionOp& op, const QuerySpan& span, int64_t block,
                  size_t offset) {
  return reinterpret_cast<const T*>(
      op.pages.base + span.pages[block] * op.pages.page_stride + offset);
}

// Whether the tiles read the pages themselves, or a decoded copy: decoding
// pays from the second tile on; and values must come in full registers.
template <class T>
bool ReadsPages(const AttentionOp& op, int tiles) {
  const bool aligned = op.layout.value_dim % 16 == 0;
  return aligned && (sizeof(T) == sizeof(float) || tiles == 1);
}

// Blocks [begin, end) straight from the pages, for one tile.
template <class T>
void AttendPages(const AttentionOp& op, const QuerySpan& span, int kv_head,
                 const Tile& tile, int64_t begin, int64_t end, int64_t last) {
  const size_t key_offset = op.layout.KeyOffset(kv_head);
  const size_t value_offset = op.layout.ValueOffset(kv_head);
  KvBlock<T> kv[kBatchBlocks];
  for (int64_t block = begin; block < end; ++block) {
    const int64_t next = std::min(block + kPrefetchBlocks, last);
    kv[block - begin] = {PageData<T>(op, span, block, key_offset),
                         PageData<T>(op, span, next, key_offset),
                         PageData<T>(op, span, block, value_offset),
                         PageData<T>(op, span, next, value_offset),
                         op.layout.value_dim};
  }
  AttendTile(op, span, tile, kv, static_cast<int>(end - begin), begin * kBlock);
}

// One block, decoded into the scratch.
template <class T>
KvBlock<float> DecodeBlock(const AttentionOp& op, const QuerySpan& span,
                           int kv_head, int64_t block,
                           const AttentionScratch& scratch) {
  const int64_t value_dim = op.layout.value_dim;
  const int64_t stride = op.value_stride();
  const T* keys = PageData<T>(op, span, block, op.layout.KeyOffset(kv_head));
  const T* values =
      PageData<T>(op, span, block, op.layout.ValueOffset(kv_head));
  DecodeFloats(keys, int64_t{op.layout.key_dim} * kBlock, scratch.keys);
  for (int j = 0; j < kBlock; ++j) {
    DecodeFloats(values + j * value_dim, value_dim,
                 scratch.values + j * stride);
  }
  return {scratch.keys, nullptr, scratch.values, nullptr, stride};
}

template <class T>
void AttendSpan(const AttentionOp& op, const QuerySpan& span, int kv_head,
                const AttentionScratch& scratch) {
  const int tiles = MakeTiles(op, span, kv_head, scratch);
  const int64_t end = BlockOf(span.position + span.count - 1) + 1;
  const bool reads_pages = ReadsPages<T>(op, tiles);
  const int64_t step = reads_pages && tiles == 1 ? kBatchBlocks : 1;
  int first_tile = 0;  // tiles before it end before the block
  for (int64_t block = 0; block < end; block += step) {
    while (BlockOf(span.position + scratch.tiles[first_tile].row / op.group) <
           block) {
      ++first_tile;
    }
    const KvBlock<float> decoded =
        reads_pages ? KvBlock<float>{}
                    : DecodeBlock<T>(op, span, kv_head, block, scratch);
    for (int i = first_tile; i < tiles; ++i) {
      if (reads_pages) {
        AttendPages<T>(op, span, kv_head, scratch.tiles[i], block,
                       std::min(end, block + step), end - 1);
      } else {
        AttendTile(op, span, scratch.tiles[i], &decoded, 1, block * kBlock);
      }
    }
  }
  for (int i = 0; i < tiles; ++i) {
    WriteOutputs(op, span, kv_head, scratch.tiles[i]);
  }
}

void Attend(const AttentionOp& op, const QuerySpan& span, int kv_head,
            const AttentionScratch& scratch) {
  if (op.layout.type == DType::kF16) {
    AttendSpan<hwy::float16_t>(op, span, kv_head, scratch);
  } else {
    AttendSpan<float>(op, span, kv_head, scratch);
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(Attend);

namespace {

// Positions of a task: enough rows to pay for decoding a block once.
int64_t SpanPositions(int group) {
  return group >= 6 ? kBlock : group >= 3 ? 2 * kBlock : 4 * kBlock;
}

// Calls at(span) for the spans of a run, which begin at multiples of
// SpanPositions, the longest walk first.
template <class At>
void ForSpans(const Run& run, const PageTable& table, int group, const At& at) {
  const int64_t step = SpanPositions(group);
  const int64_t begin = run.first_position;
  const int64_t end = begin + run.length;
  for (int64_t i = (end - 1) / step; i >= begin / step; --i) {
    const int64_t first = std::max(begin, i * step);
    at(QuerySpan{table.pages.data(), run.begin + (first - begin), first,
                 std::min(end, (i + 1) * step) - first});
  }
}

AttentionScratch NewScratch(const AttentionOp& op, int64_t rows, Arena& arena) {
  const int64_t tiles = rows / kFewestTileRows + SpanPositions(op.group);
  const auto floats = [&arena](int64_t count) {
    return arena.Allocate<float>(static_cast<size_t>(count));
  };
  AttentionScratch scratch;
  scratch.tiles = arena.Allocate<Tile>(static_cast<size_t>(tiles));
  scratch.queries =
      floats((rows + SpanPositions(op.group)) * op.layout.key_dim);
  scratch.maxima = floats(tiles * kTileLanes);
  scratch.totals = floats(tiles * kTileLanes);
  scratch.sums = floats(rows * op.value_stride());
  scratch.keys = floats(int64_t{op.layout.key_dim} * kBlock);
  scratch.values = floats(op.value_stride() * kBlock);
  return scratch;
}

}  // namespace

void Attention(const KvLayout& layout, KvPagesView pages,
               std::span<const Run> runs, std::span<const PageTable> tables,
               ConstRows q, int heads, float scale, Rows out, Arena& arena,
               ThreadPool& threads) {
  const int group = heads / layout.kv_heads;
  BRAID_CHECK(group * layout.kv_heads == heads);
  const AttentionOp op = {layout, pages, q, out, group, scale};
  const ArenaScope scope(arena);
  int64_t count = 0;
  int64_t longest = 0;
  for (size_t r = 0; r < runs.size(); ++r) {
    ForSpans(runs[r], tables[r], group, [&](const QuerySpan& span) {
      ++count;
      longest = std::max(longest, span.count);
    });
  }
  QuerySpan* spans = arena.Allocate<QuerySpan>(static_cast<size_t>(count));
  count = 0;
  for (size_t r = 0; r < runs.size(); ++r) {
    ForSpans(runs[r], tables[r], group,
             [&](const QuerySpan& span) { spans[count++] = span; });
  }
  AttentionScratch* scratch =
      arena.Allocate<AttentionScratch>(static_cast<size_t>(threads.threads()));
  for (int i = 0; i < threads.threads(); ++i) {
    scratch[i] = NewScratch(op, longest * group, arena);
  }
  threads.Run(static_cast<int>(count) * layout.kv_heads,
              [&](int task, int thread) {
                HWY_DYNAMIC_DISPATCH(Attend)
                (op, spans[task / layout.kv_heads], task % layout.kv_heads,
                 scratch[thread]);
              });
}

}  // namespace braid
#endif  // HWY_ONCE
