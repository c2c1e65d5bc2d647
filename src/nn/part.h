// Part: what the residual stream runs through. A mixer sees the pass, and may
// remember; an MLP sees its rows alone. A part may also be a variant of several
// kinds, of which each layer has one: which, is decided when it is loaded and
// never asked again.
//
//   Rows operator()(Pass&, ConstRows) const     or  (Compute&, ConstRows) const
//   LayerSpec Memory(DType kv_type) const       or  Memory() const, or none
//   void Replay(Pass&) const                    or  none
#ifndef BRAID_SRC_NN_PART_H_
#define BRAID_SRC_NN_PART_H_

#include <variant>

#include "memory/spec.h"
#include "nn/pass.h"

namespace braid::nn {

// {rows, width} -> {rows, width}.
template <class Part>
Rows Run(const Part& part, Pass& pass, ConstRows x) {
  if constexpr (requires { part(pass, x); }) {
    return part(pass, x);
  } else {
    return part(pass.compute, x);
  }
}

// What a sequence remembers of the part; `kv_type`: how keys and values are
// stored.
template <class Part>
LayerSpec MemoryOf(const Part& part, DType kv_type) {
  if constexpr (requires { part.Memory(kv_type); }) {
    return part.Memory(kv_type);
  } else if constexpr (requires { part.Memory(); }) {
    return part.Memory();
  } else {
    return {};
  }
}

// Advances the part's state by what was logged, if it has one. Attention has
// none: its pages hold all positions.
template <class Part>
void ReplayState(const Part& part, Pass& pass) {
  if constexpr (requires { part.Replay(pass); }) part.Replay(pass);
}

template <class... Parts>
Rows Run(const std::variant<Parts...>& part, Pass& pass, ConstRows x) {
  return std::visit([&](const auto& kind) { return Run(kind, pass, x); }, part);
}

template <class... Parts>
LayerSpec MemoryOf(const std::variant<Parts...>& part, DType kv_type) {
  return std::visit([&](const auto& kind) { return MemoryOf(kind, kv_type); },
                    part);
}

template <class... Parts>
void ReplayState(const std::variant<Parts...>& part, Pass& pass) {
  std::visit([&](const auto& kind) { ReplayState(kind, pass); }, part);
}

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_PART_H_
