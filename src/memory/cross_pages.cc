#include "memory/cross_pages.h"

#include <limits>
#include <utility>

#include "base/aligned_buffer.h"
#include "base/check.h"
#include "base/format.h"
#include "base/try.h"
#include "memory/checked_size.h"

namespace braid {

namespace {

int64_t PagesFor(int64_t tokens) {
  return tokens / kPagePositions + (tokens % kPagePositions != 0);
}

}  // namespace

Result<CrossPages::Sizes> CrossPages::SizesOf(const MemorySpec& spec,
                                              const MemoryLimits& limits) {
  bool present = false;
  for (const LayerSpec& layer : spec.layers) {
    present |= !layer.cross_page.empty();
  }
  const int64_t pages =
      present ? PagesFor(limits.kv_positions) + limits.max_sequences : 0;
  if (pages > std::numeric_limits<int32_t>::max()) {
    return Error{
        Format("{} tokens of encoder texts need {} pages, which cannot be "
               "numbered: lower -c",
               limits.kv_positions, pages)};
  }
  Sizes sizes = {
      .pages = static_cast<int32_t>(pages), .layers = {}, .page_bytes = 0};
  CheckedSize end = 0;
  CheckedSize page_bytes = 0;
  for (size_t i = 0; i < spec.layers.size(); ++i) {
    const CheckedSize stride =
        CheckedSize(spec.layers[i].cross_page.page_bytes).RoundedUp(kAlignment);
    const CheckedSize next = end + stride * static_cast<size_t>(pages);
    page_bytes = page_bytes + stride;
    if (!next.value()) {
      return Error{
          Format("layer {}: {} pages of {} bytes for encoder texts overflow "
                 "the address space: lower -c",
                 i, pages, spec.layers[i].cross_page.page_bytes)};
    }
    sizes.layers.push_back({.offset = *end.value(), .stride = *stride.value()});
    end = next;
  }
  sizes.page_bytes = *page_bytes.value();
  sizes.bytes = *end.value();
  return sizes;
}

CrossPages::CrossPages(const MemoryLimits& limits, Sizes sizes)
    : layers_(std::move(sizes.layers)),
      page_bytes_(sizes.page_bytes),
      limit_(limits.kv_positions),
      slots_(sizes.pages),
      texts_(limits.max_sequences),
      free_texts_(limits.max_sequences),
      text_of_(limits.max_sequences, kNoText) {}

Result<CrossPages> CrossPages::Create(const MemorySpec& spec,
                                      const MemoryLimits& limits) {
  BRAID_ASSIGN(Sizes sizes, SizesOf(spec, limits));
  const size_t bytes = sizes.bytes;
  CrossPages result(limits, std::move(sizes));
  BRAID_ASSIGN(result.region_, MappedRegion::Create(bytes));
  return result;
}

Status CrossPages::CheckFits(int64_t tokens) const {
  if (tokens <= limit_ - tokens_in_use_) return {};
  return Error{
      Format("encoder texts of {} tokens do not fit, {} of {} are used: raise "
             "-c or remove a sequence",
             tokens, tokens_in_use_, limit_)};
}

size_t CrossPages::BytesOf(int32_t length) const {
  return static_cast<size_t>(PagesFor(length)) * page_bytes_;
}

void CrossPages::Add(SequenceId sequence, int32_t length) {
  BRAID_CHECK(present() && length >= 1 && text_of_[sequence] == kNoText);
  const int32_t index = free_texts_.First();
  Text& text = texts_[index];
  text.pages.clear();
  text.pages.reserve(static_cast<size_t>(PagesFor(length)));
  free_texts_.Claim(index);
  text.owners = 1;
  text.length = length;
  for (int64_t i = 0; i < PagesFor(length); ++i) {
    text.pages.push_back(slots_.Take());
  }
  tokens_in_use_ += length;
  text_of_[sequence] = index;
}

void CrossPages::Reserve(int32_t length) {
  for (Text& text : texts_) {
    text.pages.reserve(static_cast<size_t>(PagesFor(length)));
  }
}

void CrossPages::Fork(SequenceId from, SequenceId to) {
  BRAID_CHECK(text_of_[to] == kNoText);
  text_of_[to] = text_of_[from];
  if (text_of_[to] != kNoText) ++texts_[text_of_[to]].owners;
}

void CrossPages::Release(SequenceId sequence) {
  const int32_t index = text_of_[sequence];
  if (index == kNoText) return;
  text_of_[sequence] = kNoText;
  Text& text = texts_[index];
  if (--text.owners > 0) return;
  for (const int32_t page : text.pages) slots_.Give(page);
  tokens_in_use_ -= text.length;
  free_texts_.Give(index);
}

int32_t CrossPages::Length(SequenceId sequence) const {
  const int32_t index = text_of_[sequence];
  return index == kNoText ? 0 : texts_[index].length;
}

PageTable CrossPages::TableOf(SequenceId sequence) const {
  const int32_t index = text_of_[sequence];
  if (index == kNoText) return {};
  return {texts_[index].pages};
}

}  // namespace braid
