"""AdamW for vectors, embeddings and small matrices; Muon (Jordan, 2024) for the large projections.

Muon replaces a matrix's momentum by the nearest matrix with equal singular values, so that every
direction of the update has the same size.
"""

import torch


def orthogonalise(g: torch.Tensor, steps: int = 5) -> torch.Tensor:
    """g [m,n] -> about U V^T of its singular value decomposition, by Newton-Schulz in bfloat16."""
    a, b, c = 3.4445, -4.7750, 2.0315
    x = g.to(torch.bfloat16)
    tall = x.shape[0] > x.shape[1]
    if tall:
        x = x.t()
    x = x / (x.norm() + 1e-7)
    for _ in range(steps):
        s = x @ x.t()
        x = a * x + (b * s + c * (s @ s)) @ x
    return (x.t() if tall else x).float()


class Muon(torch.optim.Optimizer):
    def __init__(self, params, lr, momentum=0.95, weight_decay=0.0):
        super().__init__(params, dict(lr=lr, momentum=momentum, weight_decay=weight_decay))

    @torch.no_grad()
    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                buf = self.state[p].setdefault("momentum", torch.zeros_like(p))
                buf.lerp_(p.grad, 1 - group["momentum"])
                update = orthogonalise(p.grad.lerp(buf, group["momentum"]))
                p.mul_(1 - group["lr"] * group["weight_decay"])
                p.add_(update, alpha=-group["lr"] * max(1, p.shape[0] / p.shape[1]) ** 0.5)


def make(model, muon_lr, adam_lr, muon_decay, adam_decay):
    """-> [Muon, AdamW] over all parameters of a Mamba."""
    big, plain, vectors = [], [], []
    for name, p in model.named_parameters():
        if name.endswith((".w_in", ".w_out")):
            big.append(p)
        elif name.endswith((".w_x", ".w_dt", "embed")):
            plain.append(p)
        else:
            vectors.append(p)
    groups = [dict(params=plain, weight_decay=adam_decay), dict(params=vectors, weight_decay=0.0)]
    return [
        Muon(big, muon_lr, weight_decay=muon_decay),
        torch.optim.AdamW(groups, lr=adam_lr, betas=(0.9, 0.95), eps=1e-10, fused=True),
    ]
