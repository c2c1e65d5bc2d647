// NameIndex: finds the place of a name in a list, and names that occur twice.
// Sorted, not hashed: the names come from files, and a file must not be able
// to choose names that all collide.
#ifndef BRAID_SRC_GGUF_NAME_INDEX_H_
#define BRAID_SRC_GGUF_NAME_INDEX_H_

#include <algorithm>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

namespace braid::gguf {

class NameIndex {
 public:
  NameIndex() = default;

  // Indexes NameOf(items[i]) as i; O(n log n). The texts must outlive this.
  template <class Items, class NameOf>
  NameIndex(const Items& items, NameOf name_of) {
    entries_.reserve(items.size());
    for (const auto& item : items) {
      entries_.emplace_back(name_of(item), entries_.size());
    }
    std::sort(entries_.begin(), entries_.end());
  }

  std::optional<size_t> Find(std::string_view name) const {
    const auto entry =
        std::lower_bound(entries_.begin(), entries_.end(), Entry(name, 0));
    if (entry == entries_.end() || entry->first != name) return std::nullopt;
    return entry->second;
  }

  // The places of two equal names, in ascending order, if there are any.
  std::optional<std::pair<size_t, size_t>> Duplicate() const {
    const auto same = [](const Entry& a, const Entry& b) {
      return a.first == b.first;
    };
    const auto entry =
        std::adjacent_find(entries_.begin(), entries_.end(), same);
    if (entry == entries_.end()) return std::nullopt;
    return std::pair(entry->second, std::next(entry)->second);
  }

 private:
  using Entry = std::pair<std::string_view, size_t>;
  std::vector<Entry> entries_;
};

}  // namespace braid::gguf

#endif  // BRAID_SRC_GGUF_NAME_INDEX_H_
