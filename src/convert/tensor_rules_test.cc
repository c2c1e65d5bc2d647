#include "convert/tensor_rules.h"

#include "convert/folder_for_test.h"

namespace braid::convert {

namespace {

class TensorRulesTest : public FolderTest {
 protected:
  Result<TensorMapping> Apply(const std::vector<F32Tensor>& tensors) {
    Write("model.safetensors", SafetensorsFile(tensors));
    checkpoint_ = Checkpoint::Open(folder_);
    return rules_.Apply(*checkpoint_);
  }
  // "name [shape]" of every target, in order.
  static std::string Names(const TensorMapping& mapping) {
    std::string names;
    for (const TargetTensor& target : mapping.targets) {
      names += Format("{} {}; ", target.name, ShapeText(target.shape));
    }
    return names;
  }

  TensorRules rules_;
  Result<Checkpoint> checkpoint_ = Error{"not opened"};
};

TEST_F(TensorRulesTest, RenamesInNaturalOrder) {
  rules_.StripPrefix("model.");
  rules_.Rename("layers.{}.up.weight", "blk.{}.ffn_up.weight");
  rules_.Rename("layers.{}.in.weight", "blk.{}.ffn_in.weight", {Transpose()});
  rules_.Rename("embed.weight", "token_embd.weight");
  const auto mapping = Apply({Ramp("model.layers.10.up.weight", {2}),
                              Ramp("model.layers.9.up.weight", {2}),
                              Ramp("model.layers.9.in.weight", {2, 3}),
                              Ramp("embed.weight", {4, 2})});
  ASSERT_TRUE(mapping.ok()) << mapping.error().message;
  EXPECT_EQ(Names(*mapping),
            "token_embd.weight [4, 2]; blk.9.ffn_up.weight [2]; "
            "blk.9.ffn_in.weight [3, 2]; blk.10.ffn_up.weight [2]; ");
}

TEST_F(TensorRulesTest, StacksInTheOrderOfTheirNumbers) {
  rules_.Stack("layers.{}.experts.{}.w", "blk.{}.exps.weight");
  std::vector<F32Tensor> tensors;
  for (const int expert : {10, 2, 1, 0, 3, 4, 5, 6, 7, 8, 9}) {
    tensors.push_back(Ramp(Format("layers.0.experts.{}.w", expert), {2, 3}));
  }
  const auto mapping = Apply(tensors);
  ASSERT_TRUE(mapping.ok()) << mapping.error().message;
  EXPECT_EQ(Names(*mapping), "blk.0.exps.weight [11, 2, 3]; ");
  EXPECT_EQ(mapping->targets[0].pieces[10].source->name,
            "layers.0.experts.10.w");
  tensors.erase(tensors.begin() + 4);  // number 3
  const auto gap = Apply(tensors);
  ASSERT_FALSE(gap.ok());
  EXPECT_NE(gap.error().message.find("number 3"), std::string::npos)
      << gap.error().message;
}

TEST_F(TensorRulesTest, JoinsAndSplits) {
  rules_.Join({"{}.a", "{}.b"}, "joined.{}.weight", {Reshape({1, -1})});
  rules_.Rename("both", "first", {Rows(0, 1)});
  rules_.Rename("both", "second", {Rows(1, 2)});
  const auto mapping =
      Apply({Ramp("0.a", {3}), Ramp("0.b", {3}), Ramp("both", {3, 2})});
  ASSERT_TRUE(mapping.ok()) << mapping.error().message;
  EXPECT_EQ(Names(*mapping),
            "first [1, 2]; second [2, 2]; joined.0.weight [2, 3]; ");
  EXPECT_FALSE(Apply({Ramp("0.a", {3})}).ok());
  EXPECT_FALSE(Apply({Ramp("0.a", {3}), Ramp("0.b", {4})}).ok());
}

TEST_F(TensorRulesTest, NumbersThatAreWrittenMustAgree) {
  rules_.Rename("block.{}.layer.0.w", "attn.{}");
  rules_.Rename("block.{}.layer.1.w", "ffn.{}");
  const auto mapping =
      Apply({Ramp("block.5.layer.0.w", {1}), Ramp("block.5.layer.1.w", {2})});
  ASSERT_TRUE(mapping.ok()) << mapping.error().message;
  EXPECT_EQ(Names(*mapping), "attn.5 [1]; ffn.5 [2]; ");
  EXPECT_FALSE(Apply({Ramp("block.5.layer.2.w", {1})}).ok());
}

TEST_F(TensorRulesTest, SkipsWhatItIsToldTo) {
  rules_.Skip("layers.{}.inv_freq");
  rules_.Skip("vision.*");
  rules_.SkipLayersFrom(2);
  rules_.Rename("embed", "token_embd.weight");
  rules_.Rename("lm_head", "output.weight");
  rules_.SkipIfEqual("lm_head", "embed");
  const auto mapping = Apply({Ramp("layers.1.inv_freq", {2}),
                              Ramp("vision.a.b", {2}), Ramp("layers.2.w", {2}),
                              Ramp("embed", {2}), Ramp("lm_head", {2})});
  ASSERT_TRUE(mapping.ok()) << mapping.error().message;
  EXPECT_EQ(Names(*mapping), "token_embd.weight [2]; ");
  EXPECT_EQ(mapping->skipped.size(), 4u);
  F32Tensor other = Ramp("lm_head", {2});
  other.values[1] = 7;
  const auto untied = Apply({Ramp("embed", {2}), other});
  ASSERT_TRUE(untied.ok()) << untied.error().message;
  EXPECT_EQ(Names(*untied), "token_embd.weight [2]; output.weight [2]; ");
}

TEST_F(TensorRulesTest, NamesWhatItCannotPlace) {
  rules_.Rename("a", "b", {Transpose()});
  const auto unknown = Apply({Ramp("layers.0.new.weight", {2})});
  ASSERT_FALSE(unknown.ok());
  EXPECT_NE(unknown.error().message.find("layers.0.new.weight"),
            std::string::npos);
  const auto misshapen = Apply({Ramp("a", {2, 2, 2})});
  ASSERT_FALSE(misshapen.ok());
  EXPECT_NE(misshapen.error().message.find("a: [2, 2, 2]"), std::string::npos)
      << misshapen.error().message;
}

}  // namespace

}  // namespace braid::convert
