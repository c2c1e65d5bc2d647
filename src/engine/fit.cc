#include "engine/fit.h"

#include <algorithm>
#include <fstream>
#include <string_view>
#include <utility>
#include <vector>

#include "base/huge_pages.h"
#include "base/try.h"
#include "engine/batch_engine.h"

namespace braid {

namespace {

constexpr size_t kPage = 4096;

// A value of a /proc file of lines "Name:  123 kB", in bytes; 0: not there.
size_t ReadProc(const char* path, std::string_view name) {
  std::ifstream file(path);
  std::string line;
  while (std::getline(file, line)) {
    if (!std::string_view(line).starts_with(name)) continue;
    size_t kib = 0;
    for (const char c : line.substr(name.size())) {
      if (c >= '0' && c <= '9') kib = kib * 10 + static_cast<size_t>(c - '0');
    }
    return kib * 1024;
  }
  return 0;
}

size_t ResidentBytes() { return ReadProc("/proc/self/status", "VmRSS:"); }

struct Extent {
  size_t begin = 0;
  size_t end = 0;
};

// Memory behind parts of a MappedRegion of `size` bytes that were written.
size_t BytesBehind(std::vector<Extent> written, size_t size) {
  const size_t unit =
      HugePagesAreGiven() && size >= kHugePage ? kHugePage : kPage;
  std::sort(written.begin(), written.end(),
            [](const Extent& a, const Extent& b) { return a.begin < b.begin; });
  size_t bytes = 0;
  size_t counted = 0;  // all before it
  for (const Extent& extent : written) {
    if (extent.begin >= extent.end) continue;
    const size_t begin = std::max(counted, extent.begin / unit * unit);
    const size_t end = std::min(size, (extent.end + unit - 1) / unit * unit);
    if (end <= begin) continue;
    bytes += end - begin;
    counted = end;
  }
  return bytes;
}

// A layer's pages in a pool: page p at base + p * stride.
struct LayerPages {
  const std::byte* base = nullptr;
  size_t stride = 0;
};

// Memory behind the first `pages` pages of all layers of a pool.
size_t BytesOfPages(const std::vector<LayerPages>& layers, int64_t pages,
                    size_t capacity) {
  std::vector<Extent> written;
  for (const LayerPages& layer : layers) {
    const auto begin = static_cast<size_t>(layer.base - layers.front().base);
    written.push_back(
        {begin, begin + static_cast<size_t>(pages) * layer.stride});
  }
  return BytesBehind(std::move(written), capacity);
}

size_t CellBytes(HybridMemory& memory) {
  const StateCells& cells = memory.cells();
  const auto touched = static_cast<size_t>(cells.cells_touched());
  return BytesBehind({{0, touched * cells.cell_bytes()}},
                     cells.capacity_bytes());
}

size_t KvBytes(HybridMemory& memory) {
  const MemorySpec& spec = memory.spec();
  size_t bytes = 0;
  for (size_t g = 0; g < memory.groups().size(); ++g) {
    std::vector<LayerPages> layers;
    for (int i = 0; i < static_cast<int>(spec.layers.size()); ++i) {
      if (memory.GroupOf(i) != static_cast<int>(g)) continue;
      layers.push_back({memory.PageBase(i), memory.PageStride(i)});
    }
    const KvPages& group = memory.groups()[g];
    bytes += BytesOfPages(
        layers, int64_t{group.groups_touched()} * group.pages_per_group(),
        group.capacity_bytes());
  }
  return bytes;
}

size_t LogBytes(HybridMemory& memory) {
  const KvPages& log = memory.log();
  if (!log.present()) return 0;
  std::vector<LayerPages> layers;
  for (int i = 0; i < static_cast<int>(memory.spec().layers.size()); ++i) {
    if (memory.LogFloats(i) == 0) continue;
    layers.push_back({reinterpret_cast<const std::byte*>(memory.LogPage(i, 0)),
                      log.PageStride(i)});
  }
  return BytesOfPages(layers, log.groups_touched(), log.capacity_bytes());
}

size_t TextBytes(HybridMemory& memory) {
  CrossPages& cross = memory.cross();
  std::vector<LayerPages> layers;
  for (int i = 0; i < static_cast<int>(memory.spec().layers.size()); ++i) {
    if (memory.spec().layers[i].cross_page.empty()) continue;
    layers.push_back({cross.PageBase(i), cross.PageStride(i)});
  }
  return BytesOfPages(layers, cross.pages_touched(), cross.capacity_bytes());
}

int PositionsOfEach(const Engine& engine) {
  const EngineOptions& options = engine.options();
  const int share = std::max(1, options.context / options.max_sequences);
  // A text that is read both ways is one ubatch.
  return engine.model().info().bidirectional
             ? std::min({share, options.max_ubatch, options.max_batch})
             : share;
}

// What FillSequences does.
class Filler {
 public:
  explicit Filler(Engine& engine)
      : engine_(engine), positions_(PositionsOfEach(engine)) {}

