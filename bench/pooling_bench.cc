// pooling_bench: many texts embedded in one call, and one by one.
//
//   pooling_bench MODEL [texts, 200] [longest, 900] [ubatch, 64] [threads, 2]
//
// Texts of 1 to `longest` random tokens. For each way of pooling, prints texts
// per second of one Decode of all and of one Decode for each, by turns, the
// best of three; and how many values of the embeddings differ. Ends with 1 if
// any does.
#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/random.h"
#include "braid/engine.h"

namespace braid {
namespace {

constexpr int kRounds = 3;

struct Workload {
  std::vector<int> lengths;  // [texts]
  int64_t tokens = 0;
  int ubatch = 0;
  int threads = 0;

  int texts() const { return static_cast<int>(lengths.size()); }
};

void AddText(const Workload& work, int text, SequenceId sequence,
             int vocabulary, Batch& batch) {
  for (Position p = 0; p < work.lengths[static_cast<size_t>(text)]; ++p) {
    const TokenId token =
        Random(static_cast<uint64_t>(text), static_cast<uint64_t>(p))
            .Below(vocabulary);
    batch.Add(token, p, sequence, Want::kPooled);
  }
}

std::unique_ptr<Engine> MakeEngine(std::shared_ptr<const Model> model,
                                   const EngineOptions& options) {
  auto engine = Engine::Create(std::move(model), options);
  if (!engine.ok()) {
    std::fprintf(stderr, "%s\n", engine.error().message.c_str());
    std::exit(1);
  }
  return std::move(*engine);
}

// The embeddings of all texts, one behind the other; and the seconds it took.
struct Embedded {
  std::vector<float> values;
  double seconds = 0;
};

template <class Work>
double Seconds(const Work& work) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point begin = Clock::now();
  work();
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void Decode(Engine& engine, const Batch& batch) {
  const Status status = engine.Decode(batch);
  if (status.ok()) return;
  std::fprintf(stderr, "%s\n", status.error().message.c_str());
  std::exit(1);
}

void Keep(std::span<const float> embedding, Embedded& embedded) {
  embedded.values.insert(embedded.values.end(), embedding.begin(),
                         embedding.end());
}

Embedded Together(const Workload& work, Engine& engine) {
  Embedded embedded;
  embedded.seconds = Seconds([&] {
    Batch batch;
    for (int text = 0; text < work.texts(); ++text) {
      AddText(work, text, text, engine.model().info().vocabulary_size, batch);
    }
    Decode(engine, batch);
    for (int text = 0; text < work.texts(); ++text) {
      Keep(engine.Embedding(text), embedded);
      (void)engine.Remove(text, 0, -1);
    }
  });
  return embedded;
}

Embedded OneByOne(const Workload& work, Engine& engine) {
  Embedded embedded;
  embedded.seconds = Seconds([&] {
    for (int text = 0; text < work.texts(); ++text) {
      Batch batch;
      AddText(work, text, 0, engine.model().info().vocabulary_size, batch);
      Decode(engine, batch);
      Keep(engine.Embedding(0), embedded);
      (void)engine.Remove(0, 0, -1);
    }
  });
  return embedded;
}

// Values that differ.
int64_t Measure(const std::shared_ptr<const Model>& model, const Workload& work,
                Pooling pooling, const char* name) {
  const EngineOptions common = {
      .max_ubatch = work.ubatch, .threads = work.threads, .pooling = pooling};
  EngineOptions many = common;
  many.max_batch = static_cast<int>(work.tokens);
  many.max_sequences = work.texts();
  const auto together = MakeEngine(model, many);
  const auto alone = MakeEngine(model, common);
  double best_together = 1e9;
  double best_alone = 1e9;
  int64_t differing = 0;
  for (int round = 0; round < kRounds; ++round) {
    const Embedded a = Together(work, *together);
    const Embedded b = OneByOne(work, *alone);
    best_together = std::min(best_together, a.seconds);
    best_alone = std::min(best_alone, b.seconds);
    differing += std::abs(std::ssize(a.values) - std::ssize(b.values));
    const size_t count = std::min(a.values.size(), b.values.size());
    for (size_t i = 0; i < count; ++i) {
      if (std::memcmp(&a.values[i], &b.values[i], sizeof(float)) != 0) {
        ++differing;
      }
    }
  }
  std::printf("%-6s %12.1f %12.1f %8.2f %10lld\n", name,
              work.texts() / best_together, work.texts() / best_alone,
              best_alone / best_together, static_cast<long long>(differing));
  std::fflush(stdout);
  return differing;
}

int Main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr,
                 "usage: pooling_bench MODEL [texts] [longest] [ubatch] "
                 "[threads]\n");
    return 2;
  }
  const auto argument = [&](int index, int otherwise) {
    return argc > index ? std::atoi(argv[index]) : otherwise;
  };
  Workload work;
  const int longest = argument(3, 900);
  for (int text = 0; text < argument(2, 200); ++text) {
    work.lengths.push_back(
        1 + Random(17, static_cast<uint64_t>(text)).Below(longest));
    work.tokens += work.lengths.back();
  }
  work.ubatch = argument(4, 64);
  work.threads = argument(5, 2);
  const auto model =
      Model::Load(argv[1], {.threads = work.threads, .progress = {}});
  if (!model.ok()) {
    std::fprintf(stderr, "%s\n", model.error().message.c_str());
    return 1;
  }
  std::printf("%d texts, %lld tokens, -ub %d, %d threads\n", work.texts(),
              static_cast<long long>(work.tokens), work.ubatch, work.threads);
  std::printf("         one call, /s  one by one    ratio  differing\n");
  const int64_t differing = Measure(*model, work, Pooling::kMean, "mean") +
                            Measure(*model, work, Pooling::kFirst, "first") +
                            Measure(*model, work, Pooling::kLast, "last");
  return differing == 0 ? 0 : 1;
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) { return braid::Main(argc, argv); }
