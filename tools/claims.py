"""Measure every claim under many sets of seeds: `python tools/claims.py [--seeds 10] [--jobs 2]`.

Each notebook runs once for every set of seeds, as the learner's file. A run that was killed
resumes: every notebook and set of seeds is a file of its own in `--folder`. Prints a line for each
claim, with the number of sets of seeds under which it holds.
"""

import argparse
import hashlib
import json
import os
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import notebooks  # noqa: E402
from toyutils import claims  # noqa: E402
from toyutils.sweeps import product, sweep  # noqa: E402

STEP = 1009  # from one set of seeds to the next: a prime far above any seed of a notebook


def measured(number: str, seeds: int, content: str) -> dict:
    """Run notebook `number` with its seeds shifted; return {claim: result} as its kernel ends.

    `content` only tells one state of the project from another.
    """
    [path] = [path for path in notebooks.notebook_paths() if path.name.startswith(number)]
    with tempfile.TemporaryDirectory() as folder:
        ipython = shutil.copytree(ROOT / "tests/claims/ipython", Path(folder) / "ipython")
        environment = os.environ | {
            "IPYTHONDIR": str(ipython), "CLAIMS": folder, "SEED_SHIFT": str(STEP * seeds),
            "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        client = NotebookClient(
            notebooks.read(path), timeout=900, kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )  # fmt: skip
        client.execute(env=environment)
        return json.loads((Path(folder) / f"{number}.json").read_text(encoding="utf-8"))


def content_of(number: str) -> str:
    """Return a digest of the notebook, its claims and the package: what a result depends on."""
    files = [*sorted((ROOT / "toyutils").rglob("*.py")), *(ROOT / "notebooks").glob(f"{number}_*")]
    digest = hashlib.sha256()
    for path in files:
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


def verdicts(runs: list[dict]) -> list[str]:
    """Return a line for each claim: in how many runs it holds, fails or crashes, and its values."""
    lines = []
    for name in runs[0]:
        results = [run[name] for run in runs]
        held = sum(bool(result.get("holds")) for result in results)
        crashed = sum("crashed" in result for result in results)
        values = ", ".join(result.get("shown", "crashed") for result in results)
        crashes = f", crashed in {crashed}" if crashed else ""
        lines.append(f"{name}: holds in {held} of {len(runs)}{crashes} ({values})")
    return lines


def main(arguments=None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10, help="how many sets of seeds")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes side by side")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/claims-many")
    parser.add_argument("numbers", nargs="*", help="notebooks, such as 03 05; all by default")
    options = parser.parse_args(arguments)
    points = [
        point | {"content": content_of(point["number"])}
        for point in product(number=options.numbers or claims.numbers(), seeds=range(options.seeds))
    ]
    with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
        swept = sweep(measured, points, options.folder, executor=executor)
    for number in dict.fromkeys(point["number"] for point in points):
        runs = [
            result
            for point, result in zip(points, swept.results, strict=True)
            if point["number"] == number and result is not None
        ]
        print("\n".join(verdicts(runs) if runs else [f"{number}: no run came to its end"]))
    return 1 if swept.errors else 0


if __name__ == "__main__":
    # By its name as a module, so that processes of the pool find the function.
    from tools.claims import main as main_by_name

    sys.exit(main_by_name())
