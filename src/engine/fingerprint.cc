#include "engine/fingerprint.h"

#include <string_view>
#include <utility>

#include "base/format.h"
#include "base/try.h"
#include "engine/engine_options.h"

namespace braid {

namespace {

void Visit(archive::Visitor& visitor, PageLayout::Part& part) {
  visitor.Number("rows of a page", part.outer);
  visitor.Number("bytes of a position", part.bytes);
  visitor.Number("offset in a page", part.offset);
}

void Visit(archive::Visitor& visitor, PageLayout& page) {
  Visit(visitor, page.keys);
  Visit(visitor, page.values);
  visitor.Number("bytes of a page", page.page_bytes);
}

void Visit(archive::Visitor& visitor, LayerSpec& layer) {
  visitor.Number("floats of the convolution window", layer.conv_floats);
  visitor.Number("floats of the state", layer.state_floats);
  visitor.Number("floats of the log", layer.log_floats);
  Visit(visitor, layer.page);
  visitor.Number("sliding window", layer.window);
  Visit(visitor, layer.cross_page);
}

void Visit(archive::Visitor& visitor, RopeConfig& rope) {
  visitor.Number("rotated elements", rope.rotated);
  visitor.Number("rope base", rope.base);
  visitor.Number("rope scale", rope.position_scale);
  bool yarn = rope.yarn.has_value();
  visitor.Flag("YaRN", yarn);
  if (visitor.reading() && yarn) rope.yarn.emplace();
  if (rope.yarn) {
    visitor.Number("YaRN context", rope.yarn->original_context);
    visitor.Number("YaRN fast", rope.yarn->beta_fast);
    visitor.Number("YaRN slow", rope.yarn->beta_slow);
  }
  visitor.Number("rope magnitude", rope.magnitude);
  visitor.Array("rope divisors", rope.frequency_divisors);
  visitor.Number("rope pairs", rope.pairs);
}

template <class T>
Status CheckEqual(std::string_view thing, const T& saved, const T& here) {
  if (saved == here) return {};
  return Error{Format("the state was saved with {} {}, here it is {}", thing,
                      saved, here)};
}

Status CheckSame(size_t index, const LayerSpec& saved, const LayerSpec& here) {
  const auto check = [&](std::string_view thing, auto a, auto b) {
    return CheckEqual(Format("layer {}: {}", index, thing), a, b);
  };
  const auto check_page = [&](std::string_view thing, const PageLayout& a,
                              const PageLayout& b) -> Status {
    BRAID_TRY(
        check(Format("{}, rows of keys", thing), a.keys.outer, b.keys.outer));
    BRAID_TRY(
        check(Format("{}, bytes of keys", thing), a.keys.bytes, b.keys.bytes));
    BRAID_TRY(check(Format("{}, offset of keys", thing), a.keys.offset,
                    b.keys.offset));
    BRAID_TRY(check(Format("{}, rows of values", thing), a.values.outer,
                    b.values.outer));
    BRAID_TRY(check(Format("{}, bytes of values", thing), a.values.bytes,
                    b.values.bytes));
    BRAID_TRY(check(Format("{}, offset of values", thing), a.values.offset,
                    b.values.offset));
    return check(Format("{}, bytes", thing), a.page_bytes, b.page_bytes);
  };
  BRAID_TRY(check("floats of the convolution window", saved.conv_floats,
                  here.conv_floats));
  BRAID_TRY(
      check("floats of the state", saved.state_floats, here.state_floats));
  BRAID_TRY(check("floats of the log", saved.log_floats, here.log_floats));
  BRAID_TRY(check_page("page", saved.page, here.page));
  BRAID_TRY(check("sliding window", saved.window, here.window));
  return check_page("encoder page", saved.cross_page, here.cross_page);
}

std::string NameOf(RopePairs pairs) {
  return pairs == RopePairs::kInterleaved ? "interleaved" : "halves";
}

// Why the rotations may differ although the model is the same: the length of
// the memory chooses among them.
Status CheckSame(size_t index, const RopeConfig& saved,
                 const RopeConfig& here) {
  const auto check = [&](std::string_view thing, const auto& a, const auto& b) {
    return CheckEqual(Format("rotation {}: {}", index, thing), a, b);
  };
  BRAID_TRY(check("rotated elements", saved.rotated, here.rotated));
  BRAID_TRY(check("base", saved.base, here.base));
  BRAID_TRY(check("scale", saved.position_scale, here.position_scale));
  BRAID_TRY(check("YaRN", saved.yarn.has_value(), here.yarn.has_value()));
  if (saved.yarn) {
    BRAID_TRY(check("YaRN context", saved.yarn->original_context,
                    here.yarn->original_context));
    BRAID_TRY(check("YaRN fast", saved.yarn->beta_fast, here.yarn->beta_fast));
    BRAID_TRY(check("YaRN slow", saved.yarn->beta_slow, here.yarn->beta_slow));
  }
  BRAID_TRY(check("magnitude", saved.magnitude, here.magnitude));
  BRAID_TRY(check("pairs", NameOf(saved.pairs), NameOf(here.pairs)));
  if (saved.frequency_divisors == here.frequency_divisors) return {};
  return Error{Format(
      "the state was saved with other divisors of rotation {}, which the "
      "context chooses: use the context (-c) with which it was saved",
      index)};
}

// Numbers that stand for names.
std::string NameOf(KvType type) {
  switch (type) {
    case KvType::kF16:
      return "f16";
    case KvType::kF32:
      return "f32";
  }
  return Format("number {}", type);
}

}  // namespace

Result<Fingerprint> FingerprintOf(const LoadedModel& model,
                                  const EngineOptions& options) {
  const LanguageModel& language_model = model.language_model();
  Fingerprint result;
  result.architecture = model.info().architecture;
  BRAID_ASSIGN(result.identity, model.identity());
  result.kv_type = options.kv_type;
  result.layers = language_model.Memory(StorageType(options.kv_type)).layers;
  for (RopeConfig& rope : language_model.ropes()) {
    RopeConfig& chosen =
        result.ropes.emplace_back(ForContext(std::move(rope), options.context));
    chosen.short_context = 0;
    chosen.short_divisors.clear();
  }
  return result;
}

void Visit(archive::Visitor& visitor, Fingerprint& fingerprint) {
  visitor.Number("contract version", fingerprint.contract);
  visitor.Text("architecture", fingerprint.architecture);
  visitor.Number("weights", fingerprint.identity.weights);
  visitor.Number("tokenizer", fingerprint.identity.tokenizer);
  visitor.Number("KV type", fingerprint.kv_type);
  visitor.List("layers", fingerprint.layers,
               [&](LayerSpec& layer) { Visit(visitor, layer); });
  visitor.List("rotations", fingerprint.ropes,
               [&](RopeConfig& rope) { Visit(visitor, rope); });
}

Status CheckSame(const Fingerprint& saved, const Fingerprint& here) {
  BRAID_TRY(CheckEqual("contract version", saved.contract, here.contract));
  BRAID_TRY(CheckEqual("architecture", saved.architecture, here.architecture));
  BRAID_TRY(CheckEqual("KV type", NameOf(saved.kv_type), NameOf(here.kv_type)));
  BRAID_TRY(CheckEqual("layers", saved.layers.size(), here.layers.size()));
  for (size_t i = 0; i < here.layers.size(); ++i) {
    BRAID_TRY(CheckSame(i, saved.layers[i], here.layers[i]));
  }
  BRAID_TRY(CheckEqual("weights of checksum", saved.identity.weights,
                       here.identity.weights));
  BRAID_TRY(CheckEqual("a vocabulary of checksum", saved.identity.tokenizer,
                       here.identity.tokenizer));
  BRAID_TRY(CheckEqual("rotations", saved.ropes.size(), here.ropes.size()));
  for (size_t i = 0; i < here.ropes.size(); ++i) {
    BRAID_TRY(CheckSame(i, saved.ropes[i], here.ropes[i]));
  }
  return {};
}

}  // namespace braid
