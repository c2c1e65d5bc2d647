// Replay for layers that are one of several kinds.
#ifndef BRAID_SRC_NN_REPLAY_H_
#define BRAID_SRC_NN_REPLAY_H_

#include <variant>

#include "nn/pass.h"

namespace braid::nn {

// Advances the state of a part by what was logged, if the part has a state.
// Attention has none: its pages hold all positions.
template <class... Parts>
void ReplayState(const std::variant<Parts...>& part, Pass& pass) {
  std::visit(
      [&](const auto& kind) {
        if constexpr (requires { kind.Replay(pass); }) kind.Replay(pass);
      },
      part);
}

}  // namespace braid::nn

#endif  // BRAID_SRC_NN_REPLAY_H_
