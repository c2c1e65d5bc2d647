// Saves the state of an engine again and again, to be killed while it does.
//
// usage: save_loop PATH         saves for ever; a line "N" once state N is
// saved
//        save_loop check PATH   loads; the number of the state
//
// State N has N tokens in sequence 0, and some megabytes in all.
#include <cstdio>
#include <string>

#include "base/check.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"

namespace braid {
namespace {

constexpr int kSequences = 400;

std::unique_ptr<Engine> MakeEngine() {
  auto engine = Engine::Create(MakeTinyModel(TinyKind::kMamba2, DType::kF32),
                               {.max_sequences = kSequences, .threads = 1});
  BRAID_CHECK(engine.ok());
  return std::move(*engine);
}

int Save(const std::string& path) {
  const auto engine = MakeEngine();
  if (engine->Restore(path).ok()) {
    BRAID_CHECK(engine->NextPosition(kSequences - 1) == 1);
  } else {
    Batch others;
    for (SequenceId i = 1; i < kSequences; ++i) {
      others.Add(i % 50, 0, i, Want::kNothing);
    }
    BRAID_CHECK(engine->Decode(others).ok());
  }
  while (true) {
    const Position position = engine->NextPosition(0);
    Batch batch;
    batch.Add(position % 50, position, 0, Want::kNothing);
    BRAID_CHECK(engine->Decode(batch).ok());
    const Status saved = engine->Save(path);
    if (!saved.ok()) {
      std::fprintf(stderr, "%s\n", saved.error().message.c_str());
      return 1;
    }
    std::printf("%d\n", position + 1);
    std::fflush(stdout);
  }
}

int Check(const std::string& path) {
  const auto engine = MakeEngine();
  const auto restored = engine->Restore(path);
  if (!restored.ok()) {
    std::fprintf(stderr, "%s\n", restored.error().message.c_str());
    return 1;
  }
  std::printf("%d\n", engine->NextPosition(0));
  return 0;
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  if (argc == 2) return braid::Save(argv[1]);
  if (argc == 3 && std::string(argv[1]) == "check") {
    return braid::Check(argv[2]);
  }
  std::fprintf(stderr, "usage: save_loop [check] PATH\n");
  return 2;
}
