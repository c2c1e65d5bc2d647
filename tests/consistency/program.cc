#include "tests/consistency/program.h"

#include <span>

#include "base/format.h"

namespace braid::programs {

namespace {

std::string Numbers(std::span<const int32_t> numbers) {
  std::string text;
  for (const int32_t number : numbers) {
    text += Format("{}{}", text.empty() ? "" : ", ", number);
  }
  return "{" + text + "}";
}

std::string_view NameOf(Want want) {
  switch (want) {
    case Want::kNothing:
      return "kNothing";
    case Want::kLogits:
      return "kLogits";
    case Want::kHidden:
      return "kHidden";
    case Want::kPooled:
      return "kPooled";
    case Want::kScore:
      return "kScore";
  }
  return "";
}

std::string_view NameOf(SplitPolicy split) {
  switch (split) {
    case SplitPolicy::kRagged:
      return "kRagged";
    case SplitPolicy::kEqual:
      return "kEqual";
    case SplitPolicy::kSimple:
      return "kSimple";
    case SplitPolicy::kWhole:
      return "kWhole";
  }
  return "";
}

std::string_view NameOf(Pooling pooling) {
  switch (pooling) {
    case Pooling::kNone:
      return "kNone";
    case Pooling::kMean:
      return "kMean";
    case Pooling::kFirst:
      return "kFirst";
    case Pooling::kLast:
      return "kLast";
    case Pooling::kRank:
      return "kRank";
  }
  return "";
}

// "Encode({0, 1}, {5, 6}), Add({0}, {5, 2, 7}, kLogits)"
std::string Contents(const Step& step) {
  std::string text;
  for (const Text& t : step.texts) {
    text += Format("{}Encode({}, {})", text.empty() ? "" : ", ",
                   Numbers(t.sequences), Numbers(t.tokens));
  }
  for (const Piece& piece : step.pieces) {
    text += Format("{}Add({}, {}, {}{})", text.empty() ? "" : ", ",
                   Numbers(piece.sequences), Numbers(piece.tokens),
                   NameOf(piece.want),
                   piece.all ? ", every token" : ", last token");
  }
  if (step.shuffle != 0) text += Format(", shuffle {}", step.shuffle);
  return text;
}

std::string Pairs(const Step& step) {
  std::string text;
  for (const auto& [from, to] : step.ids) {
    text += Format("{}{{}, {}}", text.empty() ? "" : ", ", from, to);
  }
  return "{" + text + "}";
}

}  // namespace

std::string_view NameOf(Operation operation) {
  constexpr std::string_view kNames[kOperations] = {
      "Decode",  "Pool", "Sample",      "Speculate",  "Cancel",     "Fork",
      "Remove",  "Keep", "Rollback",    "Checkpoint", "LastLogits", "Save",
      "Restore", "Move", "Reconfigure", "Refused"};
  return kNames[static_cast<int>(operation)];
}

std::string_view NameOf(Wrong wrong) {
  constexpr std::string_view kNames[kWrongs] = {
      "no tokens",         "token outside",   "sequence outside",
      "position ahead",    "position behind", "sequence twice",
      "no sequence",       "target outside",  "too many tokens",
      "fork outside",      "remove middle",   "remove outside",
      "ubatch of nothing", "restore damaged", "restore cut",
      "restore unknown"};
  return kNames[static_cast<int>(wrong)];
}

std::string ToText(const EngineOptions& options) {
  const EngineOptions usual;
  std::string text;
  const auto add = [&](std::string_view name, const auto& value,
                       const auto& default_value, const auto& shown) {
    if (value == default_value) return;
    text += Format("{}.{} = {}", text.empty() ? "" : ", ", name, shown);
  };
  const auto number = [&](std::string_view name, auto value,
                          auto default_value) {
    add(name, value, default_value, value);
  };
  number("context", options.context, usual.context);
  number("max_batch", options.max_batch, usual.max_batch);
  number("max_ubatch", options.max_ubatch, usual.max_ubatch);
  number("max_sequences", options.max_sequences, usual.max_sequences);
  number("threads", options.threads, usual.threads);
  add("split", options.split, usual.split, NameOf(options.split));
  add("kv_type", options.kv_type, usual.kv_type, "kF32");
  add("pooling", options.pooling, usual.pooling,
      NameOf(options.pooling.value_or(Pooling::kNone)));
  number("rollback", options.rollback, usual.rollback);
  number("checkpoint_every", options.checkpoint_every, usual.checkpoint_every);
  number("checkpoint_bytes", options.checkpoint_bytes, usual.checkpoint_bytes);
  number("memory_limit", options.memory_limit, usual.memory_limit);
  number("page_positions", options.page_positions, usual.page_positions);
  return "{" + text + "}";
}

std::string ToText(const Step& step) {
  const std::string_view where = step.file ? "file" : "memory";
  const std::string name(NameOf(step.operation));
  switch (step.operation) {
    case Operation::kDecode:
    case Operation::kPool:
      return Format("{}({});", name, Contents(step));
    case Operation::kSpeculate:
      return Format("{}({}; reject {});", name, Contents(step), step.count);
    case Operation::kCancel:
      return Format("{}({}; when asked {} times{});", name, Contents(step),
                    step.count, step.resume ? ", then the rest" : "");
    case Operation::kSample:
    case Operation::kRollback:
      return Format("{}({}, {} tokens);", name, Numbers(step.sequences),
                    step.count);
    case Operation::kFork:
    case Operation::kRemove:
    case Operation::kKeep:
    case Operation::kCheckpoint:
    case Operation::kLastLogits:
      return Format("{}({});", name, Numbers(step.sequences));
    case Operation::kSave:
      return Format("{}({}, {} {});", name, Numbers(step.sequences), where,
                    step.archive);
    case Operation::kRestore:
      if (step.only >= 0) {
        return Format("{}(the only sequence to {}, archive {});", name,
                      step.only, step.archive);
      }
      return Format("{}({}, archive {});", name, Pairs(step), step.archive);
    case Operation::kMove:
      return Format("{}({}, {}{});", name, ToText(step.options), where,
                    step.renamed ? ", other ids" : "");
    case Operation::kReconfigure:
      return Format("{}({});", name, ToText(step.options));
    case Operation::kRefused:
      return Format("{}({}; {});", name, Contents(step), NameOf(step.wrong));
  }
  return name;
}

std::string ToText(const Program& program) {
  std::string text = Format("Engine({});\n", ToText(program.options));
  for (const Step& step : program.steps) text += ToText(step) + "\n";
  return text;
}

}  // namespace braid::programs
