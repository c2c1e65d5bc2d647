// EngineOptions: are they possible, and what they mean to the memory.
#ifndef BRAID_SRC_ENGINE_ENGINE_OPTIONS_H_
#define BRAID_SRC_ENGINE_ENGINE_OPTIONS_H_

#include "braid/engine.h"
#include "braid/result.h"
#include "memory/spec.h"
#include "models/language_model.h"
#include "tensor/dtype.h"

namespace braid {

// Errors name the option, its flag, and the value.
Status ValidateThreads(int threads);
Status ValidateOptions(const EngineOptions& options);
// What the options ask of this model.
Status ValidateForModel(const EngineOptions& options,
                        const LanguageModel& model);

DType StorageType(KvType type);
// `options.context` is settled.
MemoryLimits LimitsOf(const EngineOptions& options);

}  // namespace braid

#endif  // BRAID_SRC_ENGINE_ENGINE_OPTIONS_H_
