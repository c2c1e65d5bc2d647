// Selective scan and causal depthwise convolution of Mamba-1, forward and
// backward, for one CPU thread.
//
// Sixteen channels make one vector, so every loop below reads like the formula
// of a single channel:
//
//   x_t = silu(conv(xin)_t)                                    (conv_silu_*)
//   dt  = softplus(p_t),   h_t[n] = exp(dt A[n]) h_{t-1}[n] + dt x_t B_t[n]
//   y_t = sum_n C_t[n] h_t[n] + D x_t,   out_t = y_t silu(z_t)      (scan_*)
//
// Not to be compiled with -ffast-math: exp() rounds by adding and subtracting a
// large number. All tensors are contiguous float32, time before channels:
// [batch, time, channel]. A is stored [state, channel]. Gradients through the
// initial state are dropped (truncated BPTT).

#include <torch/extension.h>

#include <cstring>
#include <vector>

namespace {

constexpr int W = 16;      // channels in a vector
constexpr int N = 16;      // state size
constexpr int CHUNK = 32;  // steps between saved states
constexpr int AHEAD =
    8;  // rows are pages apart, out of reach of the hardware's prefetcher

typedef float V __attribute__((vector_size(4 * W), aligned(4)));
typedef int VI __attribute__((vector_size(4 * W), aligned(4)));

inline V load(const float* p) { return *reinterpret_cast<const V*>(p); }
inline void store(float* p, V v) { *reinterpret_cast<V*>(p) = v; }
inline V all(float s) { return V{} + s; }
inline V max(V a, V b) { return a > b ? a : b; }
inline V min(V a, V b) { return a < b ? a : b; }

// exp of x <= 87, relative error about 2e-7; e^-87 below -87.
inline V exp_small(V x) {
  x = max(x, all(-87.0f));
  V t = x * 1.44269504f;
  V k = t + 12582912.0f;  // rounds to an integer, kept in the low mantissa bits
  VI e = reinterpret_cast<VI>(k) << 23;
  V f = t - (k - 12582912.0f);  // in [-0.5, 0.5]
  V p = all(1.5403530e-4f);
  p = p * f + 1.3333558e-3f;
  p = p * f + 9.6181291e-3f;
  p = p * f + 5.5504109e-2f;
  p = p * f + 2.4022651e-1f;
  p = p * f + 6.9314718e-1f;
  p = p * f + 1.0f;
  return reinterpret_cast<V>(reinterpret_cast<VI>(p) + e);
}

inline V exp(V x) { return exp_small(min(x, all(87.0f))); }

inline V sigmoid(V x) { return 1.0f / (1.0f + exp(-x)); }

// log of x >= 1: exponent, and a series in (m - 1) / (m + 1) for the mantissa.
inline V log_positive(V x) {
  VI b = reinterpret_cast<VI>(x);
  VI e = (b - 0x3f3504f3) >> 23;  // mantissa into [sqrt(1/2), sqrt(2))
  V m = reinterpret_cast<V>(b - (e << 23)) - 1.0f;
  V s = m / (2.0f + m), s2 = s * s;
  V r = all(2.0f / 9);
  r = r * s2 + 2.0f / 7;
  r = r * s2 + 2.0f / 5;
  r = r * s2 + 2.0f / 3;
  r = r * s2 + 2.0f;
  return __builtin_convertvector(e, V) * 0.69314718f + s * r;
}
inline V softplus(V x) {
  return max(x, V{}) + log_positive(1.0f + exp_small(-max(x, -x)));
}

void check(const torch::Tensor& t) {
  TORCH_CHECK(t.is_contiguous() && t.dtype() == torch::kFloat32,
              "contiguous float32 expected");
}

}  // namespace

