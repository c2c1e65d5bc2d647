#include <algorithm>

#include "kernels/attention.h"
#include "kernels/row_tasks.h"

#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "kernels/cpu/write_kv.cc"
#include "hwy/foreach_target.h"
#include "kernels/cpu/highway.h"

HWY_BEFORE_NAMESPACE();
namespace braid::HWY_NAMESPACE {
namespace {

// Rounds to nearest even, whatever the floating-point mode.
HWY_INLINE void Encode16(const Lanes16& v, hwy::float16_t* to) {
  const hn::Rebind<hwy::float16_t, FloatTag> d;
  BRAID_UNROLL
  for (int i = 0; i < kParts; ++i) {
    hn::StoreU(hn::DemoteTo(d, v.part[i]), d, to + i * kLanes);
  }
}

HWY_INLINE void Encode16(const Lanes16& v, float* to) { Store16(v, to); }

// to[i * step] = from[i], converted, for i in [0, count).
template <class T>
void StoreHead(const float* from, int count, int step, T* to) {
  alignas(64) T encoded[16];
  for (int i = 0; i < count; i += 16) {
    const int lanes = std::min(16, count - i);
    Encode16(lanes == 16 ? Load16(from + i) : LoadFirst16(from + i, lanes),
             encoded);
    for (int lane = 0; lane < lanes; ++lane) {
      to[int64_t{i + lane} * step] = encoded[lane];
    }
  }
}

template <class T>
void StoreRow(const KvLayout& layout, std::byte* page, int slot,
              const float* keys, const float* values) {
  for (int h = 0; h < layout.kv_heads; ++h) {
    T* key = reinterpret_cast<T*>(page + layout.KeyOffset(h));
    T* value = reinterpret_cast<T*>(page + layout.ValueOffset(h));
    StoreHead(keys + int64_t{h} * layout.key_dim, layout.key_dim,
              kPagePositions, key + slot);
    StoreHead(values + int64_t{h} * layout.value_dim, layout.value_dim, 1,
              value + int64_t{slot} * layout.value_dim);
  }
}

void StoreKvRow(const KvLayout& layout, std::byte* page, int slot,
                const float* keys, const float* values) {
  if (layout.type == DType::kF16) {
    StoreRow<hwy::float16_t>(layout, page, slot, keys, values);
  } else {
    StoreRow<float>(layout, page, slot, keys, values);
  }
}

}  // namespace
}  // namespace braid::HWY_NAMESPACE
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace braid {

HWY_EXPORT(StoreKvRow);

void WriteKv(const KvLayout& layout, KvPagesView pages,
             std::span<const Run> runs, std::span<const PageTable> tables,
             ConstRows keys, ConstRows values, ThreadPool& threads) {
  const auto write_rows = [&](const Run& run, const PageTable& table,
                              int64_t begin, int64_t end) {
    for (int64_t m = begin; m < end; ++m) {
      const int64_t position = run.first_position + (m - run.begin);
      const int64_t page = table.pages[position / kPagePositions];
      HWY_DYNAMIC_DISPATCH(StoreKvRow)
      (layout, pages.base + page * pages.page_stride,
       static_cast<int>(position % kPagePositions), keys.row(m), values.row(m));
    }
  };
  ForRowBlocks(keys.rows, keys.width + values.width, threads,
               [&](int64_t begin, int64_t end) {
                 for (size_t r = 0; r < runs.size(); ++r) {
                   write_rows(
                       runs[r], tables[r],
                       std::max<int64_t>(begin, runs[r].begin),
                       std::min<int64_t>(end, runs[r].begin + runs[r].length));
                 }
               });
}

}  // namespace braid
#endif  // HWY_ONCE
