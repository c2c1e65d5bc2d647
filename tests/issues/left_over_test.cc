// Keys and tensors that nobody read were dropped in silence: a layer too many,
// a norm of queries in a llama, a bias of the output. Every tiny model of the
// zoo loads, and is refused by name with any of these.
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/format.h"
#include "braid/model.h"
#include "convert/conversion.h"
#include "engine/loaded_model.h"
#include "gguf/file.h"
#include "gguf/writer.h"

namespace braid {
namespace {

namespace fs = std::filesystem;
using gguf::Value;

// A file that can be written with changes.
class Draft {
 public:
  explicit Draft(const gguf::File& file) : file_(file) {
    contents_.metadata.assign(file.metadata().begin(), file.metadata().end());
    for (const gguf::TensorInfo& tensor : file.tensors()) {
      Add(tensor.name, tensor);
    }
  }

  std::string Key(std::string_view key) const {
    return Format("{}.{}", *file_.GetString("general.architecture"), key);
  }
  int64_t Layers() const { return *file_.GetInt(Key("block_count")); }

  // The text must outlive the draft.
  void Set(std::string_view key, Value value) {
    for (gguf::KeyValue& pair : contents_.metadata) {
      if (pair.key == key) {
        pair.value = value;
        return;
      }
    }
    contents_.metadata.push_back({key, value});
  }
  // A tensor of the shape and the bytes of another.
  void Add(const std::string& name, const gguf::TensorInfo& like) {
    gguf::TensorInfo tensor = like;
    tensor.name = name;
    contents_.tensors.push_back(tensor);
    data_.push_back(file_.Data(like));
  }
  void AddSmall(const std::string& name) {
    Add(name, *std::ranges::min_element(file_.tensors(), {},
                                        &gguf::TensorInfo::size));
  }
  // Copies the tensors of the last layer of every stack as those of one more.
  // Gives the name of the first.
  std::string AddLayer() {
    const std::string last = Format("blk.{}.", Layers() - 1);
    std::string first;
    for (const gguf::TensorInfo& tensor : file_.tensors()) {
      const size_t at = tensor.name.find(last);
      if (at == std::string::npos) continue;
      std::string name = tensor.name;
      name.replace(at, last.size(), Format("blk.{}.", Layers()));
      if (first.empty()) first = name;
      Add(name, tensor);
    }
    return first;
  }

  Status Write(const std::string& path) const {
    Result<gguf::Writer> writer = gguf::Writer::Create(path, contents_);
    if (!writer.ok()) return writer.error();
    for (const std::span<const std::byte> bytes : data_) {
      if (Status status = writer->Append(bytes); !status.ok()) return status;
    }
    return writer->Finish();
  }

 private:
  const gguf::File& file_;
  gguf::Contents contents_;
  std::vector<std::span<const std::byte>> data_;
};

class LeftOver : public testing::TestWithParam<std::string> {
 protected:
  void SetUp() override {
    folder_ = fs::path(testing::TempDir()) /
              Format("left_over.{}.{}", GetParam(), getpid());
    fs::create_directory(folder_);
    plain_ = folder_ / "plain.gguf";
    const auto conversion = convert::Conversion::Plan(
        BRAID_SOURCE_DIR "/tests/golden/zoo/" + GetParam(), {});
    ASSERT_TRUE(conversion.ok()) << conversion.error().message;
    const Status written = conversion->Write(
        plain_, 1, [](const gguf::TensorInfo&, uint64_t, uint64_t) {});
    ASSERT_TRUE(written.ok()) << written.error().message;
  }
  void TearDown() override { fs::remove_all(folder_); }

  // What loading says of the model with a change: nothing if it loads.
  std::string With(const std::function<void(Draft&)>& change) const {
    const Result<gguf::File> file = gguf::File::Open(plain_);
    Draft draft(*file);
    change(draft);
    const std::string path = folder_ / "changed.gguf";
    const Status written = draft.Write(path);
    if (!written.ok()) return "not written: " + written.error().message;
    const auto model = Model::Load(path, {.threads = 1, .progress = {}});
    return model.ok() ? "" : model.error().message;
  }

