// Visitor: one function for what is saved, whichever way it goes. Where it
// writes, it writes what is there; where it reads, it replaces what is there.
//
//   void Visit(archive::Visitor& visitor, Point& point) {
//     visitor.Number("x", point.x);
//     visitor.Array("weights", point.weights);
//   }
//
// Numbers are little-endian and as wide as their C++ type; arrays, texts and
// lists have their length (u64) before them. Reading checks every length
// against the bytes that are left before anything is allocated. The first error
// stays and names what was read; from then on nothing changes, so that a Visit
// needs to look at status() only at its end.
//
// Not thread-safe.
#ifndef BRAID_SRC_ARCHIVE_VISITOR_H_
#define BRAID_SRC_ARCHIVE_VISITOR_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "archive/writer.h"
#include "braid/result.h"

namespace braid::archive {

class Visitor {
 public:
  // Writes to the writer's section, which must outlive this.
  explicit Visitor(Writer& writer) : writer_(&writer) {}
  // Reads `section`, which must outlive this.
  explicit Visitor(std::span<const std::byte> section) : left_(section) {}

  bool reading() const { return writer_ == nullptr; }
  Status status() const { return status_; }
  bool ok() const { return status_.ok(); }
  // Reading: bytes that were not read.
  size_t left() const { return left_.size(); }

  template <class T>
  requires((std::is_arithmetic_v<T> && !std::is_same_v<T, bool>) ||
           std::is_enum_v<T>) void Number(std::string_view name, T& value) {
    static_assert(sizeof(T) <= 8);
    Raw(name, std::as_writable_bytes(std::span(&value, 1)));
  }
  // One byte, 0 or 1.
  void Flag(std::string_view name, bool& value);

  template <class T>
  requires(std::is_arithmetic_v<T> &&
           !std::is_same_v<T, bool>) void Array(std::string_view name,
                                                std::vector<T>& values) {
    const size_t count = Length(name, values.size(), sizeof(T));
    if (reading()) values.resize(count);
    Raw(name, std::as_writable_bytes(std::span(values)));
  }
  void Text(std::string_view name, std::string& text);

  // visit(item) for every item; reading makes one at a time, so that items are
  // no more than the bytes say. An item is at least one byte.
  template <class T, class Visit>
  void List(std::string_view name, std::vector<T>& items, const Visit& visit) {
    const size_t count = Length(name, items.size(), 1);
    if (reading()) items.clear();
    for (size_t i = 0; i < count && ok(); ++i) {
      if (reading()) items.emplace_back();
      visit(items[i]);
    }
  }

  // A number of bytes that both sides know.
  void Raw(std::string_view name, std::span<std::byte> bytes);

  // What is read makes no sense; the first error stays.
  void Fail(Error error);
  // Reading: the section must end here.
  void End(std::string_view section);

 private:
  // Writes `count`, or reads it: items of at least `item_bytes` bytes. 0 after
  // an error.
  size_t Length(std::string_view name, size_t count, size_t item_bytes);

  Writer* writer_ = nullptr;
  std::span<const std::byte> left_;
  Status status_;
};

}  // namespace braid::archive

#endif  // BRAID_SRC_ARCHIVE_VISITOR_H_
