"""Recipes as others publish them, written from their descriptions: plain, and not tuned by us.

Each function trains and returns what it trained; how long it takes is measured by `__main__`.
"""

import atexit
import functools
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import torch
from torch import nn


class PaperModel(nn.Module):
    """The model of the paper's notebook: many instances, one Parameter each for W and b."""

    def __init__(self, n_instances, n_features, n_hidden):
        super().__init__()
        self.W = nn.Parameter(torch.empty(n_instances, n_features, n_hidden))
        self.b = nn.Parameter(torch.zeros(n_instances, n_features))
        for W in self.W.data:
            nn.init.xavier_normal_(W)

    def forward(self, x):
        """Return the reconstruction of x (point, instance, feature)."""
        hidden = torch.einsum("bif,ifh->bih", x, self.W)
        return torch.relu(torch.einsum("bih,ifh->bif", hidden, self.W) + self.b)


def paper_notebook(
    density, importance, n_features, n_hidden, *, n_steps=10_000, batch_size=1024, seed=0
):
    """Train one instance per density: AdamW 1e-3, fresh data, autograd, a Python loop.

    Returns W (instance, hidden, feature), b (instance, feature).

    Source: the notebook released with Toy Models of Superposition.
    """
    torch.manual_seed(seed)
    density = torch.as_tensor(density)
    model = PaperModel(len(density), n_features, n_hidden)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    shape = (batch_size, len(density), n_features)
    for _ in range(n_steps):
        optimizer.zero_grad(set_to_none=True)
        value = torch.rand(shape)
        x = torch.where(torch.rand(shape) <= density[:, None], value, torch.zeros(()))
        error = importance * (x - model(x)) ** 2
        error.mean((0, 2)).sum().backward()
        optimizer.step()
    return model.W.detach().mT, model.b.detach()


class PaperNeurons(PaperModel):
    """The paper's model in a privileged basis: a ReLU on the hidden numbers, too."""

    def forward(self, x):
        """Return the reconstruction of x (point, instance, feature)."""
        hidden = torch.relu(torch.einsum("bif,ifh->bih", x, self.W))
        return torch.relu(torch.einsum("bih,ifh->bif", hidden, self.W) + self.b)


def one_fit_at_a_time(
    n_fits, density, importance, n_features, n_hidden, *, n_steps, batch_size,
    learning_rate=1e-2, seed=0,
):  # fmt: skip
    """Fit models with a hidden ReLU one after the other: Adam, cosine, fresh data, autograd.

    Returns W (fit, hidden, feature), b (fit, feature).
    """
    torch.manual_seed(seed)
    fits = []
    for _ in range(n_fits):
        model = PaperNeurons(1, n_features, n_hidden)
        optimizer = torch.optim.Adam(model.parameters(), lr=learning_rate)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, n_steps)
        for _ in range(n_steps):
            optimizer.zero_grad(set_to_none=True)
            value = torch.rand(batch_size, 1, n_features)
            x = torch.where(torch.rand_like(value) <= density, value, torch.zeros(()))
            (importance * (x - model(x)) ** 2).mean().backward()
            optimizer.step()
            schedule.step()
        fits.append((model.W.detach().mT, model.b.detach()))
    return tuple(torch.cat(parts) for parts in zip(*fits, strict=True))


def numpy_by_hand(density, n_features, n_hidden, *, n_steps=10_000, seed=0):
    """Train one model in NumPy: gradient written out, Adam 1e-3, fresh batches of 1024.

    Returns W (1, hidden, feature), b (1, feature), as tensors.
    """
    random = np.random.default_rng(seed)
    batch = 1024
    W = random.normal(0, (2 / (n_features + n_hidden)) ** 0.5, (n_hidden, n_features))
    b = np.zeros(n_features)
    moments = [np.zeros_like(p) for p in (W, W, b, b)]
    for step in range(1, n_steps + 1):
        x = random.random((batch, n_features)) * (random.random((batch, n_features)) < density)
        h = x @ W.T
        a = h @ W + b
        delta = 2 * (np.maximum(a, 0) - x) * (a > 0) / x.size
        slopes = (h.T @ delta + (delta @ W.T).T @ x, delta.sum(0))
        for k, (p, g) in enumerate(zip((W, b), slopes, strict=True)):
            m, v = moments[2 * k], moments[2 * k + 1]
            m += 0.1 * (g - m)
            v += 0.001 * (g * g - v)
            p -= 1e-3 * (m / (1 - 0.9**step)) / (np.sqrt(v / (1 - 0.999**step)) + 1e-8)
    return torch.from_numpy(W[None]), torch.from_numpy(b[None])


def snapshot_every_step(points, *, n_steps=10_000, learning_rate=3e-4, seed=0):
    """Train one model 2→1 on fixed points, keeping weights and both losses at every step.

    `points` (point, 2) are split 80 to 20. Returns W (1, 1, 2), b (1, 2).

    Source: Even Smaller Models of Superposition, experiment 5.
    """
    torch.manual_seed(seed)
    cut = len(points) * 4 // 5
    points, test = points[:cut], points[cut:]
    W = nn.Parameter(nn.init.xavier_normal_(torch.empty(1, 2)))
    b = nn.Parameter(torch.zeros(2))
    optimizer = torch.optim.AdamW([W, b], lr=learning_rate)
    kept = []
    for _ in range(n_steps):
        optimizer.zero_grad()
        loss = ((torch.relu(points @ W.T @ W + b) - points) ** 2).mean()
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            on_test = ((torch.relu(test @ W.T @ W + b) - test) ** 2).mean()
        kept.append((W.detach().clone(), b.detach().clone(), loss.item(), on_test.item()))
    W, b, *_ = kept[-1]
    return W[None], b[None]


@functools.cache
def compile_floor() -> Path:
    """Compile floor.c for this machine, once per process; return the program."""
    compiler = shutil.which("cc")
    if compiler is None:
        raise RuntimeError("no C compiler `cc` was found; install one, such as Debian's gcc")
    folder = Path(tempfile.mkdtemp(prefix="floor-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    source = Path(__file__).with_name("floor.c")
    flags = ["-O3", "-march=native", "-ffast-math", "-lm"]
    subprocess.run([compiler, source, *flags, "-o", folder / "floor"], check=True)
    return folder / "floor"


def c_loop(density, *, n_steps=10_000, seed=0):
    """Train one model 5→2 in C, as `numpy_by_hand` does: as fast as one core here goes.

    Returns W (1, 2, 5), b (1, 5).
    """
    command = [compile_floor(), str(n_steps), f"{density:.9f}", str(seed)]
    out = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    numbers = torch.tensor([float(word) for word in out.split()])
    return numbers[:10].reshape(1, 2, 5), numbers[10:].reshape(1, 5)
