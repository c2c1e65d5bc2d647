#include "nn/kv_page.h"

namespace braid::nn {

PageLayout KvPage(const KvLayout& layout) {
  const auto heads = static_cast<size_t>(layout.kv_heads);
  const auto key_dim = static_cast<size_t>(layout.key_dim);
  const auto value_dim = static_cast<size_t>(layout.value_dim);
  return {.keys = {.outer = heads * key_dim,
                   .bytes = layout.ElementBytes(),
                   .offset = layout.KeyOffset(0)},
          .values = {.outer = heads,
                     .bytes = value_dim * layout.ElementBytes(),
                     .offset = layout.ValueOffset(0)},
          .page_bytes = layout.PageBytes()};
}

}  // namespace braid::nn
