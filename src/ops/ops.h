// Operations: kernels with their shapes checked and their results allocated.
//
// A result lives in the compute's arena, until its pass (or an enclosing
// ArenaScope) ends. A shape that does not fit is a bug in a model and ends the
// process: shapes that come from a file were checked when it was loaded.
#ifndef BRAID_SRC_OPS_OPS_H_
#define BRAID_SRC_OPS_OPS_H_

#include <span>

#include "base/run.h"
#include "kernels/attention.h"
#include "kernels/conv.h"
#include "kernels/elementwise.h"
#include "kernels/matmul.h"
#include "kernels/rope.h"
#include "kernels/scan.h"
#include "ops/compute.h"
#include "tensor/rows.h"

namespace braid::ops {

// {rows, w.inputs()} -> {rows, w.outputs()}.
Rows MatMul(Compute& compute, const PackedMatrix& w, ConstRows x);
// The same into rows that are there.
void MatMulInto(Compute& compute, const PackedMatrix& w, ConstRows x, Rows y);

// x + bias, bias broadcast over the rows; in place.
void AddBias(Compute& compute, std::span<const float> bias, Rows x);

// x + y into x: the residual stream.
void AddInto(Compute& compute, Rows x, ConstRows y);

// x * factor, in place.
void ScaleInto(Compute& compute, float factor, Rows x);
// cap * tanh(x / cap), in place.
void SoftCapInto(Compute& compute, float cap, Rows x);

// {rows, width} -> {rows, width}; `weight` empty: all ones.
Rows RmsNorm(Compute& compute, ConstRows x, std::span<const float> weight,
             float epsilon);

// {rows, width} -> {rows, width}; empty: all ones, nothing added.
Rows LayerNorm(Compute& compute, ConstRows x, std::span<const float> weight,
               std::span<const float> bias, float epsilon);
// The same into rows that are there; y may be x.
void LayerNormInto(Compute& compute, ConstRows x, std::span<const float> weight,
                   std::span<const float> bias, float epsilon, Rows y);

// silu(gate) * value, into `value`.
void SiluMulInto(Compute& compute, ConstRows gate, Rows value);
// f(x), in place.
void ActivateInto(Compute& compute, Nonlinearity f, Rows x);
// f(gate) * value, into `value`.
void ActivateMulInto(Compute& compute, Nonlinearity f, ConstRows gate,
                     Rows value);

// softplus(x + bias), in place.
void SoftplusInto(Compute& compute, std::span<const float> bias, Rows x);

// Turns the heads of x, {rows, heads * head_dim}, in place.
void RopeInto(Compute& compute, const RopeTable& table,
              std::span<const Position> positions, int heads, int head_dim,
              Rows x);

// Writes this ubatch's keys and values into their pages.
void WriteKv(Compute& compute, const KvLayout& layout, KvPagesView pages,
             std::span<const Run> runs, std::span<const PageTable> tables,
             ConstRows keys, ConstRows values);

// {rows, heads * key_dim} -> {rows, heads * value_dim}.
Rows Attention(Compute& compute, const KvLayout& layout, KvPagesView pages,
               std::span<const Run> runs, std::span<const PageTable> tables,
               ConstRows q, int heads, const AttentionOptions& options);

// {rows, channels} -> {rows, channels}; see kernels/conv.h, for phases too.
Rows CausalConv(Compute& compute, StatePhases phases, ConstRows x,
                std::span<const float> weight, std::span<const float> bias,
                Activation activation);

// {rows, channels} -> {rows, channels}; see kernels/scan.h.
Rows SelectiveScan(Compute& compute, const ScanWeights& weights,
                   StatePhases phases, ConstRows x, ConstRows dt, ConstRows b,
                   ConstRows c);

}  // namespace braid::ops

#endif  // BRAID_SRC_OPS_OPS_H_
