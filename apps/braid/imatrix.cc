// braid imatrix: which inputs of a model's matrices matter, by a text.
#include <algorithm>
#include <filesystem>
#include <optional>

#include "apps/braid/chunks.h"
#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/importance_collector.h"
#include "apps/braid/interrupt.h"
#include "apps/braid/model_use.h"
#include "apps/braid/progress.h"
#include "apps/braid/text.h"
#include "apps/braid/text_input.h"
#include "base/format.h"
#include "base/try.h"
#include "engine/batch_engine.h"
#include "engine/loaded_model.h"

namespace braid::cli {

namespace {

using quantize::ImportanceMatrix;

enum class FileFormat { kGguf, kDat };

class Imatrix : public Command {
 public:
  Imatrix() { engine_.options.context = 512; }

  FlagTable Flags() override {
    FlagTable table;
    table.Group("Text")
        .Text("-f, --file", "FILE",
              "the text, UTF-8 or UTF-16; - is standard input", &file_)
        .Switch("--parse-special",
                "names of control tokens in the text become those tokens",
                &parse_special_)
        .Integer("--chunk, --from-chunk", "N", "pass over the first N chunks",
                 &first_, {0, 1 << 30})
        .Integer("--chunks", "N", "at most so many chunks; -1: all", &most_,
                 {-1, 1 << 30})
        .Texts("--in-file", "FILE",
               "add what this file of an earlier run measured; without -f, "
               "files are only merged",
               &earlier_)
        .Integer("--in-chunk-size", "N",
                 "tokens of a chunk of files of the older format, which do not "
                 "say it; 0: do not merge them. Experts cannot be merged",
                 &in_chunk_size_, {0, 1 << 24});
    table.Group("Output")
        .Text("-o, --output, --output-file", "FILE", "the file to write",
              &output_)
        .Choice("--output-format", "FORMAT", "of the file", &format_,
                {{"gguf", FileFormat::kGguf}, {"dat", FileFormat::kDat}})
        .Integer(
            "-ofreq, --output-frequency", "N",
            "write OUTPUT.partial after every N chunks, which is removed at "
            "the end; 0: only if it is interrupted",
            &frequency_, {0, 1 << 30})
        .Switch("--process-output",
                "also of the matrix that makes logits: its inputs are computed "
                "for every token",
                &process_output_);
    model_.Declare(table);
    engine_.Declare(table);
    return table;
  }

  std::vector<UnusedFlags> Unused() const override {
    if (!file_.empty()) {
      std::vector<UnusedFlags> unused = {
          {.names = "--page-size, --rollback, --checkpoint-every, "
                    "--checkpoint-bytes",
           .use = "on chunks, which are evaluated once",
           .only_noted = true}};
      if (earlier_.empty()) {
        unused.push_back(
            {.names = "--in-chunk-size", .use = "without --in-file"});
      }
      return unused;
    }
    return {{.names = "--parse-special, --chunk, --chunks, --process-output",
             .use = "without -f: files are only merged"},
            {.names = "-m, -ofreq",
             .use = "without -f: files are only merged",
             .only_noted = true},
            {.names = kEngineFlags,
             .use = "without -f: files are only merged",
             .only_noted = true}};
  }

  Status Run() override {
    if (file_.empty() && earlier_.empty()) {
      return Error{"no text: give -f FILE, or files to merge with --in-file"};
    }
    if (most_ == 0) return Error{"--chunks: 0 leaves nothing to measure"};
    BRAID_TRY(CheckWritable(output_));
    ImportanceMatrix before;
    for (const std::string& path : earlier_) {
      BRAID_ASSIGN(ImportanceMatrix more, ImportanceMatrix::Read(path));
      const Status merged = Add(more, before);
      if (!merged.ok()) {
        return Error{Format("{}: {}", path, merged.error().message)};
      }
    }
    return file_.empty() ? Write(output_, before) : Measure(before);
  }

 private:
  Status Add(ImportanceMatrix& more, ImportanceMatrix& all) const {
    if (more.is_older()) {
      if (in_chunk_size_ == 0) {
        return Error{
            "the older format counts no rows: give the tokens of its chunks "
            "with --in-chunk-size N"};
      }
      BRAID_TRY(more.CountRows(static_cast<uint32_t>(in_chunk_size_)));
    }
    return all.Merge(more);
  }

