#include "convert/tensor_rules.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <map>
#include <optional>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/format.h"
#include "base/try.h"

namespace braid::convert {

namespace {

constexpr std::string_view kNumber = "{}";

// A name or a pattern, its components that are numbers taken out:
// "layers.3.up" and "layers.{}.up" are both "layers.{}.up", with {3} and
// {none}.
struct ParsedName {
  std::string form;
  std::vector<std::optional<int64_t>> numbers;
};

ParsedName Parse(std::string_view name) {
  ParsedName parsed;
  while (true) {
    const std::string_view component = name.substr(0, name.find('.'));
    int64_t number = 0;
    const char* end = component.data() + component.size();
    const auto [stop, error] = std::from_chars(component.data(), end, number);
    const bool is_number =
        !component.empty() && error == std::errc() && stop == end;
    if (is_number) parsed.numbers.emplace_back(number);
    if (component == kNumber) parsed.numbers.emplace_back();
    parsed.form += is_number ? kNumber : component;
    if (component.size() == name.size()) return parsed;
    parsed.form += '.';
    name.remove_prefix(component.size() + 1);
  }
}

// `pattern` with `numbers` in place of its "{}", from the first on.
std::string Filled(std::string_view pattern, std::span<const int64_t> numbers) {
  std::string name;
  for (const int64_t number : numbers) {
    const size_t at = pattern.find(kNumber);
    if (at == pattern.npos) break;
    name += Format("{}{}", pattern.substr(0, at), number);
    pattern.remove_prefix(at + kNumber.size());
  }
  return name + std::string(pattern);
}

size_t CountNumbers(std::string_view pattern) {
  size_t count = 0;
  for (size_t at = pattern.find(kNumber); at != pattern.npos;
       at = pattern.find(kNumber, at + 1)) {
    ++count;
  }
  return count;
}

// The numbers at the "{}" of a pattern, if those elsewhere agree with it.
std::optional<std::vector<int64_t>> Captured(
    const std::vector<std::optional<int64_t>>& pattern,
    const std::vector<std::optional<int64_t>>& name) {
  std::vector<int64_t> captured;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (!pattern[i]) {
      captured.push_back(name[i].value_or(0));
    } else if (pattern[i] != name[i]) {
      return std::nullopt;
    }
  }
  return captured;
}

}  // namespace

class TensorRules::Applier {
 public:
  Applier(const TensorRules& rules, const Checkpoint& checkpoint)
      : rules_(rules), checkpoint_(checkpoint) {}

  Result<TensorMapping> Run() {
    for (const SourceTensor& source : checkpoint_.tensors()) {
      by_name_.emplace(rules_.Strip(source.name), &source);
    }
    for (const SourceTensor& source : checkpoint_.tensors()) {
      const std::string_view name = rules_.Strip(source.name);
      if (rules_.Skipped(name) || EqualsAnother(name)) {
        mapping_.skipped.push_back(source.name);
        used_.insert(&source);
        continue;
      }
      ParsedName parsed = Parse(name);
      by_form_[std::move(parsed.form)].push_back(
          {std::move(parsed.numbers), &source});
    }
    for (const Rule& rule : rules_.rules_) BRAID_TRY(ApplyRule(rule));
    for (const TargetTensor& constant : rules_.constants_) {
      mapping_.targets.push_back(constant);
      places_.push_back({-1, places_.size()});
    }
    BRAID_TRY(CheckRest());
    return Ordered();
  }

 private:
  struct Candidate {
    std::vector<std::optional<int64_t>> numbers;
    const SourceTensor* source;
  };
  // Layer (-1: the whole model), then order of the rules.
  using Place = std::pair<int64_t, size_t>;

  Status ApplyRule(const Rule& rule) {
    const ParsedName pattern = Parse(rule.sources[0]);
    const auto found = by_form_.find(pattern.form);
    if (found == by_form_.end()) return {};
    // By their numbers, so that slices are in order.
    std::map<std::vector<int64_t>, const SourceTensor*> matches;
    for (const Candidate& candidate : found->second) {
      const auto captured = Captured(pattern.numbers, candidate.numbers);
      if (captured) matches.emplace(*captured, candidate.source);
    }
    const size_t kept = CountNumbers(rule.target);
    for (auto match = matches.begin(); match != matches.end();) {
      const std::vector<int64_t> numbers(match->first.begin(),
                                         match->first.begin() + kept);
      TargetTensor target;
      target.name = Filled(rule.target, numbers);
      const int64_t layer = match->first.empty() ? -1 : match->first[0];
      const Transforms transforms = rule.transforms(layer);
      do {
        if (rule.stacks &&
            match->first.back() != static_cast<int64_t>(target.pieces.size())) {
          return Error{
              Format("{}: number {} of the tensors before it is "
                     "missing",
                     match->second->name, target.pieces.size())};
        }
        target.pieces.push_back({match->second, transforms});
        BRAID_TRY(AddOthers(rule, match->first, transforms, target));
        ++match;
      } while (
          rule.stacks && match != matches.end() &&
          std::equal(numbers.begin(), numbers.end(), match->first.begin()));
      BRAID_TRY(SetShape(rule, target));
      mapping_.targets.push_back(std::move(target));
      places_.push_back({kept == 0 ? -1 : layer, places_.size()});
    }
    return {};
  }

  // The other sources of a join.
  Status AddOthers(const Rule& rule, const std::vector<int64_t>& numbers,
                   const Transforms& transforms, TargetTensor& target) {
    for (size_t i = 1; i < rule.sources.size(); ++i) {
      const std::string name = Filled(rule.sources[i], numbers);
      const auto found = by_name_.find(name);
      if (found == by_name_.end()) {
        return Error{Format("{}: {} is missing beside it",
                            target.pieces[0].source->name, name)};
      }
      target.pieces.push_back({found->second, transforms});
    }
    return {};
  }

