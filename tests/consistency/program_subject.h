// Subject: a model that programs run on, and how its engines are made.
#ifndef BRAID_TESTS_CONSISTENCY_PROGRAM_SUBJECT_H_
#define BRAID_TESTS_CONSISTENCY_PROGRAM_SUBJECT_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "braid/engine.h"

namespace braid::programs {

struct Subject {
  std::string name;
  std::shared_ptr<const Model> model;
  // Its engines: Engine::Create, or one with a fault.
  std::function<Result<std::unique_ptr<Engine>>(const EngineOptions&)> make;
  // What ModelInfo does not say.
  bool windows = false;     // has sliding windows
  Position positions = 0;   // the model knows those below alone; 0: any
  bool classifier = false;  // Pooling::kRank

  const ModelInfo& info() const { return model->info(); }
};

// "mamba", "mamba2", ...: the kinds that have programs.
std::vector<std::string> SubjectNames();
Subject MakeSubject(std::string_view name);

}  // namespace braid::programs

#endif  // BRAID_TESTS_CONSISTENCY_PROGRAM_SUBJECT_H_