  fs::path folder_;
  std::string plain_;
};

TEST_P(LeftOver, NothingOfTheModelItself) {
  EXPECT_EQ(With([](Draft&) {}), "");
  const Result<FileUse> use = ExamineModelFile(plain_);
  ASSERT_TRUE(use.ok()) << use.error().message;
  EXPECT_TRUE(use->status.ok());
  EXPECT_GT(use->keys.size(), 3u);
  EXPECT_GT(use->tensors.size(), 3u);
}

TEST_P(LeftOver, TensorIsRefusedByName) {
  for (const char* name :
       {"output.bias", "blk.0.attn_unheard_of.weight", "unheard_of"}) {
    const std::string message =
        With([&](Draft& draft) { draft.AddSmall(name); });
    EXPECT_NE(message.find(Format("{}: not part of a \"", name)),
              std::string::npos)
        << message;
  }
}

TEST_P(LeftOver, LayerIsRefusedByName) {
  std::string name;
  const std::string message =
      With([&](Draft& draft) { name = draft.AddLayer(); });
  ASSERT_NE(name, "");
  EXPECT_NE(message.find(name + " (and "), std::string::npos) << message;
  EXPECT_NE(message.find("not part of a \""), std::string::npos) << message;
}

TEST_P(LeftOver, KeyIsRefusedByName) {
  for (const char* name :
       {"unheard_of", "attention.clamp_kqv", "swiglu_clamp_exp"}) {
    std::string key;
    const std::string message = With([&](Draft& draft) {
      key = draft.Key(name);
      draft.Set(key, 8.5f);
    });
    EXPECT_NE(message.find(key + ": 8.5 is not supported"), std::string::npos)
        << message;
  }
}

TEST_P(LeftOver, WhatHasNoBearingIsIgnored) {
  std::vector<std::string> keys;
  const std::string message = With([&](Draft& draft) {
    for (const char* name :
         {"vocab_size", "attention.clamp_kqv", "vision.block_count"}) {
      keys.push_back(draft.Key(name));
    }
    for (const std::string& key : keys) draft.Set(key, uint32_t{0});
    for (const char* name : {"v.blk.0.attn_q.weight", "mm.0.weight"}) {
      draft.AddSmall(name);
    }
  });
  EXPECT_EQ(message, "");
}

std::vector<std::string> Folders() {
  std::vector<std::string> names;
  for (const auto& entry :
       fs::directory_iterator(BRAID_SOURCE_DIR "/tests/golden/zoo")) {
    if (entry.is_directory()) names.push_back(entry.path().filename());
  }
  std::ranges::sort(names);
  return names;
}

INSTANTIATE_TEST_SUITE_P(Zoo, LeftOver, testing::ValuesIn(Folders()),
                         [](const auto& folder) {
                           std::string name = folder.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

class LeftOverOfLlama : public LeftOver {};

TEST_P(LeftOverOfLlama, FewerLayersThanTheFileHas) {
  std::string key;
  const std::string message = With([&](Draft& draft) {
    key = draft.Key("block_count");
    draft.Set(key, static_cast<uint32_t>(draft.Layers() - 1));
  });
  EXPECT_NE(message.find("blk.2.attn_q.weight (and 8 more tensors): not "
                         "part of a \"llama\" with llama.block_count 2"),
            std::string::npos)
      << message;
}

TEST_P(LeftOverOfLlama, NormsOfQueriesAndKeys) {
  const std::string message = With([](Draft& draft) {
    draft.AddSmall("blk.0.attn_q_norm.weight");
    draft.AddSmall("blk.0.attn_k_norm.weight");
  });
  EXPECT_NE(message.find("blk.0.attn_q_norm.weight (and 1 more tensor): not "
                         "part of a \"llama\""),
            std::string::npos)
      << message;
}

TEST_P(LeftOverOfLlama, ReversedAttentionIsNotIgnored) {
  const auto causal = [&](bool value) {
    return With(
        [&](Draft& draft) { draft.Set("llama.attention.causal", value); });
  };
  EXPECT_EQ(causal(true), "");
  EXPECT_NE(causal(false).find("llama.attention.causal: false is not supported "
                               "by \"llama\""),
            std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(Zoo, LeftOverOfLlama, testing::Values("llama"));

class LeftOverOfT5 : public LeftOver {};

TEST_P(LeftOverOfT5, TheEncoderAloneIsNotMissedItsDecoder) {
  const auto model =
      Model::Load(plain_, {.threads = 1, .progress = {}, .encoder_only = true});
  EXPECT_TRUE(model.ok()) << model.error().message;
}

INSTANTIATE_TEST_SUITE_P(Zoo, LeftOverOfT5, testing::Values("t5", "t5-gated"),
                         [](const auto& folder) {
                           return folder.param == "t5" ? "t5" : "t5_gated";
                         });

}  // namespace
}  // namespace braid
