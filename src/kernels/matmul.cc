#include "kernels/matmul.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/cpu/matmul_kernels.h"
#include "kernels/matmul_formats.h"

namespace braid {

namespace {

// Transposed rows that are multiplied with one strip of weights before the
// next: they should stay in an L2 cache of 1 MB beside everything else.
constexpr int64_t kRowBlockBytes = 540 * 1000;

// Tasks per thread: enough to even out a thread that was held up.
constexpr int64_t kTasksPerThread = 4;

// The inputs that are summed for one offset; 0 if the format has none.
int64_t SummedInputs(DType type) {
  return VisitFormat(type, [](auto format) -> int64_t {
    using Layout = Packed<decltype(format)>;
    return Layout::kHasOffset ? Layout::kScaledInputs : 0;
  });
}

// Splits `units` into about equal ranges, one per task.
struct Split {
  int64_t units;
  int64_t per_task;

  Split(int64_t all, const ThreadPool& threads)
      : units(all),
        per_task(threads.threads() == 1
                     ? all
                     : std::max<int64_t>(
                           1, all / (threads.threads() * kTasksPerThread))) {}
  int tasks() const {
    return static_cast<int>((units + per_task - 1) / per_task);
  }
  int64_t begin(int task) const { return task * per_task; }
  int64_t end(int task) const { return std::min(units, (task + 1) * per_task); }
};

// Outputs [16 * begin, 16 * end) of w, in units of `groups` groups.
MatMulWeights Range(const PackedMatrix& w, int64_t begin_group,
                    int64_t end_group) {
  const int64_t begin = begin_group * kGroupOutputs;
  const int64_t end = std::min(end_group * kGroupOutputs, w.outputs());
  return {w.type(),
          w.data() + static_cast<size_t>(begin_group) * w.group_bytes(),
          w.group_bytes(), w.inputs(), end - begin};
}

int64_t Groups(const PackedMatrix& w) {
  return (w.outputs() + kGroupOutputs - 1) / kGroupOutputs;
}

int64_t DivideUp(int64_t a, int64_t b) { return (a + b - 1) / b; }

// Tiles of rows that are multiplied with a strip of weights before the next.
int64_t FittingTiles(int64_t inputs, int64_t tile_rows) {
  return std::max<int64_t>(1, kRowBlockBytes / (inputs * 4 * tile_rows));
}

// Of one thread, for blocks of `tiles` tiles or, if fewer fit, of those. More
// tiles never need less.
size_t ScratchFloats(int64_t tiles, int64_t inputs, int64_t tile_rows) {
  return ManyRowsScratch(std::min(tiles, FittingTiles(inputs, tile_rows)) *
                         tile_rows);
}

void FewRowsProduct(const PackedMatrix& w, ConstRows x, Rows y, Arena& arena,
                    ThreadPool& threads) {
  const MatMulShape shape = MatMulTileShape();
  const int rows = static_cast<int>(x.rows);
  const int height = MatMulTileHeight(rows, shape.few_rows);
  const float* tile = x.row(0);
  if (height > 1) {
    float* packed =
        arena.Allocate<float>(static_cast<size_t>(height * w.inputs()));
    MatMulPackRows(x.data, x.stride, rows, height, w.inputs(), packed);
    tile = packed;
  }
  float* sums = nullptr;
  if (const int64_t summed = SummedInputs(w.type()); summed != 0) {
    sums = arena.Allocate<float>(
        static_cast<size_t>(height * w.inputs() / summed));
    MatMulSumBlocks(tile, height, w.inputs(), summed, sums);
  }
  const int64_t unit = shape.few_rows_groups;
  const int64_t groups = Groups(w);
  const Split split(DivideUp(groups, unit), threads);
  threads.Run(split.tasks(), [&](int task, int) {
    const int64_t begin = split.begin(task) * unit;
    const int64_t end = std::min(split.end(task) * unit, groups);
    MatMulFewRows({Range(w, begin, end), rows, tile, sums,
                   y.data + begin * kGroupOutputs, y.stride});
  });
}

void ManyRowsProduct(const PackedMatrix& w, ConstRows x, Rows y, Arena& arena,
                     ThreadPool& threads) {
  const MatMulShape shape = MatMulTileShape();
  const int64_t inputs = w.inputs();
  const int64_t tile_rows = shape.tile_rows;
  const int64_t tiles = DivideUp(x.rows, tile_rows);
  const size_t padded = static_cast<size_t>(tiles * tile_rows);
  float* packed = arena.Allocate<float>(padded * static_cast<size_t>(inputs));
  float* sums = nullptr;
  const int64_t summed = SummedInputs(w.type());
  if (summed != 0) {
    sums = arena.Allocate<float>(padded * static_cast<size_t>(inputs / summed));
  }
  threads.Run(static_cast<int>(tiles), [&](int task, int) {
    const int64_t row = task * tile_rows;
    const int rows = static_cast<int>(std::min(tile_rows, x.rows - row));
    const int height = MatMulTileHeight(rows, shape.tile_rows);
    MatMulPackRows(x.row(row), x.stride, rows, height, inputs,
                   packed + row * inputs);
    if (sums != nullptr) {
      MatMulSumBlocks(packed + row * inputs, height, inputs, summed,
                      sums + row * (inputs / summed));
    }
  });

  const int64_t fitting = FittingTiles(inputs, tile_rows);
  const int64_t block_tiles = DivideUp(tiles, DivideUp(tiles, fitting));
  const int64_t block_rows = block_tiles * tile_rows;
  const int64_t row_blocks = DivideUp(tiles, block_tiles);
  const size_t scratch_floats = ScratchFloats(tiles, inputs, tile_rows);
  float* scratch = arena.Allocate<float>(
      scratch_floats * static_cast<size_t>(threads.threads()));
  const int64_t unit = shape.tile_groups;
  const int64_t groups = Groups(w);
  const Split split(DivideUp(groups, unit), threads);
  const int ranges = split.tasks();
  threads.Run(static_cast<int>(row_blocks) * ranges, [&](int task, int thread) {
    const int64_t row = task / ranges * block_rows;
    const int64_t begin = split.begin(task % ranges) * unit;
    const int64_t end = std::min(split.end(task % ranges) * unit, groups);
    MatMulManyRows({Range(w, begin, end), std::min(block_rows, x.rows - row),
                    packed + row * inputs,
                    sums == nullptr ? nullptr : sums + row * (inputs / summed),
                    y.row(row) + begin * kGroupOutputs, y.stride,
                    scratch + scratch_floats * static_cast<size_t>(thread)});
  });
}

}  // namespace

void MatMul(const PackedMatrix& w, ConstRows x, Rows y, Arena& arena,
            ThreadPool& threads) {
  BRAID_CHECK(x.width == w.inputs() && y.width == w.outputs());
  BRAID_CHECK(x.rows == y.rows);
  if (x.rows == 0) return;
  const ArenaScope scope(arena);
  if (x.rows <= MatMulTileShape().few_rows) {
    FewRowsProduct(w, x, y, arena, threads);
  } else {
    ManyRowsProduct(w, x, y, arena, threads);
  }
}

void ReserveMatMul(const PackedMatrix& w, int64_t rows, Arena& arena,
                   ThreadPool& threads) {
  if (rows == 0) return;
  const ArenaScope scope(arena);
  const MatMulShape shape = MatMulTileShape();
  const bool few = rows <= shape.few_rows;
  const int64_t tiles = DivideUp(rows, shape.tile_rows);
  const int64_t packed =
      few ? MatMulTileHeight(static_cast<int>(rows), shape.few_rows)
          : tiles * shape.tile_rows;
  (void)arena.Allocate<float>(static_cast<size_t>(packed * w.inputs()));
  if (const int64_t summed = SummedInputs(w.type()); summed != 0) {
    (void)arena.Allocate<float>(
        static_cast<size_t>(packed * w.inputs() / summed));
  }
  if (few) return;
  (void)arena.Allocate<float>(
      ScratchFloats(tiles, w.inputs(), shape.tile_rows) *
      static_cast<size_t>(threads.threads()));
}

}  // namespace braid
