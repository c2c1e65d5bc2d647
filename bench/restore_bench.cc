// restore_bench: a long session continued from its saved state, and from its
// text.
//
//   restore_bench MODEL [tokens, 10000] [threads, 2] [rounds, 3]
//
// Saves a session of random tokens. Then, by turns and each in a fresh engine,
// until the logits of one more token are there: restores it from the file, or
// evaluates the whole text. Prints the best times, what was evaluated, the
// bytes of the file, and how many of the logits differ. Ends with 1 if any
// does.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"

namespace braid {
namespace {

template <class T>
T Take(Result<T> result) {
  if (result.ok()) return std::move(*result);
  std::fprintf(stderr, "%s\n", result.error().message.c_str());
  std::exit(1);
}

void Check(const Status& status) {
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  std::exit(1);
}

struct Session {
  std::shared_ptr<const Model> model;
  int tokens = 0;
  int threads = 0;
  std::string path;

  std::unique_ptr<Engine> NewEngine() const {
    return Take(
        Engine::Create(model, {.context = tokens + 1, .threads = threads}));
  }
};

// Tokens up to `end`; returns how many were evaluated.
int Append(const Session& session, Engine& engine, Position end) {
  const int vocabulary = session.model->info().vocabulary_size;
  int evaluated = 0;
  while (engine.NextPosition(0) < end) {
    Batch batch;
    for (Position p = engine.NextPosition(0);
         p < end && batch.size() < engine.options().max_batch; ++p) {
      batch.Add(Random(1, static_cast<uint64_t>(p)).Below(vocabulary), p, 0,
                p + 1 == end ? Want::kLogits : Want::kNothing);
    }
    Check(engine.Decode(batch));
    evaluated += batch.size();
  }
  return evaluated;
}

// A session continued by one token.
struct Continued {
  double seconds = 0;
  double restoring = 0;  // of these
  int evaluated = 0;     // tokens
  int64_t bytes = 0;     // of the file
  std::vector<float> logits;
};

Continued Continue(const Session& session, bool restore) {
  using Clock = std::chrono::steady_clock;
  const auto engine = session.NewEngine();
  Continued continued;
  const auto begin = Clock::now();
  const auto since = [&begin] {
    return std::chrono::duration<double>(Clock::now() - begin).count();
  };
  if (restore) continued.bytes = Take(engine->Restore(session.path)).bytes;
  continued.restoring = since();
  continued.evaluated = Append(session, *engine, session.tokens + 1);
  continued.seconds = since();
  const auto logits = engine->LastLogits(0);
  continued.logits.assign(logits.begin(), logits.end());
  return continued;
}

Continued Better(const Continued& a, const Continued& b) {
  return a.logits.empty() || b.seconds < a.seconds ? b : a;
}

int64_t Differing(const std::vector<float>& a, const std::vector<float>& b) {
  const size_t count = std::min(a.size(), b.size());
  int64_t differing =
      static_cast<int64_t>(std::max(a.size(), b.size()) - count);
  for (size_t i = 0; i < count; ++i) {
    if (std::memcmp(&a[i], &b[i], sizeof(float)) != 0) ++differing;
  }
  return differing;
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: restore_bench MODEL [tokens] [threads] [rounds]\n");
    return 2;
  }
  const auto argument = [&](int index, int otherwise) {
    return argc > index ? std::atoi(argv[index]) : otherwise;
  };
  Session session = {.model = nullptr,
                     .tokens = argument(2, 10000),
                     .threads = argument(3, 2),
                     .path = "restore_bench.state"};
  session.model =
      Take(Model::Load(argv[1], {.threads = session.threads, .progress = {}}));
  {
    const auto engine = session.NewEngine();
    Append(session, *engine, session.tokens);
    Check(engine->Save(session.path));
  }
  Continued restored;
  Continued evaluated;
  int64_t differing = 0;
  for (int round = 0; round < argument(4, 3); ++round) {
    const Continued a = Continue(session, true);
    const Continued b = Continue(session, false);
    differing += Differing(a.logits, b.logits);
    restored = Better(restored, a);
    evaluated = Better(evaluated, b);
  }
  std::remove(session.path.c_str());

  std::printf("%d tokens and one more, %d threads; %lld logits differ\n",
              session.tokens, session.threads,
              static_cast<long long>(differing));
  std::printf("           tokens evaluated   ms to its logits\n");
  std::printf(
      "restored   %16d   %16.2f   (%.2f of them to restore %lld bytes)\n",
      restored.evaluated, restored.seconds * 1e3, restored.restoring * 1e3,
      static_cast<long long>(restored.bytes));
  std::printf("from text  %16d   %16.2f   (%.0f times as long)\n",
              evaluated.evaluated, evaluated.seconds * 1e3,
              evaluated.seconds / restored.seconds);
  return differing == 0 ? 0 : 1;
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) { return braid::Main(argc, argv); }
