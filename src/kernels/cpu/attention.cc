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
#include "kernels/cpu/attention_tiles.h"

#ifndef BRAID_SRC_KERNELS_CPU_ATTENTION_ONCE
#define BRAID_SRC_KERNELS_CPU_ATTENTION_ONCE
namespace braid {
namespace {

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
  AttentionOptions options;

  int64_t value_stride() const {
    return (int64_t{layout.value_dim} + 15) / 16 * 16;
  }
  // The first position that a query sees.
  int64_t FirstSeen(int64_t position) const {
    if (options.window == 0) return 0;
    return std::max<int64_t>(0, position + 1 - options.window);
  }
};

// Consecutive queries of one run.
struct QuerySpan {
  const int32_t* pages;
  int64_t row;  // of q and out
  int64_t position;
  int64_t count;
  int64_t key_count;  // positions that all of them see; 0: each up to its own

  // One behind the last position that a query sees.
  int64_t EndSeen(int64_t query) const {
    return key_count > 0 ? key_count : query + 1;
  }
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

// Keys and values of one block as the tiles read them.
template <class T>
struct KvBlock {
  const T* keys;  // [key_dim][kBlock]
  const T* next_keys;
  const T* values;  // [kBlock][value_stride]
  const T* next_values;
  int64_t value_stride;
};

// The soft cap and the relative bias, on the scores of one block.
void ShapeScores(const AttentionOp& op, const QuerySpan& span, int kv_head,
                 const Tile& tile, int64_t first_position, float* scores) {
  const FloatTag d;
  const float cap = op.options.soft_cap;
  if (cap > 0) {
    for (int i = 0; i < tile.rows * kBlock; i += kLanes) {
      const FloatVec ratio = hn::Div(hn::LoadU(d, scores + i), hn::Set(d, cap));
      hn::StoreU(hn::Mul(hn::Set(d, cap), Tanh(d, ratio)), d, scores + i);
    }
  }
  const RelativeBias& bias = op.options.bias;
  if (bias.values == nullptr) return;
  for (int r = 0; r < tile.rows; ++r) {
    const int64_t row = tile.row + r;
    const int64_t head = kv_head * op.group + row % op.group;
    const float* of_head =
        bias.values + head * (bias.before + 1 + bias.after) + bias.before;
    const int64_t position = span.position + row / op.group;
    for (int j = 0; j < kBlock; ++j) {
      const int64_t distance = first_position + j - position;
      scores[r * kBlock + j] +=
          of_head[std::clamp<int64_t>(distance, -bias.before, bias.after)];
    }
  }
}

// Takes `blocks` consecutive blocks, the first of which begins at
// `first_position`, into account.
template <class T>
void AttendTile(const AttentionOp& op, const QuerySpan& span, int kv_head,
                const Tile& tile, const KvBlock<T>* kv, int blocks,
                int64_t first_position) {
  alignas(64) float scores[kBatchBlocks][kMostTileRows * kBlock];
  BlockTotals totals[kBatchBlocks];
  Seen seen[kBatchBlocks][kMostTileRows];
  const bool shaped =
      op.options.soft_cap > 0 || op.options.bias.values != nullptr;
  for (int b = 0; b < blocks; ++b) {
    Scores(tile, kv[b].keys, kv[b].next_keys, op.layout.key_dim, scores[b]);
    if (shaped) {
      ShapeScores(op, span, kv_head, tile, first_position + b * kBlock,
                  scores[b]);
    }
  }
  for (int b = 0; b < blocks; ++b) {
    Store16(Zero16(), totals[b].maximum);  // lanes that are no rows
    Store16(Zero16(), totals[b].total);
    for (int r = 0; r < tile.rows; ++r) {
      const int64_t query = span.position + (tile.row + r) / op.group;
      const auto in_block = [first = first_position + b * kBlock](int64_t at) {
        return static_cast<int>(std::clamp<int64_t>(at - first, 0, kBlock));
      };
      seen[b][r] = {in_block(op.FirstSeen(query)),
                    in_block(span.EndSeen(query))};
      SoftmaxBlock(scores[b] + r * kBlock, seen[b][r], totals[b].maximum[r],
                   totals[b].total[r]);
    }
  }
  CombineTotals(tile, blocks, totals);
  for (int b = 0; b < blocks; ++b) {
    AddValues(tile, {scores[b], seen[b], totals[b].old, totals[b].fresh},
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
        queries[k * tile.padded_rows + r] = q[k] * op.options.scale;
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

// Blocks [begin, end) straight from the pages, for one tile. They are read in
// the order keys of all, values of all, keys of the next batch; what is asked
// for ahead follows that order.
template <class T>
void AttendPages(const AttentionOp& op, const QuerySpan& span, int kv_head,
                 const Tile& tile, int64_t begin, int64_t end, int64_t last) {
  const size_t key_offset = op.layout.KeyOffset(kv_head);
  const size_t value_offset = op.layout.ValueOffset(kv_head);
  const int count = static_cast<int>(end - begin);
  const auto read = [&](int step) {
    if (step >= count && step < 2 * count) {
      return PageData<T>(op, span, begin + step - count, value_offset);
    }
    const int64_t block = step < count ? begin + step : end + step - 2 * count;
    return PageData<T>(op, span, std::min(block, last), key_offset);
  };
  KvBlock<T> kv[kBatchBlocks];
  for (int i = 0; i < count; ++i) {
    kv[i] = {read(i), read(i + kPrefetchBlocks), read(count + i),
             read(count + i + kPrefetchBlocks), op.layout.value_dim};
  }
  AttendTile(op, span, kv_head, tile, kv, count, begin * kBlock);
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

// The keys that nothing before them could ask for; they arrive while the
// queries are packed.
template <class T>
void PrefetchFirstKeys(const AttentionOp& op, const QuerySpan& span,
                       int kv_head, int64_t block) {
  const int64_t count = int64_t{op.layout.key_dim} * kBlock;
  const T* keys = PageData<T>(op, span, block, op.layout.KeyOffset(kv_head));
  for (int64_t i = 0; i < count; i += 64 / int64_t{sizeof(T)}) {
    Prefetch(keys + i);
  }
}

template <class T>
void AttendSpan(const AttentionOp& op, const QuerySpan& span, int kv_head,
                const AttentionScratch& scratch) {
  const int64_t begin = BlockOf(op.FirstSeen(span.position));
  PrefetchFirstKeys<T>(op, span, kv_head, begin);
  const int tiles = MakeTiles(op, span, kv_head, scratch);
  const int64_t last = span.position + span.count - 1;
  const int64_t end = BlockOf(span.EndSeen(last) - 1) + 1;
  const bool reads_pages = ReadsPages<T>(op, tiles);
  const int64_t step = reads_pages && tiles == 1 ? kBatchBlocks : 1;
  // Tile i's queries, which are all of one block.
  const auto query = [&](int i) {
    return span.position + scratch.tiles[i].row / op.group;
  };
  int first_tile = 0;  // tiles before it end before the block
  for (int64_t block = begin; block < end; block += step) {
    while (BlockOf(span.EndSeen(query(first_tile)) - 1) < block) ++first_tile;
    const KvBlock<float> decoded =
        reads_pages ? KvBlock<float>{}
                    : DecodeBlock<T>(op, span, kv_head, block, scratch);
    for (int i = first_tile; i < tiles; ++i) {
      if (BlockOf(op.FirstSeen(query(i))) > block) break;
      if (reads_pages) {
        AttendPages<T>(op, span, kv_head, scratch.tiles[i], block,
                       std::min(end, block + step), end - 1);
      } else {
        AttendTile(op, span, kv_head, scratch.tiles[i], &decoded, 1,
                   block * kBlock);
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
void ForSpans(const Run& run, const PageTable& table, int64_t key_count,
              int group, const At& at) {
  const int64_t step = SpanPositions(group);
  const int64_t begin = run.first_position;
  const int64_t end = begin + run.length;
  for (int64_t i = (end - 1) / step; i >= begin / step; --i) {
    const int64_t first = std::max(begin, i * step);
    at(QuerySpan{table.pages.data(), run.begin + (first - begin), first,
                 std::min(end, (i + 1) * step) - first, key_count});
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
               ConstRows q, int heads, const AttentionOptions& options,
               Rows out, Arena& arena, ThreadPool& threads) {
  const int group = heads / layout.kv_heads;
  BRAID_CHECK(group * layout.kv_heads == heads);
  BRAID_CHECK(options.causal || options.window == 0);
  const AttentionOp op = {layout, pages, q, out, group, options};
  const auto key_count = [&](size_t run) -> int64_t {
    if (options.causal) return 0;
    if (!options.key_counts.empty()) return options.key_counts[run];
    return runs[run].first_position + runs[run].length;
  };
  const ArenaScope scope(arena);
  // Bounds that follow from the number of rows alone, whatever the runs are: a
  // pass of no more rows than an earlier one must not need more scratch.
  const int64_t longest = std::min<int64_t>(SpanPositions(group), q.rows);
  QuerySpan* spans = arena.Allocate<QuerySpan>(static_cast<size_t>(q.rows));
  int64_t count = 0;
  for (size_t r = 0; r < runs.size(); ++r) {
    ForSpans(runs[r], tables[r], key_count(r), group,
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
