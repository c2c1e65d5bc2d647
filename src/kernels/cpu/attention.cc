// Attention proceeds by tasks: the queries of one run in a span of positions,
// times the query heads that share one KV head. A task walks its blocks of keys
// and values once; for each block it takes its query rows by tiles that fit the
// registers: scores, softmax, weighted values, combination.
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

// scores[r][j] = sum over k of keys[k][j] * queries[k][r]. `next` is what will
// be read two blocks later, as long as `keys`.
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
      __builtin_prefetch(next + k * kBlock + j);
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
    for (size_t line = 0; line < sizeof(T) * kVectors * kLanes; line += 64) {
      __builtin_prefetch(next + j * value_stride + line / sizeof(T));
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

template <int kRows, class T>
void ValueTile(const BlockWeights& block, const T* values, const T* next,
               int64_t value_stride, float* sums, int64_t sums_stride) {
  int64_t i = 0;
  for (; i + kValueVectors * kLanes <= sums_stride;
       i += kValueVectors * kLanes) {
    ValueSlice<kRows, kValueVectors>(block, values + i, next + i, value_stride,
                                     sums + i, sums_stride);
  }
  for (; i < sums_stride; i += kLanes) {
    ValueSlice<kRows, 1>(block, values + i, next + i, value_stride, sums + i,
                         sums_stride);
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

// Combines a block's maxima and totals into the tile's, and gives the factors
// for the value sums.
HWY_INLINE void CombineTotals(const Tile& tile, const float* maximum,
                              const float* total, float* old, float* fresh) {
  const FloatTag d;
  BRAID_UNROLL
  for (int i = 0; i < kTileLanes; i += kLanes) {
    const FloatVec before = hn::LoadU(d, tile.maximum + i);
    const FloatVec block = hn::LoadU(d, maximum + i);
    const FloatVec after = Larger(before, block);
    const FloatVec old_factor = Exp(d, hn::Sub(before, after));
    const FloatVec fresh_factor = Exp(d, hn::Sub(block, after));
    hn::StoreU(hn::MulAdd(hn::LoadU(d, tile.total + i), old_factor,
                          hn::Mul(hn::LoadU(d, total + i), fresh_factor)),
               d, tile.total + i);
    hn::StoreU(after, d, tile.maximum + i);
    hn::StoreU(old_factor, d, old + i);
    hn::StoreU(fresh_factor, d, fresh + i);
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

template <class T>
void AttendTile(const AttentionOp& op, const QuerySpan& span, const Tile& tile,
                const KvBlock<T>& kv, int64_t first_position) {
  alignas(64) float scores[kMostTileRows * kBlock];
  alignas(64) float maximum[kTileLanes] = {};
  alignas(64) float total[kTileLanes] = {};
  alignas(64) float old[kTileLanes];
  alignas(64) float fresh[kTileLanes];
  int counts[kMostTileRows];
  Scores(tile, kv.keys, kv.next_keys, op.layout.key_dim, scores);
  for (int r = 0; r < tile.rows; ++r) {
    const int64_t position = span.position + (tile.row + r) / op.group;
    counts[r] = static_cast<int>(
        std::min<int64_t>(kBlock, position - first_position + 1));
    SoftmaxBlock(scores + r * kBlock, counts[r], maximum[r], total[r]);
  }
  CombineTotals(tile, maximum, total, old, fresh);
  AddValues(tile, {scores, counts, old, fresh}, kv.values, kv.next_values,
            kv.value_stride, op.value_stride());
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

template <class T>
void AttendSpan(const AttentionOp& op, const QuerySpan& span, int kv_head,
                const AttentionScratch& scratch) {
  const int tiles = MakeTiles(op, span, kv_head, scratch);
  const int key_dim = op.layout.key_dim;
  const int value_dim = op.layout.value_dim;
  const size_t key_offset = op.layout.KeyOffset(kv_head);
  const size_t value_offset = op.layout.ValueOffset(kv_head);
  const int64_t last = BlockOf(span.position + span.count - 1);
  const bool reads_pages = ReadsPages<T>(op, tiles);
  int first_tile = 0;  // tiles before it end before the block
  for (int64_t block = 0; block <= last; ++block) {
    const int64_t next = std::min(block + 2, last);
    const T* keys = PageData<T>(op, span, block, key_offset);
    const T* values = PageData<T>(op, span, block, value_offset);
    while (BlockOf(span.position + scratch.tiles[first_tile].row / op.group) <
           block) {
      ++first_tile;
    }
    if (reads_pages) {
      const KvBlock<T> kv = {keys, PageData<T>(op, span, next, key_offset),
                             values, PageData<T>(op, span, next, value_offset),
                             value_dim};
      for (int i = first_tile; i < tiles; ++i) {
        AttendTile(op, span, scratch.tiles[i], kv, block * kBlock);
      }
      continue;
    }
    const int64_t stride = op.value_stride();
    DecodeFloats(keys, int64_t{key_dim} * kBlock, scratch.keys);
    for (int j = 0; j < kBlock; ++j) {
      DecodeFloats(values + int64_t{j} * value_dim, value_dim,
                   scratch.values + j * stride);
    }
    const KvBlock<float> kv = {scratch.keys, scratch.keys, scratch.values,
                               scratch.values, stride};
    for (int i = first_tile; i < tiles; ++i) {
      AttendTile(op, span, scratch.tiles[i], kv, block * kBlock);
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
  return group >= 3 ? kBlock : group == 2 ? 2 * kBlock : 4 * kBlock;
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