// The first D columns of xz [B,T,2D], the K-1 rows before them (prefix
// [B,K-1,D]), taps w [K,D], b [D]
// -> x [B,T,D] and the next prefix. The last tap meets the current row.
std::vector<torch::Tensor> conv_silu_forward(torch::Tensor xz,
                                             torch::Tensor prefix,
                                             torch::Tensor w, torch::Tensor b) {
  for (auto& t : {xz, prefix, w, b}) check(t);
  const int64_t batch = xz.size(0), T = xz.size(1), stride = xz.size(2),
                D = w.size(1), K = w.size(0);
  auto x = torch::empty({batch, T, D}, xz.options());
  auto next = torch::empty_like(prefix);
  for (int64_t i = 0; i < batch; ++i) {
    const float* in = xz.data_ptr<float>() + i * T * stride;
    const float* pre = prefix.data_ptr<float>() + i * (K - 1) * D;
    auto row = [&](int64_t t) {
      return t < 0 ? pre + (t + K - 1) * D : in + t * stride;
    };
    float* out = x.data_ptr<float>() + i * T * D;
    for (int64_t t = 0; t < T; ++t)
      for (int64_t d = 0; d < D; d += W) {
        V s = load(b.data_ptr<float>() + d);
        for (int64_t k = 0; k < K; ++k)
          s += load(w.data_ptr<float>() + k * D + d) *
               load(row(t - (K - 1) + k) + d);
        store(out + t * D + d, s * sigmoid(s));
      }
    for (int64_t k = 0; k < K - 1; ++k)
      std::memcpy(next.data_ptr<float>() + (i * (K - 1) + k) * D,
                  row(T - (K - 1) + k), D * sizeof(float));
  }
  return {x, next};
}

// Fills the first D columns of gxz [B,T,2D]; returns gw [K,D], gb [D].
std::vector<torch::Tensor> conv_silu_backward(
    torch::Tensor gx, torch::Tensor gxz, torch::Tensor xz, torch::Tensor prefix,
    torch::Tensor w, torch::Tensor b) {
  for (auto& t : {gx, gxz, xz, prefix, w, b}) check(t);
  const int64_t batch = xz.size(0), T = xz.size(1), stride = xz.size(2),
                D = w.size(1), K = w.size(0);
  TORCH_CHECK(K == 4, "kernel of four taps expected");
  auto gw = torch::zeros_like(w), gb = torch::zeros_like(b);
  const float* wp = w.data_ptr<float>();
  for (int64_t i = 0; i < batch; ++i) {
    const float* in = xz.data_ptr<float>() + i * T * stride;
    const float* pre = prefix.data_ptr<float>() + i * (K - 1) * D;
    auto row = [&](int64_t t) {
      return t < 0 ? pre + (t + K - 1) * D : in + t * stride;
    };
    const float* g = gx.data_ptr<float>() + i * T * D;
    float* gin = gxz.data_ptr<float>() + i * T * stride;
    for (int64_t d = 0; d < D; d += W) {
      V aw[4] = {}, ab = {};
      V pending[3] = {};  // what later outputs add to the gradients of inputs
                          // t, t-1 and t-2
      for (int64_t t = T - 1; t >= 0; --t) {
        V s = load(b.data_ptr<float>() + d);
        V r[4];
        for (int k = 0; k < 4; ++k) {
          r[k] = load(row(t - 3 + k) + d);
          s += load(wp + k * D + d) * r[k];
        }
        V sg = sigmoid(s);
        V gs = load(g + t * D + d) * sg * (1.0f + s * (1.0f - sg));
        for (int k = 0; k < 4; ++k) aw[k] += gs * r[k];
        ab += gs;
        // output t touches inputs t, t-1, t-2, t-3 with taps 3, 2, 1, 0
        store(gin + t * stride + d, pending[0] + gs * load(wp + 3 * D + d));
        pending[0] = pending[1] + gs * load(wp + 2 * D + d);
        pending[1] = pending[2] + gs * load(wp + 1 * D + d);
        pending[2] = gs * load(wp + d);
      }
      for (int k = 0; k < 4; ++k)
        store(gw.data_ptr<float>() + k * D + d,
              load(gw.data_ptr<float>() + k * D + d) + aw[k]);
      store(gb.data_ptr<float>() + d, load(gb.data_ptr<float>() + d) + ab);
    }
  }
  return {gw, gb};
}