  // Sequences go side by side, as many tokens of each as a batch has room for.
  Status Run() {
    const EngineOptions& options = engine_.options();
    if (engine_.model().info().encoder) BRAID_TRY(AddTexts());
    // A text that is read both ways comes whole.
    const int share =
        engine_.model().info().bidirectional
            ? positions_
            : std::max(1, options.max_batch / options.max_sequences);
    for (bool more = true; more;) {
      more = false;
      for (SequenceId s = 0; s < options.max_sequences; ++s) {
        const Position begin = engine_.NextPosition(s);
        const int count = std::min(share, positions_ - begin);
        if (count <= 0) continue;
        if (batch_.size() + count > options.max_batch) BRAID_TRY(Flush());
        Add(s, begin, count);
        more = true;
      }
      BRAID_TRY(Flush());
    }
    return {};
  }

 private:
  Status AddTexts() {
    const EngineOptions& options = engine_.options();
    const std::vector<TokenId> text(static_cast<size_t>(
        std::min({positions_, options.max_ubatch, options.max_batch - 1})));
    for (SequenceId s = 0; s < options.max_sequences; ++s) {
      batch_.AddEncoder(text, s);
      Add(s, 0, 1);
      BRAID_TRY(Flush());
    }
    return {};
  }

  void Add(SequenceId sequence, Position begin, int count) {
    const ModelInfo& info = engine_.model().info();
    const bool pooled = *engine_.options().pooling != Pooling::kNone;
    for (int i = 0; i < count; ++i) {
      const bool last = i + 1 == count;
      Want want = Want::kNothing;
      if (pooled) {
        want = Want::kPooled;
      } else if (last) {
        want = info.logits ? Want::kLogits : Want::kHidden;
      }
      batch_.Add(0, begin + i, sequence, want);
    }
  }

  Status Flush() {
    if (batch_.size() == 0) return {};
    const Status decoded = engine_.Decode(batch_);
    batch_.Clear();
    return decoded;
  }

  Engine& engine_;
  int positions_;
  Batch batch_;
};

}  // namespace

Status FillSequences(Engine& engine) { return Filler(engine).Run(); }

size_t Fit::total() const {
  const size_t running = program + weights + embeddings + cells + replay_log +
                         pages + texts + scratch + logits + tables;
  return std::max(running, loading);
}

Result<Fitter> Fitter::Open(const std::string& path,
                            const LoadOptions& options) {
  Fitter fitter;
  BRAID_ASSIGN(fitter.model_,
               LoadedModel::Load(path, options, WeightScope::Tensors::kSized,
                                 &fitter.weights_));
  const size_t resident = ResidentBytes();
  fitter.program_bytes_ =
      resident - std::min(resident, fitter.weights_.vectors);
  return fitter;
}

Result<Fit> Fitter::Measure(const EngineOptions& options) const {
  const size_t before = ResidentBytes();
  BRAID_ASSIGN(
      const std::unique_ptr<BatchEngine> engine,
      BatchEngine::Create(model_, options, ThreadPool::Tasks::kSkipped));
  const ModelInfo& info = model_->info();
  const EngineOptions& settled = engine->options();
  BRAID_TRY(FillSequences(*engine));

  Fit fit;
  fit.program = program_bytes_;
  fit.weights = weights_.packed + weights_.vectors;
  fit.loading = program_bytes_ + weights_.most_loading;
  fit.embeddings = weights_.tables;
  HybridMemory& memory = engine->memory();
  fit.cells = CellBytes(memory);
  fit.replay_log = LogBytes(memory);
  fit.pages = KvBytes(memory);
  fit.texts = TextBytes(memory);
  fit.scratch = engine->memory_use().scratch;
  if (info.logits) {
    fit.logits = static_cast<size_t>(settled.max_sequences) *
                 static_cast<size_t>(info.vocabulary_size) * sizeof(float);
  }
  const size_t grown = ResidentBytes() - std::min(ResidentBytes(), before);
  fit.tables = grown - std::min(grown, fit.scratch + fit.logits);
  return fit;
}

size_t AvailableMemory() { return ReadProc("/proc/meminfo", "MemAvailable:"); }

}  // namespace braid
