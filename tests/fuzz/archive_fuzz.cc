// Saved states from outside: whatever the bytes are, restoring refuses them or
// leaves an engine that can be used.
//
// Checksums keep a fuzzer at the door, so most inputs are changes of an archive
// that is right, put together again with checksums that hold:
//   byte 0  which model the archive is of
//   byte 1  how the rest is meant:
//           0  as the archive itself
//           1  two bytes of offset, and what the section "state" is from there
//           2  the same of the section "model"
//           3  edits of 8 bytes each: section, kind, offset, value
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/checksum.h"
#include "braid/engine.h"
#include "tests/consistency/tiny_models.h"
#include "tests/support/archive_surgery.h"

namespace {

using braid::ArchiveSection;
using braid::Batch;
using braid::Engine;
using braid::Position;
using braid::SequenceId;
using braid::Want;
using Bytes = std::vector<std::byte>;

// An engine, and an archive of another one of the same model.
struct Subject {
  std::unique_ptr<Engine> engine;
  std::vector<ArchiveSection> sections;
};

std::unique_ptr<Engine> Make(std::shared_ptr<const braid::LoadedModel> model,
                             int page_positions) {
  auto engine = Engine::Create(std::move(model),
                               {.context = 400,
                                .max_sequences = 4,
                                .threads = 1,
                                .pooling = braid::Pooling::kMean,
                                .rollback = 5,
                                .checkpoint_every = 16,
                                // Few cells, whose books are quickly copied.
                                .checkpoint_bytes = 1 << 16,
                                .page_positions = page_positions});
  BRAID_CHECK(engine.ok());
  return std::move(*engine);
}

void Append(Engine& engine, SequenceId sequence, int count, Want want) {
  Batch batch;
  const Position begin = engine.NextPosition(sequence);
  if (engine.model().info().encoder && engine.EncoderTokens(sequence) == 0) {
    batch.AddEncoder(std::vector<braid::TokenId>(34, 3), sequence);
  }
  for (Position p = begin; p < begin + count; ++p) {
    batch.Add((p * 7 + sequence) % 50, p, sequence, want);
  }
  // A context that is full is no fault.
  (void)engine.Decode(batch);
}

Subject MakeSubject(braid::TinyKind kind) {
  const auto model = braid::MakeTinyModel(kind, braid::DType::kF32);
  const auto source = Make(model, 32);
  Append(*source, 0, 40, Want::kNothing);
  BRAID_CHECK(source->Fork(0, 1).ok());
  Append(*source, 1, 5, Want::kNothing);
  Append(*source, 2, 20, Want::kPooled);
  const auto saved = source->SaveToMemory();
  BRAID_CHECK(saved.ok());
  return {Make(model, 64), braid::TakeApart(*saved)};
}

Subject& SubjectOf(uint8_t number) {
  static auto* const kSubjects = new std::array<Subject, 3>{
      MakeSubject(braid::TinyKind::kHybrid),
      MakeSubject(braid::TinyKind::kGemma3), MakeSubject(braid::TinyKind::kT5)};
  return (*kSubjects)[number % kSubjects->size()];
}

void ReplaceFrom(std::span<const std::byte> input, Bytes& section) {
  if (input.size() < 2 || section.empty()) return;
  uint16_t offset;
  std::memcpy(&offset, input.data(), 2);
  section.resize(offset % section.size());
  section.insert(section.end(), input.begin() + 2, input.end());
}

void Edit(std::span<const std::byte> record,
          std::vector<ArchiveSection>& sections) {
  Bytes& bytes =
      sections[std::to_integer<size_t>(record[0]) % sections.size()].bytes;
  uint16_t offset;
  int32_t value;
  std::memcpy(&offset, record.data() + 2, 2);
  std::memcpy(&value, record.data() + 4, 4);
  if (bytes.size() < 8) return;
  std::byte* at = bytes.data() + offset % (bytes.size() - 7);
  const int64_t wide = value;
  switch (std::to_integer<int>(record[1]) % 6) {
    case 0:
      std::memcpy(at, &value, 4);
      break;
    case 1:
      std::memcpy(at, &wide, 8);
      break;
    case 2:
      *at = record[4];
      break;
    case 3: {  // a small step
      int32_t number;
      std::memcpy(&number, at, 4);
      number = static_cast<int32_t>(static_cast<uint32_t>(number) +
                                    static_cast<uint32_t>(value % 4));
      std::memcpy(at, &number, 4);
      break;
    }
    case 4:
      bytes.resize(bytes.size() - static_cast<size_t>(offset) % 8);
      break;
    case 5:
      bytes.insert(bytes.begin() + (at - bytes.data()), record.begin() + 4,
                   record.end());
      break;
  }
}

// What was restored can be looked at, continued, rolled back and saved.
void Use(Engine& engine, std::span<const SequenceId> sequences) {
  for (const SequenceId sequence : sequences) {
    Append(engine, sequence, 3, Want::kNothing);
    (void)engine.LastLogits(sequence);
    (void)engine.Remove(sequence, engine.NextPosition(sequence) / 2 + 1, -1);
  }
  BRAID_CHECK(engine.SaveToMemory().ok());
}

void Forget(Engine& engine) {
  for (SequenceId i = 0; i < engine.options().max_sequences; ++i) {
    BRAID_CHECK(engine.Remove(i, 0, -1).ok());
  }
  BRAID_CHECK(engine.memory_use().sequences == 0);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  Subject& subject = SubjectOf(data[0]);
  const auto rest = std::as_bytes(std::span(data, size)).subspan(2);
  Bytes archive(rest.begin(), rest.end());
  if (const int mode = data[1] % 4; mode != 0) {
    std::vector<ArchiveSection> sections = subject.sections;
    if (mode == 1) ReplaceFrom(rest, sections[1].bytes);
    if (mode == 2) ReplaceFrom(rest, sections[0].bytes);
    for (size_t i = 0; mode == 3 && i + 8 <= rest.size(); i += 8) {
      Edit(rest.subspan(i, 8), sections);
    }
    archive = braid::PutTogether(sections);
  }
  const auto restored = subject.engine->RestoreFromMemory(archive);
  if (restored.ok()) {
    // Evaluating costs ten times as much as reading: one input in eight, the
    // same whenever it is executed.
    const auto input = std::as_bytes(std::span(data, size));
    if (braid::ChecksumOf(input) % 8 == 0) {
      Use(*subject.engine, restored->sequences);
    }
    Forget(*subject.engine);
  } else {
    BRAID_CHECK(!restored.error().message.empty());
    BRAID_CHECK(subject.engine->memory_use().sequences == 0);
  }
  return 0;
}