// x [B,T,D]; p [B,T,D] before softplus; A [N,D]; BC [B,T,>=2N] with B, then C
// in its last 2N columns; Dw [D]; z = last D columns of xz [B,T,2D]; h0
// [B,D/W,N,W].
// -> out [B,T,D], hT like h0, saved [B,D/W,T/CHUNK,N,W]: the state before each
// chunk.
std::vector<torch::Tensor> scan_forward(torch::Tensor x, torch::Tensor p,
                                        torch::Tensor A, torch::Tensor BC,
                                        torch::Tensor Dw, torch::Tensor xz,
                                        torch::Tensor h0) {
  for (auto& t : {x, p, A, BC, Dw, xz, h0}) check(t);
  const int64_t batch = x.size(0), T = x.size(1), D = x.size(2),
                ws = BC.size(2), zs = xz.size(2);
  TORCH_CHECK(A.size(0) == N && D % W == 0 && zs == 2 * D, "shapes");
  const int64_t chunks = (T + CHUNK - 1) / CHUNK;
  auto out = torch::empty_like(x), hT = torch::empty_like(h0);
  auto saved = torch::empty({batch, D / W, chunks, N, W}, x.options());
  for (int64_t i = 0; i < batch; ++i)
    for (int64_t d = 0; d < D; d += W) {
      const int64_t blk = i * (D / W) + d / W;
      V a[N], h[N];
      for (int n = 0; n < N; ++n)
        a[n] = load(A.data_ptr<float>() + n * D + d),
        h[n] = load(h0.data_ptr<float>() + (blk * N + n) * W);
      const V dw = load(Dw.data_ptr<float>() + d);
      for (int64_t t = 0; t < T; ++t) {
        if (t % CHUNK == 0)
          for (int n = 0; n < N; ++n)
            store(saved.data_ptr<float>() +
                      ((blk * chunks + t / CHUNK) * N + n) * W,
                  h[n]);
        const int64_t row = i * T + t;
        const float* b = BC.data_ptr<float>() + row * ws + ws - 2 * N;
        const float* c = b + N;
        __builtin_prefetch(x.data_ptr<float>() + (row + AHEAD) * D + d);
        __builtin_prefetch(p.data_ptr<float>() + (row + AHEAD) * D + d);
        __builtin_prefetch(xz.data_ptr<float>() + (row + AHEAD) * zs + D + d);
        __builtin_prefetch(out.data_ptr<float>() + (row + AHEAD) * D + d, 1);
        const V u = load(x.data_ptr<float>() + row * D + d);
        const V dt = softplus(load(p.data_ptr<float>() + row * D + d));
        const V du = dt * u;
        V y = dw * u;
#pragma GCC unroll 16
        for (int n = 0; n < N; ++n) {
          h[n] = exp_small(dt * a[n]) * h[n] + du * b[n];
          y += h[n] * c[n];
        }
        const V z = load(xz.data_ptr<float>() + row * zs + D + d);
        store(out.data_ptr<float>() + row * D + d, y * z * sigmoid(z));
      }
      for (int n = 0; n < N; ++n)
        store(hT.data_ptr<float>() + (blk * N + n) * W, h[n]);
    }
  return {out, hT, saved};
}

