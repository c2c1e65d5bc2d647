// BRAID_CHECK: an invariant of ours. Input never reaches one; a failure is a
// bug, so the check stays on in release builds and ends the process.
#ifndef BRAID_SRC_BASE_CHECK_H_
#define BRAID_SRC_BASE_CHECK_H_

namespace braid {

[[noreturn]] void CheckFailed(const char* condition, const char* file,
                              int line);

}  // namespace braid

#define BRAID_CHECK(condition)  \
  (static_cast<bool>(condition) \
       ? static_cast<void>(0)   \
       : ::braid::CheckFailed(#condition, __FILE__, __LINE__))

#endif  // BRAID_SRC_BASE_CHECK_H_
