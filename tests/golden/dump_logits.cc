// dump_logits MODEL.gguf IDS.txt OUT.f32 [f16|f32]
//
// Decodes the token ids of a text file (one per line) as one sequence and
// writes the logits of every position, [tokens][vocabulary] float32, so that
// zoo/compare_smollm2.py can hold them against a reference.
#include <cstdio>
#include <fstream>
#include <string>

#include "braid/engine.h"

namespace braid {
namespace {

Status Dump(const std::string& model_path, const std::string& ids_path,
            const std::string& out_path, KvType kv_type) {
  auto model = Model::Load(model_path, {});
  if (!model.ok()) return model.error();
  auto engine = Engine::Create(*model, {.kv_type = kv_type});
  if (!engine.ok()) return engine.error();

  std::ifstream ids(ids_path);
  Batch batch;
  for (TokenId token; ids >> token;) {
    batch.Add(token, batch.size(), 0, Want::kLogits);
  }
  if (batch.size() == 0) return Error{ids_path + ": no token ids"};
  const Status decoded = (*engine)->Decode(batch);
  if (!decoded.ok()) return decoded;

  std::ofstream out(out_path, std::ios::binary);
  for (int i = 0; i < batch.size(); ++i) {
    const auto logits = (*engine)->Logits(i);
    out.write(reinterpret_cast<const char*>(logits.data()),
              static_cast<std::streamsize>(logits.size_bytes()));
  }
  out.close();
  if (!out) return Error{out_path + ": cannot be written"};
  return {};
}

}  // namespace
}  // namespace braid

int main(int argc, char** argv) {
  const std::string kv_type = argc == 5 ? argv[4] : "f16";
  if (argc < 4 || argc > 5 || (kv_type != "f16" && kv_type != "f32")) {
    std::fprintf(stderr,
                 "usage: dump_logits MODEL.gguf IDS.txt OUT.f32 [f16|f32]\n");
    return 1;
  }
  const braid::Status status =
      braid::Dump(argv[1], argv[2], argv[3],
                  kv_type == "f32" ? braid::KvType::kF32 : braid::KvType::kF16);
  if (status.ok()) return 0;
  std::fprintf(stderr, "error: %s\n", status.error().message.c_str());
  return 1;
}
