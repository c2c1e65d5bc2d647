// The register tiles of attention: scores, softmax, combination and weighted
// values of a few query rows and one block of keys and values. Read once per
// vector target; attention.cc walks the blocks.
#include <algorithm>
#include <limits>

#include "kernels/attention.h"
#include "kernels/cpu/element_functions.h"

#ifndef BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_ONCE
#define BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_ONCE
namespace braid {

inline constexpr int kBlock = kPagePositions;
static_assert(kBlock == 2 * kReductionLanes);

// Query rows of a tile: at most the 16 lanes in which their running maxima and
// totals are combined.
inline constexpr int kTileLanes = 16;
inline constexpr int kFewestTileRows = 6;
inline constexpr int kMostTileRows = 12;

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

}  // namespace braid
#endif

#if defined(BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_H_) == \
    defined(HWY_TARGET_TOGGLE)
#ifdef BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_H_
#undef BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_H_
#else
#define BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_H_
#endif

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {

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

inline int PaddedRows(int rows) {
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

// The positions [begin, end) of a block, those that a query sees.
struct Seen {
  int begin;
  int end;
};

HWY_INLINE hn::Mask<FloatTag> SeenLanes(Seen seen, int first_lane) {
  const auto first = [first_lane](int end) HWY_ATTR {
    const int lanes = std::clamp(end - first_lane, 0, kLanes);
    return hn::FirstN(FloatTag(), static_cast<size_t>(lanes));
  };
  return hn::AndNot(first(seen.begin), first(seen.end));
}

// Turns the seen scores into exp(score - largest), the others into 0. Nothing
// seen: the maximum is below every score, so that nothing before it (which is
// nothing, too: +0) and nothing after it notices.
HWY_INLINE void SoftmaxBlock(float* scores, Seen seen, float& maximum,
                             float& total) {
  const FloatTag d;
  constexpr int kVectors = kBlock / kLanes;
  const bool whole = seen.begin == 0 && seen.end == kBlock;
  if (seen.begin >= seen.end) {
    maximum = -std::numeric_limits<float>::max();
    total = 0.0f;
    return;
  }
  FloatVec s[kVectors];
  FloatVec largest = hn::Set(d, -kInfinity);
  BRAID_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    s[v] = hn::LoadU(d, scores + v * kLanes);
    if (!whole) {
      s[v] = hn::IfThenElse(SeenLanes(seen, v * kLanes), s[v],
                            hn::Set(d, -kInfinity));
    }
    largest = Larger(largest, s[v]);
  }
  maximum = hn::GetLane(hn::MaxOfLanes(d, largest));
  Lanes16 sum = Zero16();
  BRAID_UNROLL
  for (int v = 0; v < kVectors; ++v) {
    FloatVec e = Exp(d, hn::Sub(s[v], hn::Set(d, maximum)));
    if (!whole) e = hn::IfThenElseZero(SeenLanes(seen, v * kLanes), e);
    hn::StoreU(e, d, scores + v * kLanes);
    sum.part[v % kParts] = hn::Add(sum.part[v % kParts], e);
  }
  total = Sum16(sum);
}

// One block's contribution to the value sums of kRows rows.
struct BlockWeights {
  const float* weights;  // e of the definition, [row][kBlock]
  const Seen* seen;      // by each row
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
  // What all rows see; they are in position order.
  const int common_begin = block.seen[kRows - 1].begin;
  const int common_end = std::max(common_begin, block.seen[0].end);
  // Rows that do not see position j leave it out, because 0 times an infinity
  // is not 0.
  const auto add_where_seen = [&](int begin, int end) HWY_ATTR {
    for (int j = begin; j < end; ++j) {
      BRAID_UNROLL
      for (int r = 0; r < kRows; ++r) {
        if (j < block.seen[r].begin || j >= block.seen[r].end) continue;
        const FloatVec weight = hn::Set(d, block.weights[r * kBlock + j]);
        BRAID_UNROLL
        for (int v = 0; v < kVectors; ++v) {
          sum[r][v] = hn::MulAdd(
              weight, LoadFloats(values + j * value_stride + v * kLanes),
              sum[r][v]);
        }
      }
    }
  };
  add_where_seen(block.seen[0].begin, common_begin);
  for (int j = common_begin; j < common_end; ++j) {
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
  add_where_seen(common_end, block.seen[kRows - 1].end);
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
    block.seen += rows;
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

}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#endif  // BRAID_SRC_KERNELS_CPU_ATTENTION_TILES_H_
