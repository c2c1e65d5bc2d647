// length: one table, a row a flag.
#include "apps/braid/known_flags.h"

namespace braid::cli {

namespace {

using Flags = std::vector<KnownFlag>;

KnownFlag Supported(std::string_view names, std::string_view value,
                    std::string_view difference = "") {
  return {names, value, Verdict::kSupported, difference, ""};
}

KnownFlag NotApplicable(std::string_view names, std::string_view value,
                        std::string_view remark) {
  return {names, value, Verdict::kNotApplicable, remark, ""};
}

KnownFlag Refused(std::string_view names, std::string_view value,
                  std::string_view remark, std::string_view neutral = "") {
  return {names, value, Verdict::kRefused, remark, neutral};
}

// Reasons that several flags share.
constexpr const char* kPlacement =
    "the operating system places threads; taskset and nice can";
constexpr const char* kNoGpu = "everything runs on the CPU";
constexpr const char* kMapped =
    "the file is mapped, and weights are repacked from it once";
constexpr const char* kRope =
    "positions are encoded as the file says; braid gguf set changes the file's "
    "rope keys";
constexpr const char* kNoAdapters =
    "adapters are not built; merge them into the model before converting it";
constexpr const char* kNoDownload =
    "nothing is downloaded; fetch the file and give it with -m";
constexpr const char* kNoLog =
    "there is no log, only a few lines on standard error";
constexpr const char* kNoDraft =
    "there is no speculative decoding; it would change the speed, not the text";
constexpr const char* kNoMedia = "models read text only";
constexpr const char* kOrder =
    "the order is fixed: penalties, top-k, typical, top-p, min-p, temperature";
constexpr const char* kNoSampler = "this sampler is not built";
constexpr const char* kNoGrammar = "texts cannot be constrained";
constexpr const char* kUseChat = "braid chat holds conversations";
constexpr const char* kNoReasoning =
    "answers are printed as they come, thoughts included";
constexpr const char* kTemplateFile =
    "the model's template says what stands around words; "
    "--chat-template-file FILE gives another";
constexpr const char* kNothingGenerated = "nothing is generated";
constexpr const char* kTextFile = "UTF-8 or UTF-16, LF or CRLF";
constexpr const char* kNoEscapes = "a file has no escapes";

Flags ComputingFlags() {
  return {
      Supported("-t, --threads", "N", "0 or -1: one per core"),
      Supported("-c, --ctx-size", "N", "all sequences together"),
      Supported("-b, --batch-size", "N"),
      Supported("-ub, --ubatch-size", "N"),
      Supported("-ctk, --cache-type-k", "TYPE", "f16 and f32"),
      Supported("-ctv, --cache-type-v", "TYPE", "the same as -ctk"),
      NotApplicable("-tb, --threads-batch", "N",
                    "-t is for prompts and for generation"),
      NotApplicable("-C, --cpu-mask", "M", kPlacement),
      NotApplicable("-Cr, --cpu-range", "LO-HI", kPlacement),
      NotApplicable("--cpu-strict", "0|1", kPlacement),
      NotApplicable("--prio", "N", kPlacement),
      NotApplicable("--poll", "LEVEL", kPlacement),
      NotApplicable("-Cb, --cpu-mask-batch", "M", kPlacement),
      NotApplicable("-Crb, --cpu-range-batch", "LO-HI", kPlacement),
      NotApplicable("--cpu-strict-batch", "0|1", kPlacement),
      NotApplicable("--prio-batch", "N", kPlacement),
      NotApplicable("--poll-batch", "0|1", kPlacement),
      NotApplicable("--numa", "TYPE", kPlacement),
      NotApplicable("-fa, --flash-attn", "[on|off|auto|1|0]",
                    "attention has one path, with the same bits for any batch"),
      NotApplicable("--swa-full", "",
                    "windows of attention are masked, never approximated"),
      NotApplicable("-dt, --defrag-thold", "N",
                    "the KV cache is paged and needs no defragmentation"),
      NotApplicable("--keep", "N", "nothing is shifted out of the context"),
      NotApplicable("--no-context-shift", "",
                    "a text ends where the context does, always"),
      Refused("--context-shift", "",
              "it would change what was read before; a text ends where the "
              "context does: give a larger -c"),
      NotApplicable("--perf, --no-perf", "", "times are always printed"),
      NotApplicable("--warmup, --no-warmup", "", "only braid bench warms up"),
  };
}

Flags MemoryFlags() {
  return {
      NotApplicable("-ngl, --gpu-layers, --n-gpu-layers", "N", kNoGpu),
      NotApplicable("-dev, --device", "DEVICES", kNoGpu),
      Refused("--list-devices", "", "there is only the CPU"),
      NotApplicable("-ot, --override-tensor", "PATTERN=BUFFER", kNoGpu),
      NotApplicable("-cmoe, --cpu-moe", "", kNoGpu),
      NotApplicable("-ncmoe, --n-cpu-moe", "N", kNoGpu),
      NotApplicable("-ncffn, --n-cpu-ffn", "N", kNoGpu),
      NotApplicable("--moe-cache-mib", "MIB", kNoGpu),
      NotApplicable("-sm, --split-mode", "MODE", kNoGpu),
      NotApplicable("-ts, --tensor-split", "N0,N1,...", kNoGpu),
      NotApplicable("-mg, --main-gpu", "INDEX", kNoGpu),
      NotApplicable("-kvo, --kv-offload, -nkvo, --no-kv-offload", "", kNoGpu),
      NotApplicable("--op-offload, --no-op-offload", "", kNoGpu),
      NotApplicable("--no-host", "", kNoGpu),
      NotApplicable("--rpc", "SERVERS", "this machine computes everything"),
      NotApplicable("--repack, -nr, --no-repack", "",
                    "weights are always repacked"),
      NotApplicable("--mlock", "", kMapped),
      NotApplicable("--mmap, --no-mmap", "", kMapped),
      NotApplicable("-dio, --direct-io, -ndio, --no-direct-io", "", kMapped),
      NotApplicable("-lm, --load-mode", "MODE", kMapped),
      NotApplicable("-lzm, --lazy-mode", "MODE", kMapped),
      NotApplicable("-fit, --fit", "[on|off]",
                    "-c is never changed; braid fit tells what a set-up needs"),
      NotApplicable("-fitt, --fit-target", "MIB,...",
                    "--memory-limit is the limit"),
      NotApplicable("-fitc, --fit-ctx", "N", "-c is never changed"),
      Refused("-fitp, --fit-print", "[on|off]",
              "braid fit tells what a set-up needs"),
      NotApplicable("--kv-unified-per-slot", "N",
                    "all sequences share one paged KV cache"),
      NotApplicable("-kvu, --kv-unified, -no-kvu, --no-kv-unified", "",
                    "all sequences share one paged KV cache"),
  };
}

Flags ModelFlagRows() {
  return {
      Supported("-m, --model", "FILE",
                "the model that ships with braid if not given"),
      Refused("-mu, --model-url", "URL", kNoDownload),
      Refused("-dr, --docker-repo", "NAME", kNoDownload),
      Refused("-hf, -hfr, --hf-repo", "NAME", kNoDownload),
      Refused("-hff, --hf-file", "FILE", kNoDownload),
      Refused("-hfv, -hfrv, --hf-repo-v", "NAME", kNoDownload),
      Refused("-hffv, --hf-file-v", "FILE", kNoDownload),
      Refused("-hft, --hf-token", "TOKEN", kNoDownload),
      Refused("-cl, --cache-list", "", kNoDownload),
      NotApplicable("--offline", "", "the network is never used"),
      Refused("--check-tensors", "", "braid gguf check FILE does it"),
      Refused("--override-kv", "KEY=TYPE:VALUE",
              "braid gguf set FILE KEY VALUE -o NEW writes a changed file"),
      Refused("--lora", "FILE", kNoAdapters),
      Refused("--lora-scaled", "FILE:SCALE", kNoAdapters),
      Refused("--control-vector", "FILE", kNoAdapters),
      Refused("--control-vector-scaled", "FILE:SCALE", kNoAdapters),
      Refused("--control-vector-layer-range", "START END", kNoAdapters),
      Refused("--rope-scaling", "KIND", kRope),
      Refused("--rope-scale", "N", kRope, "1"),
      Refused("--rope-freq-base", "N", kRope, "0"),
      Refused("--rope-freq-scale", "N", kRope, "1"),
      Refused("--yarn-orig-ctx", "N", kRope, "0"),
      Refused("--yarn-ext-factor", "N", kRope, "-1"),
      Refused("--yarn-attn-factor", "N", kRope, "-1"),
      Refused("--yarn-beta-slow", "N", kRope, "-1"),
      Refused("--yarn-beta-fast", "N", kRope, "-1"),
      Refused("-gan, --grp-attn-n", "N", "groups of attention are not built",
              "1"),
      NotApplicable("-gaw, --grp-attn-w", "N", "-gan is not built"),
  };
}

Flags LogFlags() {
  return {
      Supported("-h, --help, --usage", ""),
      Refused("--version", "", "braid version prints it"),
      Refused("--license", "", "the file LICENSE has it"),
      Refused("--completion-bash", "", "braid completion bash prints it"),
      NotApplicable("--log-disable", "", kNoLog),
      Refused("--log-file", "FILE", "redirect standard error: 2> FILE"),
      NotApplicable("--log-colors", "[on|off|auto]", kNoLog),
      NotApplicable("--log-prefix, --no-log-prefix", "", kNoLog),
      NotApplicable("--log-jsonl, --no-log-jsonl", "", kNoLog),
      NotApplicable("--log-timestamps, --no-log-timestamps", "", kNoLog),
      NotApplicable("-v, --verbose, --log-verbose", "", kNoLog),
      NotApplicable("-lv, --verbosity, --log-verbosity", "N", kNoLog),
      NotApplicable("--verbose-prompt", "",
                    "braid tokenize prints the tokens of a text"),
  };
}

Flags SamplingFlagRows() {
  return {
      Supported("-s, --seed", "N",
                "the same seed gives a prompt the same text on every machine, "
                "whatever the other prompts are"),
      Supported("--temp, --temperature", "N"),
      Supported("--top-k", "N"),
      Supported("--top-p", "N"),
      Supported("--min-p", "N"),
      Supported("--typical, --typical-p", "N"),
      Supported("--repeat-last-n", "N"),
      Supported("--repeat-penalty", "N"),
      Supported("--presence-penalty", "N"),
      Supported("--frequency-penalty", "N"),
      Supported("-l, --logit-bias", "TOKEN(+/-)BIAS"),
      Supported("--ignore-eos", ""),
      Refused("--samplers", "NAMES", kOrder),
      Refused("--sampler-seq, --sampling-seq", "LETTERS", kOrder),
      Refused("--top-nsigma, --top-n-sigma", "N", kNoSampler, "-1"),
      Refused("--xtc-probability", "N", kNoSampler, "0"),
      NotApplicable("--xtc-threshold", "N", "--xtc-probability is not built"),
      Refused("--dry-multiplier", "N", kNoSampler, "0"),
      NotApplicable("--dry-base", "N", "--dry-multiplier is not built"),
      NotApplicable("--dry-allowed-length", "N",
                    "--dry-multiplier is not built"),
      NotApplicable("--dry-penalty-last-n", "N",
                    "--dry-multiplier is not built"),
      NotApplicable("--dry-sequence-breaker", "TEXT",
                    "--dry-multiplier is not built"),
      Refused("--adaptive-target", "N", kNoSampler, "-1"),
      NotApplicable("--adaptive-decay", "N", "--adaptive-target is not built"),
      Refused("--dynatemp-range", "N", kNoSampler, "0"),
      NotApplicable("--dynatemp-exp", "N", "--dynatemp-range is not built"),
      Refused("--mirostat", "N", kNoSampler, "0"),
      NotApplicable("--mirostat-lr", "N", "--mirostat is not built"),
      NotApplicable("--mirostat-ent", "N", "--mirostat is not built"),
      Refused("--grammar", "GRAMMAR", kNoGrammar),
      Refused("--grammar-file", "FILE", kNoGrammar),
      Refused("-j, --json-schema", "SCHEMA", kNoGrammar),
      Refused("-jf, --json-schema-file", "FILE", kNoGrammar),
      NotApplicable("-bs, --backend-sampling", "", kNoGpu),
  };
}

// Where no token is drawn, none of them can matter.
Flags IdleSamplingFlags() {
  Flags flags = SamplingFlagRows();
  for (KnownFlag& flag : flags) {
    flag = NotApplicable(flag.names, flag.value, "no token is drawn");
  }
  return flags;
}

Flags PromptFlagRows() {
  return {
      Supported("-p, --prompt", "TEXT", "may be repeated; all in one batch"),
      Supported("-f, --file", "FILE", kTextFile),
      Supported("-bf, --binary-file", "FILE", "byte for byte"),
      Supported("-e, --escape, --no-escape", ""),
  };
}

Flags DraftFlags() {
  Flags flags;
  const struct {
    std::string_view names;
    std::string_view value;
  } kRows[] = {
      {"--spec-draft-model, -md, --model-draft", "FILE"},
      {"--spec-draft-hf, -hfd, -hfrd, --hf-repo-draft", "NAME"},
      {"--spec-draft-threads, -td, --threads-draft", "N"},
      {"--spec-draft-threads-batch, -tbd, --threads-batch-draft", "N"},
      {"--spec-draft-cpu-mask, -Cd, --cpu-mask-draft", "M"},
      {"--spec-draft-cpu-range, -Crd, --cpu-range-draft", "LO-HI"},
      {"--spec-draft-cpu-strict, --cpu-strict-draft", "0|1"},
      {"--spec-draft-prio, --prio-draft", "N"},
      {"--spec-draft-poll, --poll-draft", "0|1"},
      {"--spec-draft-cpu-mask-batch, -Cbd, --cpu-mask-batch-draft", "M"},
      {"--spec-draft-cpu-range-batch, -Crbd, --cpu-range-batch-draft", "LO-HI"},
      {"--spec-draft-cpu-strict-batch, --cpu-strict-batch-draft", "0|1"},
      {"--spec-draft-prio-batch, --prio-batch-draft", "N"},
      {"--spec-draft-poll-batch, --poll-batch-draft", "0|1"},
      {"--spec-draft-override-tensor, -otd, --override-tensor-draft",
       "PATTERN=BUFFER"},
      {"--spec-draft-cpu-moe, -cmoed, --cpu-moe-draft", ""},
      {"--spec-draft-n-cpu-moe, --spec-draft-ncmoe, -ncmoed, --n-cpu-moe-draft",
       "N"},
      {"--spec-draft-type-k, -ctkd, --cache-type-k-draft", "TYPE"},
      {"--spec-draft-type-v, -ctvd, --cache-type-v-draft", "TYPE"},
      {"--spec-draft-n-max", "N"},
      {"--spec-draft-n-min", "N"},
      {"--spec-draft-p-split, --draft-p-split, -ps, --p-split", "P"},
      {"--spec-draft-p-min, --draft-p-min", "P"},
      {"--spec-draft-backend-sampling, --no-spec-draft-backend-sampling", ""},
      {"--spec-draft-device, -devd, --device-draft", "DEVICES"},
      {"--spec-draft-ngl, -ngld, --gpu-layers-draft, --n-gpu-layers-draft",
       "N"},
      {"--spec-draft-sampling", "KIND"},
      {"--spec-synth-len", "N"},
      {"--spec-synth-rates", "P0,P1,..."},
      {"--spec-type", "KINDS"},
      {"--spec-default", ""},
      {"--spec-ngram-mod-n-min", "N"},
      {"--spec-ngram-mod-n-max", "N"},
      {"--spec-ngram-mod-n-match", "N"},
      {"--spec-ngram-simple-size-n", "N"},
      {"--spec-ngram-simple-size-m", "N"},
      {"--spec-ngram-simple-min-hits", "N"},
      {"--spec-ngram-map-k-size-n", "N"},
      {"--spec-ngram-map-k-size-m", "N"},
      {"--spec-ngram-map-k-min-hits", "N"},
      {"--spec-ngram-map-k4v-size-n", "N"},
      {"--spec-ngram-map-k4v-size-m", "N"},
      {"--spec-ngram-map-k4v-min-hits", "N"},
      {"--spec-ngram-size-n", "N"},
      {"--spec-ngram-size-m", "N"},
      {"--spec-ngram-min-hits", "N"},
      {"--draft, --draft-n, --draft-max", "N"},
      {"--draft-min, --draft-n-min", "N"},
      {"-lcs, --lookup-cache-static", "FILE"},
      {"-lcd, --lookup-cache-dynamic", "FILE"},
  };
  for (const auto& row : kRows) {
    flags.push_back(NotApplicable(row.names, row.value, kNoDraft));
  }
  return flags;
}

Flags MediaFlags() {
  return {
      Refused("-mm, --mmproj", "FILE", kNoMedia),
      Refused("-mmu, --mmproj-url", "URL", kNoMedia),
      NotApplicable("--mmproj-auto, --no-mmproj, --no-mmproj-auto", "",
                    kNoMedia),
      NotApplicable("--mmproj-offload, --no-mmproj-offload", "", kNoMedia),
      NotApplicable("-mmdev, --mmproj-device", "DEVICE", kNoMedia),
      Refused("--image, --audio, --video", "FILE", kNoMedia),
      NotApplicable("--image-min-tokens", "N", kNoMedia),
      NotApplicable("--image-max-tokens", "N", kNoMedia),
      NotApplicable("--mtmd-batch-max-tokens", "N", kNoMedia),
      NotApplicable("--video-fps", "N", kNoMedia),
      NotApplicable("--video-timestamp-interval", "SECONDS", kNoMedia),
      NotApplicable("--video-ffmpeg-dir", "DIR", kNoMedia),
      Refused("--gpt-oss-20b-default", "", kNoDownload),
      Refused("--gpt-oss-120b-default", "", kNoDownload),
      Refused("--vision-gemma-4b-default", "", kNoDownload),
      Refused("--vision-gemma-12b-default", "", kNoDownload),
  };
}

// What llama-cli and llama-completion have for the terminal, and what both of
// braid's commands think of it.
Flags TerminalFlags() {
  return {
      NotApplicable("-co, --color", "[on|off|auto]", "texts are not coloured"),
      NotApplicable("--simple-io", "", "input and output are always plain"),
      NotApplicable("--show-timings, --no-show-timings", "",
                    "times go to standard error"),
      NotApplicable("-ctxcp, --ctx-checkpoints, --swa-checkpoints", "N",
                    "--checkpoint-every keeps checkpoints"),
      NotApplicable("--checkpoint-min-step", "N",
                    "--checkpoint-every keeps checkpoints"),
      NotApplicable("-cram, --cache-ram", "MIB",
                    "--checkpoint-bytes is the limit"),
      NotApplicable("-ptc, --print-token-count", "N",
                    "the report at the end counts the tokens"),
      NotApplicable("--skip-chat-parsing, --no-skip-chat-parsing", "",
                    kNoReasoning),
      NotApplicable("--reasoning-format", "FORMAT", kNoReasoning),
      Refused("-rea, --reasoning", "[on|off|auto]",
              "built-in formats do not ask for thoughts"),
      Refused("--reasoning-effort", "LEVEL",
              "built-in formats do not ask for thoughts"),
      Refused("--reasoning-budget", "N",
              "thoughts are not cut; -n cuts answers", "-1"),
      Refused("--reasoning-budget-message", "TEXT",
              "thoughts are not cut; -n cuts answers"),
      NotApplicable("--reasoning-preserve, --no-reasoning-preserve", "",
                    "all that was said stays in the sequence"),
      Refused("-o, --output, --output-file", "FILE",
              "redirect standard output: > FILE"),
      Refused("--log-prompts-dir", "DIR", kNoLog),
      Refused("--server-base", "URL", "the model runs in this program"),
      Refused("--chat-template-kwargs", "JSON",
              "templates get the conversation and nothing else"),
      NotApplicable("--jinja, --no-jinja", "", "templates are always run"),
  };
}

Flags GenerateFlags() {
  return {
      Supported("-n, --predict, --n-predict", "N",
                "128 if not given; -1 and -2: until the text ends or fills the "
                "context"),
      Supported("-np, --parallel", "N", "0: all prompts side by side"),
      Supported("-r, --reverse-prompt", "TEXT", "ends the text"),
      Supported("-sp, --special", ""),
      Supported("--display-prompt, --no-display-prompt", ""),
      Supported("--prompt-cache", "FILE", "for every kind of model"),
      Supported("--prompt-cache-all", ""),
      Supported("--prompt-cache-ro", ""),
      NotApplicable("-no-cnv, --no-conversation", "",
                    "a prompt is continued as it stands"),
      Refused("-cnv, --conversation", "", kUseChat),
      Refused("-st, --single-turn", "", "braid chat -p TEXT -st answers once"),
      Refused("-sys, --system-prompt", "TEXT", kUseChat),
      Refused("-sysf, --system-prompt-file", "FILE", kUseChat),
      Refused("-i, --interactive", "", kUseChat),
      Refused("-if, --interactive-first", "", kUseChat),
      Refused("-mli, --multiline-input", "", kUseChat),
      Refused("--in-prefix", "TEXT", kUseChat),
      Refused("--in-suffix", "TEXT", kUseChat),
      Refused("--in-prefix-bos", "", kUseChat),
      Refused("--chat-template", "NAME", kUseChat),
      Refused("--chat-template-file", "FILE", kUseChat),
  };
}

Flags ChatFlags() {
  return {
      Supported("-n, --predict, --n-predict", "N", "tokens of an answer"),
      Supported("-np, --parallel", "N", "branches that /fork can make"),
      Supported("-p, --prompt", "TEXT", "what you say first"),
      Supported("-sys, --system-prompt", "TEXT"),
      Supported("-sysf, --system-prompt-file", "FILE"),
      Supported("-st, --single-turn", ""),
      Supported("--chat-template-file", "FILE"),
      Refused("--chat-template", "NAME", kTemplateFile),
      NotApplicable("-cnv, --conversation", "", "braid chat is one"),
      NotApplicable("-i, --interactive", "", "braid chat is"),
      NotApplicable("-if, --interactive-first", "", "braid chat is"),
      NotApplicable("--display-prompt, --no-display-prompt", "",
                    "what you said is not printed again"),
      NotApplicable("-e, --escape, --no-escape", "",
                    "what you say is taken as it is"),
      Refused("-no-cnv, --no-conversation", "",
              "braid generate continues texts"),
      Refused("-f, --file", "FILE", "redirect standard input: < FILE"),
      Refused("-bf, --binary-file", "FILE", "redirect standard input: < FILE"),
      Refused("-r, --reverse-prompt", "TEXT",
              "a turn ends as the format says; braid generate has -r"),
      Refused("-sp, --special", "", "braid generate prints control tokens"),
      Refused("-mli, --multiline-input", "", "a line is a turn"),
      Refused("--in-prefix", "TEXT", kTemplateFile),
      Refused("--in-suffix", "TEXT", kTemplateFile),
      Refused("--in-prefix-bos", "", kTemplateFile),
      Refused("--prompt-cache", "FILE", "/save and /load keep a conversation"),
      Refused("--prompt-cache-all", "", "/save and /load keep a conversation"),
      Refused("--prompt-cache-ro", "", "/save and /load keep a conversation"),
  };
}

Flags PerplexityFlags() {
  return {
      Supported("-f, --file", "FILE", kTextFile),
      Supported("-bf, --binary-file", "FILE", "byte for byte"),
      Supported("--chunks", "N"),
      Supported("--ppl-stride", "N"),
      Refused("--ppl-output-type", "0|1",
              "the output has one form, with all values", "0"),
      Supported("--hellaswag", ""),
      Supported("--hellaswag-tasks", "N"),
      Supported("--winogrande", ""),
      Supported("--winogrande-tasks", "N"),
      Supported("--multiple-choice", ""),
      Supported("--multiple-choice-tasks", "N"),
      Supported("--kl-divergence", ""),
      Supported("--save-all-logits, --kl-divergence-base", "FILE"),
      NotApplicable("--all-logits", "", "tokens that are scored get logits"),
      Refused("-p, --prompt", "TEXT", "give a file with -f"),
      NotApplicable("-e, --escape, --no-escape", "", kNoEscapes),
      NotApplicable("-n, --predict, --n-predict", "N", kNothingGenerated),
      NotApplicable("-np, --parallel", "N",
                    "as many chunks are decoded side by side as -b holds"),
  };
}

Flags EmbeddingFlags() {
  return {
      Supported("--pooling", "KIND"),
      Supported("--embd-normalize, --embedding-normalize", "N"),
      Supported("--embd-separator", "TEXT"),
      Supported("--embd-output-format", "FORMAT", "text, not '', is lines"),
      NotApplicable("--embedding, --embeddings", "",
                    "braid embedding makes them"),
      Refused("--attention", "KIND", "the model says what its tokens look at"),
      Refused("--embd-gemma-default", "", kNoDownload),
      Refused("--cls-separator", "TEXT",
              "pairs are not put together; give them as one text"),
      NotApplicable("-n, --predict, --n-predict", "N", kNothingGenerated),
      NotApplicable("-np, --parallel", "N",
                    "as many texts are decoded side by side as -b holds"),
  };
}

Flags ParallelFlags() {
  return {
      Supported("-np, --parallel", "N"),
      Supported("-ns, --sequences", "N"),
      Supported("-n, --predict, --n-predict", "N"),
      Supported("-cb, --cont-batching, -nocb, --no-cont-batching", ""),
      Supported("-pps", ""),
      Refused("--junk", "N", "the system prompt is given with -sys", "0"),
  };
}

Flags BatchedBenchFlags() {
  return {
      Supported("-npp", "N0,N1,...", "ranges too"),
      Supported("-ntg", "N0,N1,...", "ranges too"),
      Supported("-npl", "N0,N1,...", "ranges too"),
      Supported("-pps", ""),
      Supported("--output-format", "md|jsonl"),
      Refused("-tgs", "", "sequences generate side by side, in one batch"),
      NotApplicable("-p, --prompt", "TEXT", "tokens are made up"),
      NotApplicable("-f, --file", "FILE", "tokens are made up"),
      NotApplicable("-bf, --binary-file", "FILE", "tokens are made up"),
      NotApplicable("-e, --escape, --no-escape", "", "tokens are made up"),
      NotApplicable("-n, --predict, --n-predict", "N", "-ntg says how many"),
      NotApplicable("-np, --parallel", "N", "-npl says how many"),
  };
}

Flags BenchFlags() {
  return {
      Supported("-h, --help", ""),
      Supported("-m, --model", "FILE", "may be repeated"),
      Supported("-p, --n-prompt", "N,..."),
      Supported("-n, --n-gen", "N,..."),
      Supported("-pg", "PP,TG"),
      Supported("-d, --n-depth", "N,..."),
      Supported("-b, --batch-size", "N,..."),
      Supported("-ub, --ubatch-size", "N,..."),
      Supported("-ctk, --cache-type-k", "TYPE,...", "f16 and f32"),
      Supported("-ctv, --cache-type-v", "TYPE,...", "the same as -ctk"),
      Supported("-t, --threads", "N,..."),
      Supported("-r, --repetitions", "N"),
      Supported("--delay", "SECONDS"),
      Supported("-o, --output", "FORMAT"),
      Supported("-oe, --output-err", "FORMAT"),
      Supported("--no-warmup", ""),
      Supported("--progress", "", "takes a value here: bar, json or none"),
      NotApplicable("-v, --verbose", "", kNoLog),
      NotApplicable("--numa", "TYPE", kPlacement),
      NotApplicable("--prio", "N", kPlacement),
      NotApplicable("-C, --cpu-mask", "M,...", kPlacement),
      NotApplicable("--cpu-strict", "0|1", kPlacement),
      NotApplicable("--poll", "LEVEL", kPlacement),
      Refused("--list-devices", "", "there is only the CPU"),
      Refused("-hf, -hfr, --hf-repo", "NAME", kNoDownload),
      Refused("-hff, --hf-file", "FILE", kNoDownload),
      Refused("-hft, --hf-token", "TOKEN", kNoDownload),
      NotApplicable("--offline", "", "the network is never used"),
      NotApplicable("-fitt, --fit-target", "MIB", kNoGpu),
      NotApplicable("-fitc, --fit-ctx", "N", kNoGpu),
      NotApplicable("-rpc, --rpc", "SERVERS",
                    "this machine computes everything"),
      NotApplicable("-ngl, --n-gpu-layers", "N,...", kNoGpu),
      NotApplicable("-ncmoe, --n-cpu-moe", "N,...", kNoGpu),
      NotApplicable("-sm, --split-mode", "MODE,...", kNoGpu),
      NotApplicable("-mg, --main-gpu", "INDEX,...", kNoGpu),
      NotApplicable("-nkvo, --no-kv-offload", "0|1,...", kNoGpu),
      NotApplicable("-dev, --device", "DEVICES", kNoGpu),
      NotApplicable("-ts, --tensor-split", "N0/N1/...", kNoGpu),
      NotApplicable("-ot, --override-tensor", "PATTERN=BUFFER", kNoGpu),
      NotApplicable("-nopo, --no-op-offload", "0|1,...", kNoGpu),
      NotApplicable("--no-host", "0|1,...", kNoGpu),
      NotApplicable("-fa, --flash-attn", "MODE,...",
                    "attention has one path, with the same bits for any batch"),
      NotApplicable("-mmp, --mmap", "0|1,...", kMapped),
      NotApplicable("-dio, --direct-io", "0|1,...", kMapped),
      NotApplicable("-lm, --load-mode", "MODE,...", kMapped),
      NotApplicable("-nr, --no-repack, --repack", "[0|1|on|off|auto]",
                    "weights are always repacked"),
      Refused("-embd, --embeddings", "0|1", "only logits are measured", "0"),
  };
}

Flags QuantizeFlags() {
  return {
      Supported("-h, --help", ""),
      Supported("--pure", ""),
      Supported("--allow-requantize", ""),
      Supported("--leave-output-tensor", ""),
      Supported("--output-tensor-type", "TYPE"),
      Supported("--token-embedding-type", "TYPE"),
      Supported("--tensor-type", "PATTERN=TYPE"),
      Refused("--tensor-type-file", "FILE", "repeat --tensor-type"),
      Supported("--imatrix", "FILE"),
      Supported("--include-weights", "PART"),
      Supported("--exclude-weights", "PART"),
      Refused("--prune-layers", "L0,L1,...", "layers are not removed"),
      Supported("--keep-split", ""),
      Supported("--override-kv", "KEY=TYPE:VALUE"),
      Supported("--dry-run", ""),
  };
}

Flags ImatrixFlags() {
  return {
      Supported("-f, --file", "FILE", kTextFile),
      Supported("-o, --output, --output-file", "FILE"),
      Supported("--output-format", "gguf|dat"),
      Supported("-ofreq, --output-frequency", "N",
                "to OUTPUT.partial; 0: only if it is interrupted"),
      Refused("--save-frequency", "N",
              "unfinished sums are in one file, OUTPUT.partial", "0"),
      Supported("--in-file", "FILE"),
      Supported("--process-output", ""),
      Supported("--chunk, --from-chunk", "N"),
      Supported("--chunks", "N"),
      Supported("--parse-special", ""),
      NotApplicable("--ppl, --no-ppl", "",
                    "no perplexity is printed; braid perplexity tells it"),
      Refused("--show-statistics", "",
              "braid gguf show prints what a file holds"),
      Refused("-p, --prompt", "TEXT", "give a file with -f"),
  };
}

}  // namespace

const std::vector<KnownProgram>& KnownPrograms() {
  static const auto* const kPrograms = new std::vector<KnownProgram>{
      {"llama-cli, llama-completion", "generate"},
      {"llama-cli in conversations", "chat"},
      {"llama-parallel", "parallel"},
      {"llama-perplexity", "perplexity"},
      {"llama-embedding", "embedding"},
      {"llama-batched-bench", "batched-bench"},
      {"llama-bench", "bench"},
      {"llama-quantize", "quantize"},
      {"llama-imatrix", "imatrix"},
  };
  return *kPrograms;
}

const std::vector<KnownFlagGroup>& KnownFlagGroups() {
  // The last ones have a model, too, and take what all programs share.
  static const std::vector<std::string_view> kEverywhere = {
      "generate",  "chat",          "parallel",        "perplexity",
      "embedding", "batched-bench", "tokenize",        "detokenize",
      "fit",       "state",         "save-load-state", "imatrix"};
  static const auto* const kGroups = new std::vector<KnownFlagGroup>{
      {"Threads, context and batches", kEverywhere, ComputingFlags()},
      {"Memory and devices", kEverywhere, MemoryFlags()},
      {"The model", kEverywhere, ModelFlagRows()},
      {"Help and logs", kEverywhere, LogFlags()},
      {"Sampling", {"generate", "chat", "parallel"}, SamplingFlagRows()},
      {"Sampling, where nothing is drawn",
       {"perplexity", "embedding", "batched-bench"},
       IdleSamplingFlags()},
      {"Prompts", {"generate", "parallel", "embedding"}, PromptFlagRows()},
      {"Drafts", {"generate", "chat"}, DraftFlags()},
      {"Images, sound and presets", {"generate", "chat"}, MediaFlags()},
      {"The terminal", {"generate", "chat"}, TerminalFlags()},
      {"Generation", {"generate"}, GenerateFlags()},
      {"Conversations", {"chat"}, ChatFlags()},
      {"Simulated clients", {"parallel"}, ParallelFlags()},
      {"Perplexity", {"perplexity"}, PerplexityFlags()},
      {"Embeddings", {"embedding"}, EmbeddingFlags()},
      {"Batched benchmark", {"batched-bench"}, BatchedBenchFlags()},
      {"Benchmark", {"bench"}, BenchFlags()},
      {"Quantization", {"quantize"}, QuantizeFlags()},
      {"Importance matrices", {"imatrix"}, ImatrixFlags()},
  };
  return *kGroups;
}

}  // namespace braid::cli