  Status SetShape(const Rule& rule, TargetTensor& target) {
    for (const Piece& piece : target.pieces) {
      const SourceTensor& source = *piece.source;
      used_.insert(&source);
      if (!source.type) {
        return Error{
            Format("{}: type {} is not supported; supported are F32, "
                   "F16 and BF16",
                   source.name, source.stored)};
      }
      if (std::ranges::count(source.shape, 0) > 0) {
        return Error{Format("{}: {} has no elements", source.name,
                            ShapeText(source.shape))};
      }
      Shape shape = source.shape;
      for (const Transform& transform : piece.transforms) {
        Result<Shape> next = transform.shape(shape);
        if (!next.ok()) {
          return Error{Format("{}: {}", source.name, next.error().message)};
        }
        shape = std::move(*next);
      }
      if (shape.empty()) shape = {1};
      if (rule.stacks) shape.insert(shape.begin(), 1);
      if (&piece == &target.pieces[0]) {
        target.shape = shape;
        continue;
      }
      if (!std::equal(shape.begin() + 1, shape.end(), target.shape.begin() + 1,
                      target.shape.end())) {
        return Error{Format("{}: {} does not go with {} of {}", source.name,
                            ShapeText(shape), ShapeText(target.shape),
                            target.pieces[0].source->name)};
      }
      target.shape[0] += shape[0];
    }
    return {};
  }

  // What is left over must not be a weight.
  Status CheckRest() {
    for (const SourceTensor& source : checkpoint_.tensors()) {
      if (used_.contains(&source)) continue;
      if (source.type) {
        return Error{
            Format("{}: no rule says what this tensor becomes", source.name)};
      }
      mapping_.skipped.push_back(source.name);
    }
    return {};
  }

  bool EqualsAnother(std::string_view name) const {
    for (const auto& [skipped, other] : rules_.skipped_if_equal_) {
      if (skipped != name) continue;
      const auto a = by_name_.find(name);
      const auto b = by_name_.find(other);
      return b != by_name_.end() && a->second->shape == b->second->shape &&
             std::ranges::equal(a->second->bytes, b->second->bytes);
    }
    return false;
  }

  TensorMapping Ordered() {
    std::vector<size_t> order(places_.size());
    for (size_t i = 0; i < order.size(); ++i) order[i] = i;
    std::ranges::sort(order, {}, [this](size_t i) { return places_[i]; });
    TensorMapping ordered;
    ordered.skipped = std::move(mapping_.skipped);
    for (const size_t i : order) {
      ordered.targets.push_back(std::move(mapping_.targets[i]));
    }
    return ordered;
  }

  const TensorRules& rules_;
  const Checkpoint& checkpoint_;
  std::unordered_map<std::string_view, const SourceTensor*> by_name_;
  std::unordered_map<std::string, std::vector<Candidate>> by_form_;
  std::unordered_set<const SourceTensor*> used_;  // or skipped
  TensorMapping mapping_;
  std::vector<Place> places_;  // of mapping_.targets
};

void TensorRules::StripPrefix(std::string prefix) {
  prefixes_.push_back(std::move(prefix));
}

void TensorRules::Rename(std::string_view source, std::string_view target,
                         Transforms transforms) {
  RenameByLayer(source, target, [transforms](int64_t) { return transforms; });
}

void TensorRules::RenameByLayer(std::string_view source,
                                std::string_view target,
                                LayerTransforms transforms) {
  rules_.push_back({.sources = {std::string(source)},
                    .target = std::string(target),
                    .transforms = std::move(transforms)});
}

void TensorRules::Stack(std::string_view source, std::string_view target,
                        Transforms transforms) {
  Rename(source, target, std::move(transforms));
  rules_.back().stacks = true;
}

void TensorRules::Join(const std::vector<std::string_view>& sources,
                       std::string_view target, Transforms transforms) {
  Rename(sources[0], target, std::move(transforms));
  for (size_t i = 1; i < sources.size(); ++i) {
    rules_.back().sources.emplace_back(sources[i]);
  }
}

void TensorRules::Constant(std::string_view target, Shape shape,
                           std::vector<float> values) {
  constants_.push_back({.name = std::string(target),
                        .shape = std::move(shape),
                        .pieces = {},
                        .constant = std::move(values)});
}

void TensorRules::Skip(std::string_view source) {
  skipped_.emplace_back(source);
}

void TensorRules::SkipLayersFrom(int64_t first) { skipped_layers_ = first; }

void TensorRules::SkipIfEqual(std::string_view source, std::string_view other) {
  skipped_if_equal_.emplace_back(source, other);
}

Result<TensorMapping> TensorRules::Apply(const Checkpoint& checkpoint) const {
  return Applier(*this, checkpoint).Run();
}

std::string_view TensorRules::Strip(std::string_view name) const {
  for (bool stripped = true; stripped;) {
    stripped = false;
    for (const std::string& prefix : prefixes_) {
      if (!name.starts_with(prefix)) continue;
      name.remove_prefix(prefix.size());
      stripped = true;
    }
  }
  return name;
}

bool TensorRules::Skipped(std::string_view name) const {
  const auto [form, numbers] = Parse(name);
  if (skipped_layers_ && form.starts_with("layers.{}.") &&
      numbers[0] >= skipped_layers_) {
    return true;
  }
  const auto matches = [](std::string_view pattern, std::string_view text) {
    if (!pattern.ends_with('*')) return pattern == text;
    pattern.remove_suffix(1);
    return text.starts_with(pattern);
  };
  for (const std::string& pattern : skipped_) {
    if (matches(pattern, form) || matches(pattern, name)) return true;
  }
  return false;
}

}  // namespace braid::convert
