"""Time our dictionaries against SAELens': `python -m bench.dictionaries --peer PYTHON`.

PYTHON belongs to an environment of its own in which `sae-lens` is installed (some 2 GB; see
bench/README.md). Both train TopK dictionaries of eight latents, k = 1, on the hidden states of one
trained pentagon at density 0.03, given that something is active; same steps and batch, Adam with a
rate that falls to zero. The peer trains one at a time, as it does; ours are side by side.
Printed: seconds for sixteen, and in how many of them all five directions come back to within
cosine 0.99.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch

from toyutils import scores
from toyutils.features import IndependentFeatures
from toyutils.models import HiddenStates, ReLUModel, SparseAutoencoder
from toyutils.training import FAST, train

N_SEEDS, N_LATENTS, N_STEPS, BATCH, SPARSITY = 16, 8, 2500, 256, 0.97
RATE, PEER_RATE = 1e-2, 3e-3  # the peer's is the best of 1e-3, 3e-3, 1e-2, 3e-2

# Runs in the peer's environment, which does not know this package.
PEER = """
import json, sys, time
import torch
from sae_lens import LoggingConfig
from sae_lens.config import SAETrainerConfig
from sae_lens.saes.topk_sae import TopKTrainingSAE, TopKTrainingSAEConfig
from sae_lens.training.sae_trainer import SAETrainer

given = json.load(open(sys.argv[1]))
torch.set_num_threads(1)
W, p, batch = torch.tensor(given["W"]), 1 - given["sparsity"], given["batch"]

def states(seed):
    random = torch.Generator().manual_seed(seed)
    n = W.shape[1]
    while True:
        active = torch.rand(40 * batch, n, generator=random) < p
        active = active[active.any(1)][:batch]
        yield (torch.rand(active.shape, generator=random) * active) @ W.T

seconds, decoders = [], []
for seed in given["seeds"]:
    torch.manual_seed(seed)
    start = time.perf_counter()
    sae = TopKTrainingSAE(TopKTrainingSAEConfig(d_in=2, d_sae=given["latents"], k=1))
    trainer = SAETrainer(
        cfg=SAETrainerConfig(
            n_checkpoints=0, checkpoint_path=None, save_final_checkpoint=False,
            total_training_samples=given["steps"] * batch, device="cpu", autocast=False,
            lr=given["rate"], lr_end=0.0, lr_scheduler_name="cosineannealing",
            lr_warm_up_steps=0, adam_beta1=0.9, adam_beta2=0.999, lr_decay_steps=0,
            n_restart_cycles=1, train_batch_size_samples=batch, dead_feature_window=1000,
            feature_sampling_window=2000, n_batches_for_norm_estimate=10,
            logger=LoggingConfig(log_to_wandb=False, eval_every_n_wandb_logs=2**31 - 1),
        ),
        sae=sae, data_provider=states(seed),
    )
    trainer.fit()
    seconds.append(time.perf_counter() - start)
    decoders.append(sae.W_dec.detach().tolist())
json.dump({"seconds": seconds, "decoders": decoders}, open(sys.argv[2], "w"))
"""


def pentagon() -> ReLUModel:
    """Return a trained pentagon: the lowest of eight."""
    model = ReLUModel(5, 2, 8)
    history = train(
        model, IndependentFeatures(5, SPARSITY), n_steps=3000, batch_size=256, progress=False,
        **FAST,
    )  # fmt: skip
    k = int(history.loss[-1].argmin())
    best = ReLUModel(5, 2).requires_grad_(False)
    best.W.copy_(model.W[k : k + 1])
    best.b.copy_(model.b[k : k + 1])
    return best


def ours(toy: ReLUModel) -> tuple[float, torch.Tensor]:
    """Return the seconds of all seeds side by side, and their decoders."""
    start = time.perf_counter()
    sae = SparseAutoencoder(2, N_LATENTS, N_SEEDS, k=1)
    states = HiddenStates(toy, IndependentFeatures(5, SPARSITY, empty="omitted"))
    train(
        sae, states, n_steps=N_STEPS, batch_size=BATCH, progress=False,
        **FAST | {"learning_rate": RATE},
    )  # fmt: skip
    return time.perf_counter() - start, sae.W_dec.detach()


def found(toy: ReLUModel, decoders: torch.Tensor) -> int:
    """Return in how many dictionaries all five directions are matched to within 0.99."""
    cosine = scores.cosines(toy.W.detach(), decoders)
    latent = scores.match(cosine)
    best = cosine.gather(2, latent.clamp(min=0)[:, :, None])[:, :, 0]
    return int(((best >= 0.99) & (latent >= 0)).all(1).sum())


def main() -> None:
    """Train both, print a line for each."""
    parser = argparse.ArgumentParser(prog="python -m bench.dictionaries")
    parser.add_argument("--peer", required=True, help="a Python that has sae-lens")
    parser.add_argument("--seeds", type=int, default=N_SEEDS, help="how many the peer trains")
    options = parser.parse_args()
    torch.set_num_threads(1)
    toy = pentagon()
    seconds, decoders = ours(toy)
    print(f"ours: {seconds:.1f} s for {N_SEEDS}, all five in {found(toy, decoders)} of {N_SEEDS}")
    with tempfile.TemporaryDirectory() as folder:
        given, came = Path(folder) / "given.json", Path(folder) / "came.json"
        settings = {
            "W": toy.W[0].tolist(),
            "sparsity": SPARSITY,
            "batch": BATCH,
            "latents": N_LATENTS,
            "steps": N_STEPS,
            "rate": PEER_RATE,
            "seeds": list(range(options.seeds)),
        }
        given.write_text(json.dumps(settings), encoding="utf-8")
        (Path(folder) / "peer.py").write_text(PEER, encoding="utf-8")
        subprocess.run(
            [options.peer, str(Path(folder) / "peer.py"), str(given), str(came)],
            check=True, stdout=subprocess.DEVNULL, stderr=sys.stderr,
        )  # fmt: skip
        result = json.loads(came.read_text(encoding="utf-8"))
    theirs = sum(result["seconds"]) * N_SEEDS / options.seeds
    n_found = found(toy, torch.tensor(result["decoders"]))
    print(f"peer: {theirs:.1f} s for {N_SEEDS}, all five in {n_found} of {options.seeds}")
    print(f"ratio of times: {theirs / seconds:.1f}")


if __name__ == "__main__":
    main()