  Status Measure(const ImportanceMatrix& before) {
    BRAID_ASSIGN(const std::string text, ReadText(file_));
    BRAID_ASSIGN(EngineOptions options, engine_.Options(/*max_sequences=*/1));
    MatrixNames names;
    BRAID_ASSIGN(const auto model, Load(options.threads, names));
    if (model->info().bidirectional) {
      options.split = SplitPolicy::kWhole;
      options.max_batch = std::max(options.max_batch, options.context);
      options.max_ubatch = std::max(options.max_ubatch, options.context);
    }
    BRAID_TRY(CheckLength("a chunk of -c", options.context,
                          LongestText(*model, options)));
    LengthNotices(model->info()).Long("a chunk of -c", options.context);
    BRAID_ASSIGN(const Chunks chunks, Cut(*model, text));
    BRAID_ASSIGN(const std::unique_ptr<BatchEngine> engine,
                 BatchEngine::Create(model, options));
    ImportanceCollector collector(names, process_output_);
    engine->ObserveInputs(&collector);

    const InterruptGuard guard;
    Progress progress("imatrix", model_.progress);
    const Stopwatch watch;
    const int count = Count(chunks);
    int done = 0;
    for (; done < count && !guard.interrupted(); ++done) {
      progress.Show(static_cast<double>(done) / count);
      // To its end: its inputs are in the sums, so it must be in the count.
      BRAID_TRY(Decode(*engine, chunks, first_ + done));
      if (frequency_ > 0 && (done + 1) % frequency_ == 0 && done + 1 < count) {
        BRAID_TRY(Write(PartialPath(), before, collector, done + 1));
      }
    }
    progress.Hide();
    if (done == count) {
      BRAID_TRY(Write(output_, before, collector, done));
      std::error_code ignored;
      std::filesystem::remove(PartialPath(), ignored);
    } else if (done > 0) {
      BRAID_TRY(Write(PartialPath(), before, collector, done));
      Note(
          Format("{} has {} of {} chunks; for the others: --in-file "
                 "{} --chunk {}\n",
                 PartialPath(), done, count, PartialPath(), first_ + done));
    }
    Note(Format("{} of {} in {} s\n", Counted(done, "chunk"),
                Counted(options.context, "token"), Fixed(watch.Seconds(), 1)));
    return guard.Verdict();
  }

  // A file under the name that was asked for is complete.
  std::string PartialPath() const { return output_ + ".partial"; }

  Result<std::shared_ptr<const LoadedModel>> Load(int threads,
                                                  MatrixNames& names) const {
    BRAID_ASSIGN(const std::string path, model_.Path());
    Progress bar(
        Format("loading {}", std::filesystem::path(path).filename().string()),
        model_.progress);
    return LoadedModel::Load(path,
                             {.threads = threads,
                              .progress = [&](double s) { bar.Show(s); },
                              .encoder_only = true},
                             WeightScope::Tensors::kRead, /*use=*/nullptr,
                             &names);
  }

  Result<Chunks> Cut(const Model& model, const std::string& text) const {
    const int length = engine_.options.context;
    if (length < 1) return Error{Format("-c: {} is not at least 1", length)};
    std::vector<TokenId> tokens = model.tokenizer().Encode(
        text, {.add_special = true, .parse_special = parse_special_});
    const size_t count = tokens.size();
    Chunks chunks(std::move(tokens), {.length = length, .step = length},
                  model.tokenizer());
    if (chunks.count() > first_) return chunks;
    return Error{Format("the text has {}, which are {} of -c {}; {} are needed",
                        Counted(static_cast<int64_t>(count), "token"),
                        Counted(chunks.count(), "chunk"), length, first_ + 1)};
  }

  int Count(const Chunks& chunks) const {
    const int left = chunks.count() - first_;
    return most_ < 0 ? left : std::min(most_, left);
  }

  // One chunk alone: the order of its rows, and so of the sums, is that of the
  // text, whatever -b and -ub are.
  Status Decode(Engine& engine, const Chunks& chunks, int chunk) const {
    BRAID_TRY(engine.Remove(0, 0, -1));
    const Want want = process_output_ && engine.model().info().logits
                          ? Want::kLogits
                          : Want::kNothing;
    const int length = chunks.shape().length;
    Batch batch;
    for (int i = 0; i < length; ++i) {
      batch.Add(chunks.Token(chunk, i), i, 0, want);
      if (i + 1 < length && batch.size() < engine.options().max_batch) continue;
      BRAID_TRY(engine.Decode(batch));
      batch.Clear();
    }
    return {};
  }

  Status Write(const std::string& path, const ImportanceMatrix& before,
               const ImportanceCollector& collector, int chunks) const {
    ImportanceMatrix measured;
    collector.AddTo(measured);
    measured.datasets = {file_};
    measured.chunk_count = static_cast<uint32_t>(chunks);
    measured.chunk_size = static_cast<uint32_t>(engine_.options.context);
    ImportanceMatrix all = before;
    BRAID_TRY(all.Merge(measured));
    return Write(path, all);
  }

  Status Write(const std::string& path, const ImportanceMatrix& matrix) const {
    return format_ == FileFormat::kGguf ? matrix.Write(path)
                                        : matrix.WriteOld(path);
  }

  std::string file_;
  std::string output_ = "imatrix.gguf";
  std::vector<std::string> earlier_;
  FileFormat format_ = FileFormat::kGguf;
  int in_chunk_size_ = 0;
  int first_ = 0;
  int most_ = -1;
  int frequency_ = 10;
  bool parse_special_ = false;
  bool process_output_ = false;
  ModelFlags model_;
  EngineFlags engine_;
};

}  // namespace

std::unique_ptr<Command> MakeImatrix() { return std::make_unique<Imatrix>(); }

}  // namespace braid::cli
