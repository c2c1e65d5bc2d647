// Nearest: which known word did the user probably mean?
#ifndef BRAID_APPS_BRAID_NEAREST_H_
#define BRAID_APPS_BRAID_NEAREST_H_

#include <span>
#include <string>
#include <string_view>

namespace braid::cli {

// How many letters must be inserted, removed, replaced, or swapped with their
// neighbour, to turn `a` into `b` (optimal string alignment distance).
int EditDistance(std::string_view a, std::string_view b);

// The word of `known` that is nearest to `word`, the first of equals; empty if
// more than half of the letters would have to change.
std::string Nearest(std::string_view word, std::span<const std::string> known);

}  // namespace braid::cli

#endif  // BRAID_APPS_BRAID_NEAREST_H_
