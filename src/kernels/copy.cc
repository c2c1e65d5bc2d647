#include "kernels/copy.h"

#include <algorithm>

#include "kernels/row_tasks.h"

namespace braid {

void CopyRows(ConstRows x, Rows y, ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      std::copy_n(x.row(m), y.width, y.row(m));
    }
  });
}

void GatherRows(ConstRows x, std::span<const int32_t> sources, Rows y,
                ThreadPool& threads) {
  ForRowBlocks(y.rows, y.width, threads, [&](int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      std::copy_n(x.row(sources[static_cast<size_t>(m)]), y.width, y.row(m));
    }
  });
}

}  // namespace braid
