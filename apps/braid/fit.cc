// braid fit: the memory that a set-up needs, before it is tried.
#include "engine/fit.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "apps/braid/command.h"
#include "apps/braid/common_flags.h"
#include "apps/braid/console.h"
#include "apps/braid/json_text.h"
#include "apps/braid/text.h"

namespace braid::cli {

namespace {

// Of the table: positions of each sequence, and sequences.
constexpr int kContexts[] = {1024, 4096, 16384, 65536};
constexpr int kSequences[] = {1, 4, 16, 64};

struct Part {
  const char* name;  // in JSON
  const char* text;
  size_t Fit::*bytes;
};

constexpr Part kParts[] = {
    {"program", "program, metadata and vocabulary", &Fit::program},
    {"weights", "weights", &Fit::weights},
    {"embeddings", "embedding table in the mapped file", &Fit::embeddings},
    {"cells", "recurrent states", &Fit::cells},
    {"replay_log", "replay log", &Fit::replay_log},
    {"pages", "keys and values", &Fit::pages},
    {"texts", "encoder texts", &Fit::texts},
    {"scratch", "activations", &Fit::scratch},
    {"logits", "logits", &Fit::logits},
    {"tables", "tokens, page tables, rotations", &Fit::tables},
};

std::string Column(std::string text, size_t width) {
  text.insert(0, width - std::min(width, text.size()), ' ');
  return text;
}

std::string SizeColumn(size_t bytes) {
  return Column(SizeText(static_cast<double>(bytes)), 12);
}

class FitCommand : public Command {
 public:
  FlagTable Flags() override {
    FlagTable table;
    table.Group("Set-up")
        .Integer("-np, --parallel", "N",
                 "sequences, each with its share of the context", &sequences_,
                 {1, 65536})
        .Choice("--pooling", "KIND",
                "how rows become an embedding; the model's own if not given",
                &pooling_,
                {{"model", -1},
                 {"none", static_cast<int>(Pooling::kNone)},
                 {"mean", static_cast<int>(Pooling::kMean)},
                 {"cls", static_cast<int>(Pooling::kFirst)},
                 {"last", static_cast<int>(Pooling::kLast)},
                 {"rank", static_cast<int>(Pooling::kRank)}})
        .Switch("--json", "print one JSON object", &json_)
        .Toggle("--table",
                "also how many sequences of which length fit this machine",
                &table_);
    model_.Declare(table);
    engine_.Declare(table);
    return table;
  }

  Status Run() override {
    BRAID_ASSIGN(const std::string path, model_.Path());
    BRAID_ASSIGN(const Fitter fitter,
                 Fitter::Open(path, {.threads = 1, .progress = {}}));
    BRAID_ASSIGN(EngineOptions options, engine_.Options(sequences_));
    if (pooling_ >= 0) options.pooling = static_cast<Pooling>(pooling_);
    const ModelInfo& info = fitter.model().info();
    if (options.context == 0) options.context = info.trained_context;
    if (info.bidirectional) options.split = SplitPolicy::kWhole;
    BRAID_ASSIGN(const Fit fit, fitter.Compute(options));
    if (json_) {
      Print(Json(path, options, fit));
      return {};
    }
    std::string text = Report(options, fit);
    if (table_) {
      BRAID_ASSIGN(const std::string table, Table(fitter, options));
      text += table;
    }
    Print(text);
    // Another one at every run.
    if (const size_t available = AvailableMemory(); available > 0) {
      Note(Format("{} are available on this machine\n",
                  SizeText(static_cast<double>(available))));
    }
    return {};
  }

 private:
  std::string Report(const EngineOptions& options, const Fit& fit) const {
    std::string text = Format(
        "{} positions for {}, batches of {}, ubatches of {}\n", options.context,
        Counted(sequences_, "sequence"), options.max_batch, options.max_ubatch);
    for (const Part& part : kParts) {
      if (fit.*part.bytes == 0) continue;
      text += Format("{}  {}\n", SizeColumn(fit.*part.bytes), part.text);
    }
    return text + Format("{}  in all, at the most\n", SizeColumn(fit.total()));
  }

  std::string Json(const std::string& path, const EngineOptions& options,
                   const Fit& fit) const {
    std::string text = Format(
        "{\"file\": {}, \"context\": {}, \"sequences\": {}, "
        "\"batch\": {}, \"ubatch\": {}, \"parts\": {",
        JsonText(path), options.context, sequences_, options.max_batch,
        options.max_ubatch);
    for (const Part& part : kParts) {
      text += Format("{}\"{}\": {}", &part == kParts ? "" : ", ", part.name,
                     fit.*part.bytes);
    }
    return text + Format(
                      "}, \"loading\": {}, \"total\": {}, "
                      "\"available\": {}}\n",
                      fit.loading, fit.total(), AvailableMemory());
  }

  // The lengths of the table: those that the model was trained for, and for
  // one that reads texts whole, that fit a ubatch.
  static std::vector<int> Lengths(const ModelInfo& info,
                                  const EngineOptions& setup) {
    int most = info.trained_context;
    if (info.bidirectional) {
      most = std::min({most, setup.max_ubatch, setup.max_batch});
    }
    std::vector<int> lengths;
    for (const int length : kContexts) {
      if (length <= most) lengths.push_back(length);
    }
    if (lengths.empty()) lengths.push_back(most);
    return lengths;
  }

  // One row per length, one column per number of sequences.
  Result<std::string> Table(const Fitter& fitter,
                            const EngineOptions& setup) const {
    const size_t available = AvailableMemory();
    std::string text = "\npositions of each; * does not fit\n         ";
    for (const int sequences : kSequences) {
      text += Column(Format("{} seq.", sequences), 13);
    }
    text += "\n";
    for (const int length : Lengths(fitter.model().info(), setup)) {
      text += Column(Format("{}", length), 9);
      for (const int sequences : kSequences) {
        EngineOptions options = setup;
        options.max_sequences = sequences;
        options.context = length * sequences;
        BRAID_ASSIGN(const Fit fit, fitter.Compute(options));
        text += SizeColumn(fit.total()) +
                (available > 0 && fit.total() > available ? "*" : " ");
      }
      text += "\n";
    }
    return text;
  }

  ModelFlags model_;
  EngineFlags engine_;
  int sequences_ = 1;
  int pooling_ = -1;  // a Pooling, or what the model asks for
  bool json_ = false;
  bool table_ = true;
};

}  // namespace

std::unique_ptr<Command> MakeFit() { return std::make_unique<FitCommand>(); }

}  // namespace braid::cli