// -> gx, gp [B,T,D]; gA [N,D]; gBC [B,T,2N]; gD [D]; gxz [B,T,2D] (the z half
// is filled, the x half is left for conv).
std::vector<torch::Tensor> scan_backward(torch::Tensor gout, torch::Tensor x,
                                         torch::Tensor p, torch::Tensor A,
                                         torch::Tensor BC, torch::Tensor Dw,
                                         torch::Tensor xz,
                                         torch::Tensor saved) {
  for (auto& t : {gout, x, p, A, BC, Dw, xz, saved}) check(t);
  const int64_t batch = x.size(0), T = x.size(1), D = x.size(2),
                ws = BC.size(2), zs = xz.size(2);
  const int64_t chunks = (T + CHUNK - 1) / CHUNK;
  auto gx = torch::empty_like(x), gp = torch::empty_like(p),
       gA = torch::zeros_like(A), gD = torch::zeros_like(Dw);
  auto gBC = torch::empty({batch, T, 2 * N}, x.options()),
       gxz = torch::empty_like(xz);
  std::vector<V> gh((D / W) * N), hs((CHUNK + 1) * N), es(CHUNK * N),
      gb(CHUNK * N), gc(CHUNK * N);
  V ys[CHUNK], dts[CHUNK];
  for (int64_t i = 0; i < batch; ++i) {
    std::fill(gh.begin(), gh.end(), V{});
    for (int64_t ck = chunks - 1; ck >= 0; --ck) {
      const int64_t t0 = ck * CHUNK, len = std::min<int64_t>(CHUNK, T - t0);
      std::fill(gb.begin(), gb.end(), V{});
      std::fill(gc.begin(), gc.end(), V{});
      for (int64_t d = 0; d < D; d += W) {
        const int64_t blk = i * (D / W) + d / W;
        V a[N];
        for (int n = 0; n < N; ++n) {
          a[n] = load(A.data_ptr<float>() + n * D + d);
          hs[n] =
              load(saved.data_ptr<float>() + ((blk * chunks + ck) * N + n) * W);
        }
        const V dw = load(Dw.data_ptr<float>() + d);
        for (int64_t s = 0; s < len;
             ++s) {  // forward again, keeping every state
          const int64_t row = i * T + t0 + s;
          const float* b = BC.data_ptr<float>() + row * ws + ws - 2 * N;
          const float* c = b + N;
          __builtin_prefetch(x.data_ptr<float>() + (row + AHEAD) * D + d);
          __builtin_prefetch(p.data_ptr<float>() + (row + AHEAD) * D + d);
          __builtin_prefetch(xz.data_ptr<float>() + row * zs + D + d);
          __builtin_prefetch(gout.data_ptr<float>() + row * D + d);
          __builtin_prefetch(gx.data_ptr<float>() + row * D + d, 1);
          __builtin_prefetch(gp.data_ptr<float>() + row * D + d, 1);
          __builtin_prefetch(gxz.data_ptr<float>() + row * zs + D + d, 1);
          const V u = load(x.data_ptr<float>() + row * D + d);
          const V dt = softplus(load(p.data_ptr<float>() + row * D + d));
          const V du = dt * u;
          V y = dw * u;
#pragma GCC unroll 4
          for (int n = 0; n < N; ++n) {
            const V e = exp_small(dt * a[n]);
            const V h = e * hs[s * N + n] + du * b[n];
            es[s * N + n] = e;
            hs[(s + 1) * N + n] = h;
            y += h * c[n];
          }
          ys[s] = y;
          dts[s] = dt;
        }
        V* g = gh.data() +
               (d / W) *
                   N;  // gradient of the state after step t, from later steps
        V gd = load(gD.data_ptr<float>() + d);
        V ga[N];
        for (int n = 0; n < N; ++n)
          ga[n] = load(gA.data_ptr<float>() + n * D + d);
        for (int64_t s = len - 1; s >= 0; --s) {
          const int64_t row = i * T + t0 + s;
          const float* b = BC.data_ptr<float>() + row * ws + ws - 2 * N;
          const float* c = b + N;
          const V u = load(x.data_ptr<float>() + row * D + d), dt = dts[s];
          const V z = load(xz.data_ptr<float>() + row * zs + D + d);
          const V sg = sigmoid(z),
                  go = load(gout.data_ptr<float>() + row * D + d);
          store(gxz.data_ptr<float>() + row * zs + D + d,
                go * ys[s] * sg * (1.0f + z * (1.0f - sg)));
          const V gy = go * z * sg, du = dt * u;
          V gdu = {}, gdt = {};
#pragma GCC unroll 4
          for (int n = 0; n < N; ++n) {
            const V ghn = g[n] + gy * c[n];
            gc[s * N + n] += gy * hs[(s + 1) * N + n];
            gb[s * N + n] += ghn * du;
            gdu += ghn * b[n];
            const V ge =
                ghn * es[s * N + n];  // also the gradient that goes to step t-1
            const V gda = ge * hs[s * N + n];  // gradient of dt * a[n]
            gdt += gda * a[n];
            ga[n] += gda * dt;
            g[n] = ge;
          }
          gdt += gdu * u;
          gd += gy * u;
          store(gx.data_ptr<float>() + row * D + d, gdu * dt + gy * dw);
          store(gp.data_ptr<float>() + row * D + d,
                gdt * (1.0f - exp_small(-dt)));  // softplus' = 1 - e^-softplus
        }
        store(gD.data_ptr<float>() + d, gd);
        for (int n = 0; n < N; ++n)
          store(gA.data_ptr<float>() + n * D + d, ga[n]);
      }
      for (int64_t s = 0; s < len; ++s)
        for (int n = 0; n < N; ++n) {
          float sb = 0, sc = 0;
          for (int l = 0; l < W; ++l)
            sb += gb[s * N + n][l], sc += gc[s * N + n][l];
          float* o = gBC.data_ptr<float>() + (i * T + t0 + s) * 2 * N;
          o[n] = sb;
          o[N + n] = sc;
        }
    }
  }
  return {gx, gp, gA, gBC, gD, gxz};
}

PYBIND11_MODULE(TORCH_EXTENSION_NAME, m) {
  m.def("conv_silu_forward", &conv_silu_forward);
  m.def("conv_silu_backward", &conv_silu_backward);
  m.def("scan_forward", &scan_forward);
  m.def("scan_backward", &scan_backward);
}
