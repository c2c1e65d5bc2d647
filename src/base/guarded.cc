#include "base/guarded.h"

#include <exception>
#include <stdexcept>

#include "base/format.h"

namespace braid {

namespace {

Error Describe(const char* doing) {
  try {
    throw;
  } catch (const OutOfMemory& failure) {
    return Error{Format("out of memory: {} bytes more were needed while {}",
                        failure.bytes(), doing)};
  } catch (const std::bad_alloc&) {
    return Error{Format("out of memory while {}", doing)};
  } catch (const std::length_error&) {
    return Error{
        Format("out of memory while {}: more was needed than can be addressed",
               doing)};
  } catch (const std::exception& failure) {
    return Error{Format("{} (while {})", failure.what(), doing)};
  } catch (...) {
    return Error{
        Format("an exception that is no std::exception, while {}", doing)};
  }
}

}  // namespace

Error ErrorOfException(const char* doing) noexcept {
  try {
    return Describe(doing);
  } catch (...) {
    // Short enough for the string itself: no memory is needed.
    return Error{"out of memory"};
  }
}

}  // namespace braid
