#include "convert/config_keys.h"

#include <algorithm>
#include <string>

#include "base/format.h"
#include "base/try.h"

namespace braid::convert {

namespace {

constexpr SilentKeys kSilent[] = {
    {"", "says who wrote the folder, and with what",
     "_name_or_path name_or_path _commit_hash model_type transformers_version "
     "torch_dtype dtype auto_map tokenizer_class model_name unsloth_* "
     "transformers.js_config"},
    {"", "only training reads it",
     "initializer_range initializer_factor init_method init_method_std "
     "attention_dropout attention_probs_dropout_prob hidden_dropout "
     "hidden_dropout_prob dropout dropout_rate classifier_dropout attn_pdrop "
     "embd_pdrop resid_pdrop gradient_checkpointing output_router_logits "
     "router_aux_loss_coef router_jitter_noise aux_loss_alpha seq_aux "
     "rescale_prenorm_residual time_step_min time_step_max time_step_floor "
     "time_step_init_scheme time_step_scale block_use_xavier_init "
     "conv_use_xavier_init block_mlp_init_scale block_out_init_scale "
     "use_l2warp fuse_linear_cross_entropy fuse_cross_entropy "
     "A_initializer_range"},
    {"", "chooses how another program computes the same",
     "use_cache cache_implementation output_attentions output_hidden_states "
     "return_dict torchscript use_bfloat16 chunk_size_feed_forward "
     "pretraining_tp chunk_size mamba_chunk_size mamba_ssm_cache_dtype "
     "use_mamba_kernels use_mambapy use_falcon_mambapy use_associative_scan "
     "use_flash_attn "
     "fused_add_norm fused_bias_fc fused_dropout_add_ln fuse_norm "
     "use_xentropy attn_mode attn_implementation _attn_implementation "
     "_attn_implementation_autoset residual_in_fp32 num_logits_to_keep "
     "calc_logits_for_entire_prompt reorder_and_upcast_attn ep_size "
     "is_llama_config dense_seq_output last_layer_subset output_past"},
    {"", "names the answers of a task, or what a caller does with them",
     "id2label label2id num_labels problem_type finetuning_task "
     "task_specific_params summary_* sentence_transformers "
     "sbert_ce_default_activation_function"},
    {"", "a default of sampling, which the caller chooses",
     "temperature top_k top_p typical_p do_sample num_beams num_beam_groups "
     "diversity_penalty length_penalty repetition_penalty "
     "encoder_no_repeat_ngram_size no_repeat_ngram_size bad_words_ids "
     "suppress_tokens begin_suppress_tokens forced_bos_token_id "
     "forced_eos_token_id exponential_decay_length_penalty "
     "remove_invalid_values early_stopping max_length min_length "
     "num_return_sequences output_scores return_dict_in_generate"},
    {"", "the files of the tokenizer say it first",
     "bos_token_id eos_token_id unk_token_id sep_token_id pad_token_id "
     "cls_token_id mask_token_id"},
    {"", "compared with the rows of the embedding",
     "vocab_size pad_vocab_size_multiple"},
    {"", "says how the model was trained", "rope_scaling.finetuned"},
    {"qwen35 qwen35moe", "all axes stand at a text's position",
     "rope_parameters.mrope_interleaved rope_scaling.mrope_interleaved"},
    {"qwen35 qwen35moe", "belongs to the part that looks at pictures",
     "vision_config image_token_id video_token_id vision_start_token_id "
     "vision_end_token_id"},
    {"qwen35 qwen35moe",
     "of layers that predict further ahead, which are left out",
     "mtp_num_hidden_layers mtp_use_dedicated_embeddings"},
    {"gemma3", "belongs to the part that looks at pictures",
     "vision_config mm_tokens_per_image boi_token_index eoi_token_index "
     "image_token_index boi_token_id eoi_token_id image_token_id"},
    {"qwen2 qwen3 smollm3", "without effect while use_sliding_window is false",
     "sliding_window max_window_layers"},
    {"deepseek2", "of layers that predict further ahead, which are left out",
     "num_nextn_predict_layers"},
    {"gemma2 gemma3", "of an older form; hidden_activation counts",
     "hidden_act"},
    {"deepseek2 falcon-h1 gemma2 gemma3 granitehybrid jamba lfm2 llama mamba "
     "mamba2 nemotron_h openelm qwen2 qwen3 qwen35 qwen35moe rwkv6 rwkv7 "
     "smollm3",
     "every decoder is one", "is_decoder"},
    {"t5 t5encoder", "transformers sets it when it splits the model",
     "is_decoder is_encoder_decoder"},
    {"t5encoder", "belongs to the decoder, which the file leaves out",
     "num_decoder_layers decoder_start_token_id scale_decoder_outputs "
     "tie_word_embeddings"},
    {"bert nomic-bert", "belongs to heads that the file leaves out",
     "pooler_* directionality tie_word_embeddings tie_embeddings"},
    {"falcon-h1", "the widths are said in full",
     "mamba_expand mlp_expansion_factor"},
    {"falcon-h1 mamba2 nemotron_h", "the number of heads and their size count",
     "time_step_rank"},
    {"llama", "max_position_embeddings says it", "max_sequence_length"},
    {"t5 t5encoder", "transformers does not read it", "scalable_attention"},
    {"mamba", "intermediate_size counts where it is given", "expand"},
    {"rwkv7", "head_dim counts where it is given", "num_heads"},
    {"mamba mamba2", "without effect on a model with RMS norms throughout",
     "norm_before_gate"},
    {"nemotron_h", "the number of heads and their size count", "expand"},
    {"nemotron_h", "of layers with experts, which are refused",
     "n_routed_experts n_shared_experts moe_intermediate_size "
     "moe_shared_expert_intermediate_size moe_latent_size "
     "moe_shared_expert_overlap num_experts_per_tok routed_scaling_factor "
     "n_group topk_group norm_topk_prob mtp_layers_block_type "
     "mtp_hybrid_override_pattern"},
    {"openelm", "said again by the lists of heads and widths",
     "qkv_multipliers num_gqa_groups rope_max_length"},
    {"rwkv6 rwkv7", "the widths and the size of a head count",
     "num_attention_heads"},
    {"rwkv6 rwkv7 mamba mamba2", "the state has no length",
     "context_length max_position_embeddings"},
    {"granitehybrid", "readers give the model no bound, as it has a state",
     "max_position_embeddings"},
    {"nomic-bert", "of positions beyond those that were trained",
     "rotary_scaling_factor n_positions"},
    {"nomic-bert", "of layers with experts, which it has none of",
     "moe_every_n_layers moe_top_k moe_normalize_expert_weights "
     "moe_resid_pdrop moe_impl expert_choice_router ffn_div"},
};

constexpr FixedKey kFixed[] = {
    {"", "add_cross_attention", "false"},
    {"", "cross_attention_hidden_size", ""},
    {"", "tie_encoder_decoder", "false"},
    {"", "pruned_heads", ""},
    {"", "prefix", ""},
    {"bert nomic-bert", "is_decoder", "false"},
    {"bert nomic-bert deepseek2 falcon-h1 gemma2 gemma3 granitehybrid jamba "
     "lfm2 llama mamba mamba2 nemotron_h openelm qwen2 qwen3 qwen35 qwen35moe "
     "rwkv6 rwkv7 smollm3",
     "is_encoder_decoder", "false"},
    // What stands between two matrices.
    {"llama smollm3 qwen2 qwen3 qwen35 qwen35moe deepseek2 falcon-h1 "
     "granitehybrid jamba mamba mamba2",
     "hidden_act", "silu swish"},
    {"gemma2 gemma3", "hidden_activation", "gelu_pytorch_tanh"},
    {"bert", "hidden_act", "gelu gelu_python"},
    {"nomic-bert", "activation_function", "swiglu silu"},
    {"nomic-bert", "hidden_act", "swiglu silu"},
    {"nemotron_h", "mlp_hidden_act", "relu2"},
    {"nemotron_h", "mamba_hidden_act", "silu swish"},
    {"openelm", "activation_fn_name", "swish silu"},
    {"rwkv7", "hidden_act", "sqrelu relu2"},
    {"lfm2", "block_use_swiglu", "true"},
    // Attention.
    {"llama smollm3 qwen2 qwen3", "use_sliding_window", "false"},
    {"qwen35 qwen35moe", "attn_output_gate", "true"},
    {"qwen35 qwen35moe", "attention_bias", "false"},
    {"qwen35 qwen35moe", "mamba_ssm_dtype", "float32"},
    {"qwen35moe", "norm_topk_prob", "true"},
    {"llama", "rope_interleaved", "false"},
    {"qwen2 qwen3", "use_mrope", "false"},
    {"jamba nemotron_h", "sliding_window", ""},
    {"gemma2 gemma3", "use_bidirectional_attention", "false"},
    {"bert", "position_embedding_type", "absolute"},
    {"deepseek2 falcon-h1 nemotron_h", "attention_bias", "false"},
    {"deepseek2 falcon-h1 nemotron_h", "mlp_bias", "false"},
    {"deepseek2", "rope_interleave", "true"},
    {"deepseek2", "moe_layer_freq", "1"},
    {"deepseek2", "scoring_func", "softmax sigmoid"},
    {"falcon-h1", "projectors_bias", "false"},
    {"falcon-h1", "attn_layer_indices", ""},
    {"falcon-h1", "mamba_use_mlp", "true"},
    {"lfm2", "use_pos_enc", "true"},
    {"lfm2", "conv_bias", "false"},
    // Norms.
    {"granitehybrid", "normalization_function", "rmsnorm"},
    {"openelm", "normalization_layer_name", "rms_norm"},
    {"openelm", "normalize_qk_projections", "true"},
    {"openelm", "ffn_with_glu", "true"},
    {"openelm", "share_input_output_layers", "true"},
    {"mamba mamba2", "rms_norm", "true"},
    {"rwkv7", "norm_first", "true"},
    {"rwkv7", "norm_bias", "true"},
    {"rwkv7", "elementwise_affine", "true"},
    {"jamba", "mamba_inner_layernorms", "true"},
    // State-space models.
    {"mamba mamba2", "d_intermediate", "0"},
    {"mamba mamba2", "attn_layer_idx", ""},
    {"nemotron_h", "mamba_proj_bias", "false"},
    {"falcon-h1", "mamba_proj_bias", "false"},
    {"nemotron_h", "num_nextn_predict_layers", "0"},
    // RWKV: the epsilon of the heads' norm.
    {"rwkv6", "head_size_divisor", "8"},
    {"rwkv7", "attn", ""},
    // Nomic's code can do more than its models use.
    {"nomic-bert", "causal", "false"},
    {"nomic-bert", "num_experts", "0"},
    {"nomic-bert", "parallel_block", "false"},
    {"nomic-bert", "parallel_block_tied_norm", "false"},
    {"nomic-bert", "prenorm", "false"},
    {"nomic-bert", "rotary_emb_fraction", "1"},
    {"nomic-bert", "rotary_emb_interleaved", "false"},
    {"nomic-bert", "rotary_emb_scale_base", ""},
    {"nomic-bert", "scale_attn_by_inverse_layer_idx", "false"},
    {"nomic-bert", "scale_attn_weights", "true"},
    {"nomic-bert", "use_rms_norm", "false"},
};

constexpr ShownFlag kShown[] = {
    {"gemma2 gemma3 granitehybrid llama qwen3 smollm3", "attention_bias",
     ".self_attn.q_proj.bias"},
    {"llama smollm3", "mlp_bias", ".mlp.down_proj.bias"},
    {"mamba mamba2 nemotron_h", "use_bias", ".mixer.in_proj.bias"},
    {"mamba mamba2 nemotron_h", "use_conv_bias", ".mixer.conv1d.bias"},
    {"falcon-h1 granitehybrid jamba", "mamba_conv_bias", ".mamba.conv1d.bias"},
    {"falcon-h1", "mamba_rms_norm", ".mamba.norm.weight"},
    {"granitehybrid jamba", "mamba_proj_bias", ".mamba.in_proj.bias"},
    {"nomic-bert", "qkv_proj_bias", ".attn.Wqkv.bias"},
    {"nomic-bert", "mlp_fc1_bias", ".mlp.fc11.bias"},
    {"nomic-bert", "mlp_fc2_bias", ".mlp.fc2.bias"},
};

// Does `list`, words with spaces between, have one that `matches`?
template <class Matches>
bool AnyWord(std::string_view list, const Matches& matches) {
  while (!list.empty()) {
    const std::string_view word = list.substr(0, list.find(' '));
    if (matches(word)) return true;
    list.remove_prefix(std::min(word.size() + 1, list.size()));
  }
  return false;
}

bool AppliesTo(std::string_view architectures, std::string_view architecture) {
  return architectures.empty() ||
         AnyWord(architectures, [architecture](std::string_view word) {
           return word == architecture;
         });
}

// As FixedKey::values has it.
std::string PlainText(const Json& value) {
  return value.Text() != nullptr ? *value.Text() : ValueText(value);
}

Status CheckFixed(const HfConfig& config, const FixedKey& fixed) {
  const Json& value = config.Get(fixed.key);
  const bool nothing = value.IsNull() ||
                       (value.IsArray() && value.Elements().empty()) ||
                       (value.IsObject() && value.Members().empty());
  const std::string text = PlainText(value);
  if (nothing || AnyWord(fixed.values, [&text](std::string_view word) {
        return word == text;
      })) {
    return {};
  }
  return Error{Format("config.json: {}: {} is not supported; supported is {}",
                      fixed.key, ValueText(value),
                      fixed.values.empty() ? "null" : fixed.values)};
}

Status CheckShown(const HfConfig& config, const ShownFlag& shown,
                  const Checkpoint* checkpoint) {
  if (!config.Has(shown.key)) return {};
  const bool said = config.Flag(shown.key, false);
  BRAID_TRY(config.status());
  if (checkpoint == nullptr) return {};
  const auto tensors = checkpoint->tensors();
  const auto found =
      std::ranges::find_if(tensors, [&shown](const SourceTensor& tensor) {
        return tensor.name.find(shown.tensor) != tensor.name.npos;
      });
  if (said == (found != tensors.end())) return {};
  return said ? Error{Format("config.json: {}: true, but the weights have no "
                             "tensor *{}",
                             shown.key, shown.tensor)}
              : Error{Format("config.json: {}: false, but the weights have {}",
                             shown.key, found->name)};
}

}  // namespace

std::span<const SilentKeys> SilentKeyTable() { return kSilent; }
std::span<const FixedKey> FixedKeyTable() { return kFixed; }
std::span<const ShownFlag> ShownFlagTable() { return kShown; }

const SilentKeys* FindSilent(std::string_view architecture,
                             std::string_view key) {
  const auto names = [key](std::string_view word) {
    if (!word.ends_with('*')) return word == key;
    word.remove_suffix(1);
    return key.starts_with(word);
  };
  const auto* found =
      std::ranges::find_if(kSilent, [&](const SilentKeys& group) {
        return AppliesTo(group.architectures, architecture) &&
               AnyWord(group.keys, names);
      });
  return found == std::end(kSilent) ? nullptr : found;
}

std::vector<HfConfig::Unread> UnknownKeys(const HfConfig& config,
                                          std::string_view architecture) {
  std::vector<HfConfig::Unread> unknown;
  for (const HfConfig::Unread& unread : config.UnreadKeys()) {
    const auto is_row = [&](const auto& row) {
      return row.key == unread.path &&
             AppliesTo(row.architectures, architecture);
    };
    if (FindSilent(architecture, unread.path) == nullptr &&
        std::ranges::none_of(kFixed, is_row) &&
        std::ranges::none_of(kShown, is_row)) {
      unknown.push_back(unread);
    }
  }
  return unknown;
}

Status CheckKeys(const HfConfig& config, std::string_view architecture,
                 const Checkpoint* checkpoint,
                 const std::vector<std::string>& ignored) {
  const auto is_ignored = [&ignored](std::string_view key) {
    return std::ranges::find(ignored, key) != ignored.end();
  };
  for (const FixedKey& fixed : kFixed) {
    if (!AppliesTo(fixed.architectures, architecture)) continue;
    if (!is_ignored(fixed.key)) BRAID_TRY(CheckFixed(config, fixed));
  }
  for (const ShownFlag& shown : kShown) {
    if (!AppliesTo(shown.architectures, architecture)) continue;
    if (!is_ignored(shown.key)) {
      BRAID_TRY(CheckShown(config, shown, checkpoint));
    }
  }
  for (const auto& [path, value] : UnknownKeys(config, architecture)) {
    if (is_ignored(path)) continue;
    return Error{
        Format("config.json: {}: {}: nothing is known of this key of a {} "
               "model, so what it changes would be lost; put it on the list "
               "of ignored keys if it changes nothing",
               path, ValueText(*value), architecture)};
  }
  return {};
}

}  // namespace braid::convert
