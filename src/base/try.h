// BRAID_TRY and BRAID_ASSIGN: hand an error to the caller, in one line.
#ifndef BRAID_SRC_BASE_TRY_H_
#define BRAID_SRC_BASE_TRY_H_

#include <utility>

#include "braid/result.h"

#define BRAID_CONCAT_INNER(a, b) a##b
#define BRAID_CONCAT(a, b) BRAID_CONCAT_INNER(a, b)

// Evaluates `expression` (a Status or any Result) and returns its error, if
// any, from the enclosing function.
#define BRAID_TRY(expression)                                   \
  do {                                                          \
    if (auto braid_status = (expression); !braid_status.ok()) { \
      return braid_status.error();                              \
    }                                                           \
  } while (false)

// `BRAID_ASSIGN(auto x, F());` declares x from F()'s value or returns F()'s
// error.
#define BRAID_ASSIGN(declaration, expression)                \
  auto BRAID_CONCAT(braid_result_, __LINE__) = (expression); \
  if (!BRAID_CONCAT(braid_result_, __LINE__).ok()) {         \
    return BRAID_CONCAT(braid_result_, __LINE__).error();    \
  }                                                          \
  declaration = std::move(BRAID_CONCAT(braid_result_, __LINE__)).value()

#endif  // BRAID_SRC_BASE_TRY_H_
