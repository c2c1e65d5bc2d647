#include "tests/consistency/program_subject.h"

#include "base/check.h"
#include "tests/consistency/tiny_models.h"

namespace braid::programs {

namespace {

constexpr TinyKind kKinds[] = {
    TinyKind::kMamba,    TinyKind::kMamba2, TinyKind::kJamba,
    TinyKind::kRwkv6,    TinyKind::kRwkv7,  TinyKind::kLfm2,
    TinyKind::kLlama,    TinyKind::kGemma3, TinyKind::kDeepseek2,
    TinyKind::kT5,       TinyKind::kBert,   TinyKind::kQwen35,
    TinyKind::kQwen35Moe};

}  // namespace

std::vector<std::string> SubjectNames() {
  std::vector<std::string> names;
  for (const TinyKind kind : kKinds) names.push_back(ToText(kind));
  return names;
}

Subject MakeSubject(std::string_view name) {
  for (const TinyKind kind : kKinds) {
    if (ToText(kind) != name) continue;
    const auto model = MakeTinyModel(kind, DType::kF32);
    return {.name = ToText(kind),
            .model = model,
            .make =
                [model](const EngineOptions& options) {
                  return Engine::Create(model, options);
                },
            .windows = kind == TinyKind::kGemma3,
            .positions = model->language_model().traits().positions,
            .classifier = model->language_model().traits().classes > 0};
  }
  BRAID_CHECK(false);
}

}  // namespace braid::programs
