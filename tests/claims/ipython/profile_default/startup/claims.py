"""Loaded by the kernels of `make test`: shift the seeds, and measure the claims at the end.

The notebook that runs is the learner's file, unchanged. SEED_SHIFT is added to every seed;
FAULT names what is broken on purpose (tests/claims/faults.py). CLAIMS is the folder into which
{id: result} goes when the kernel ends.
"""

import atexit
import json
import os
from pathlib import Path


def shift_seeds(shift):
    import numpy as np
    import torch

    class Shifted(torch.Generator):
        def manual_seed(self, seed):
            return super().manual_seed(seed + shift)

    torch.Generator = Shifted
    plain = np.random.default_rng
    np.random.default_rng = lambda seed=None: plain(seed if seed is None else seed + shift)


def measure_claims(run, folder):
    exercises = run.get("exercises")
    if exercises is None:
        return
    from toyutils import claims

    number = exercises.__name__[-2:]
    made = claims.of(number)
    if made is None:
        return
    results = {}
    for claim in made.all.values():
        try:
            results[claim.id] = vars(claim(run))
        except Exception as error:  # a claim that crashed is neither true nor false
            results[claim.id] = {"crashed": f"{type(error).__name__}: {error}"}
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{number}.json").write_text(json.dumps(results, indent=1), encoding="utf-8")


if os.environ.get("FAULT"):
    from tests.claims import faults

    faults.plant(os.environ["FAULT"])
if os.environ.get("SEED_SHIFT", "0") != "0":
    shift_seeds(int(os.environ["SEED_SHIFT"]))
if "CLAIMS" in os.environ:
    atexit.register(measure_claims, get_ipython().user_ns, Path(os.environ["CLAIMS"]))  # noqa: F821
