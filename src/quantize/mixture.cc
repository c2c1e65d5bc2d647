#include "quantize/mixture.h"

#include <algorithm>
#include <initializer_list>

namespace braid::quantize {

namespace {

// What a rule looks at.
struct Site {
  int rank;
  int count;
  bool grouped;  // four queries or more share a key
  bool falcon;
  bool eight_experts;
  bool weighted;

  // The first and last eighth of the layers, and every third between.
  bool Sensitive() const {
    return rank < count / 8 || rank >= 7 * count / 8 ||
           (rank - count / 8) % 3 == 2;
  }
  bool FirstEighth() const { return rank < count / 8; }
  bool FirstSixteenth() const { return rank < count / 16; }
};

struct Rule {
  Purpose purpose;
  std::initializer_list<FileType> types;
  bool (*when)(const Site&);
  DType becomes;
};

bool Always(const Site& /*site*/) { return true; }
bool Grouped(const Site& s) { return s.grouped; }
bool Sensitive(const Site& s) { return s.Sensitive(); }
bool FirstEighth(const Site& s) { return s.FirstEighth(); }

using F = FileType;

// The first row that fits decides.
const Rule kRules[] = {
    {Purpose::kAttentionValue, {F::kQ2_K, F::kQ2_K_S}, Grouped, DType::kQ4_K},
    {Purpose::kAttentionValue, {F::kQ2_K}, Always, DType::kQ3_K},
    {Purpose::kAttentionValue,
     {F::kQ3_K_M},
     [](const Site& s) { return s.rank < 2; },
     DType::kQ5_K},
    {Purpose::kAttentionValue, {F::kQ3_K_M}, Always, DType::kQ4_K},
    {Purpose::kAttentionValue, {F::kQ3_K_L}, Always, DType::kQ5_K},
    {Purpose::kAttentionValue,
     {F::kQ4_K_M, F::kQ5_K_M},
     Sensitive,
     DType::kQ6_K},
    {Purpose::kAttentionValue,
     {F::kQ4_K_S},
     [](const Site& s) { return s.rank < 4; },
     DType::kQ5_K},
    {Purpose::kAttentionValue, {F::kIQ4_NL, F::kIQ4_XS}, Grouped, DType::kQ5_K},

    {Purpose::kFeedForwardDown, {F::kQ2_K}, Always, DType::kQ3_K},
    {Purpose::kFeedForwardDown, {F::kQ2_K_S}, FirstEighth, DType::kQ4_K},
    {Purpose::kFeedForwardDown,
     {F::kQ3_K_M},
     [](const Site& s) { return s.FirstSixteenth(); },
     DType::kQ5_K},
    {Purpose::kFeedForwardDown,
     {F::kQ3_K_M},
     [](const Site& s) { return !s.falcon || s.Sensitive(); },
     DType::kQ4_K},
    {Purpose::kFeedForwardDown,
     {F::kQ3_K_L},
     [](const Site& s) { return s.falcon; },
     DType::kQ4_K},
    {Purpose::kFeedForwardDown, {F::kQ3_K_L}, Always, DType::kQ5_K},
    {Purpose::kFeedForwardDown,
     {F::kQ4_K_M},
     [](const Site& s) {
       return s.falcon ? s.FirstSixteenth() : s.Sensitive();
     },
     DType::kQ6_K},
    {Purpose::kFeedForwardDown,
     {F::kQ4_K_M},
     [](const Site& s) { return s.falcon && s.Sensitive(); },
     DType::kQ5_K},
    {Purpose::kFeedForwardDown,
     {F::kQ4_K_S},
     [](const Site& s) { return !s.falcon && s.FirstEighth(); },
     DType::kQ5_K},
    {Purpose::kFeedForwardDown, {F::kQ5_K_M}, Sensitive, DType::kQ6_K},
    {Purpose::kFeedForwardDown,
     {F::kIQ4_NL, F::kIQ4_XS},
     [](const Site& s) { return !s.weighted && s.FirstEighth(); },
     DType::kQ5_K},
    {Purpose::kFeedForwardDown,
     {F::kQ4_0},
     [](const Site& s) { return s.weighted && s.FirstEighth(); },
     DType::kQ4_1},
    {Purpose::kFeedForwardDown,
     {F::kQ5_0},
     [](const Site& s) { return s.weighted && s.FirstEighth(); },
     DType::kQ5_1},

    {Purpose::kAttentionOutput,
     {F::kQ2_K, F::kQ3_K_S, F::kQ3_K_M, F::kQ4_K_S, F::kQ4_K_M, F::kIQ4_NL,
      F::kIQ4_XS},
     [](const Site& s) { return s.eight_experts && !s.falcon; },
     DType::kQ5_K},
    {Purpose::kAttentionOutput,
     {F::kQ2_K},
     [](const Site& s) { return !s.falcon; },
     DType::kQ3_K},
    {Purpose::kAttentionOutput,
     {F::kQ3_K_M},
     [](const Site& s) { return !s.falcon; },
     DType::kQ4_K},
    {Purpose::kAttentionOutput,
     {F::kQ3_K_L},
     [](const Site& s) { return s.falcon; },
     DType::kQ4_K},
    {Purpose::kAttentionOutput,
     {F::kQ3_K_L},
     [](const Site& s) { return !s.eight_experts; },
     DType::kQ5_K},
};

DType RuleType(FileType type, Purpose purpose, const Site& site) {
  for (const Rule& rule : kRules) {
    if (rule.purpose == purpose &&
        std::ranges::find(rule.types, type) != rule.types.end() &&
        rule.when(site)) {
      return rule.becomes;
    }
  }
  return Describe(type).matrices;
}

// Its errors reach every logit, so it gets six bits at least.
DType OutputType(DType matrices, bool falcon, int64_t width) {
  if (matrices == DType::kQ8_0 || falcon ||
      width % BlockElements(matrices) != 0) {
    return DType::kQ8_0;
  }
  return DType::kQ6_K;
}

}  // namespace

DType MixtureType(FileType type, const Census& census, const Place& place,
                  int64_t width, bool weighted) {
  const DType matrices = Describe(type).matrices;
  if (BlockElements(matrices) == 1) return matrices;
  const Purpose purpose = place.site.purpose;
  const bool is_embedding = purpose == Purpose::kTokenEmbedding;
  if (purpose == Purpose::kOutput || (is_embedding && census.tied())) {
    return OutputType(matrices, census.falcon(), width);
  }
  const bool ternary = type == F::kTQ1_0 || type == F::kTQ2_0;
  if (is_embedding) return ternary ? DType::kQ4_K : matrices;

  const bool eight = census.experts() == 8;
  const DType chosen = RuleType(type, purpose,
                                {.rank = place.rank,
                                 .count = place.count,
                                 .grouped = place.queries_per_key >= 4,
                                 .falcon = census.falcon(),
                                 .eight_experts = eight,
                                 .weighted = weighted});
  const bool is_value = purpose == Purpose::kAttentionValue;
  // With eight experts attention is a small part of the file.
  if (eight && (is_value || purpose == Purpose::kAttentionKey)) {
    return DType::kQ8_0;
  }
  // Eight queries share a key there, so these are small.
  if (is_value && census.seventy_billion() &&
      (chosen == DType::kQ3_K || chosen == DType::kQ4_K)) {
    return DType::kQ5_K;
  }
  return chosen;
}

DType FittingType(DType wanted, int64_t width) {
  const auto replacement = [wanted] {
    switch (wanted) {
      case DType::kIQ4_XS:
        return DType::kIQ4_NL;
      case DType::kQ2_K:
      case DType::kQ3_K:
      case DType::kTQ1_0:
      case DType::kTQ2_0:
        return DType::kQ4_0;
      case DType::kQ4_K:
        return DType::kQ5_0;
      case DType::kQ5_K:
        return DType::kQ5_1;
      case DType::kQ6_K:
        return DType::kQ8_0;
      default:
        return DType::kF16;
    }
  };
  if (width % BlockElements(wanted) == 0) return wanted;
  const DType next = replacement();
  return width % BlockElements(next) == 0 ? next : DType::kF16;
}

}  // namespace braid::quantize
