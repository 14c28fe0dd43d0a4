"""Measure every claim under several sets of seeds, and keep the evidence.

    python tools/claims.py [--seeds 3] [--first 0] [--jobs 2 | --dask ADDRESS] [03 05 ...]
    python tools/claims.py recall FOLDER    put kept results that still fit into FOLDER/<shift>
    python tools/claims.py missing FOLDER SHIFT    name the notebooks without a result there
    python tools/claims.py gather FOLDER    keep what `make test` left in FOLDER/<shift>

Each notebook runs once for every set of seeds, as the learner's file. A run that was killed
resumes: every notebook and set of seeds is a file of its own in `--folder`. With `--dask` the
workers of that scheduler run them; they must see this folder by the same path. What came out goes
to `book/evidence.json`, with a certificate: commit, versions, machine, seconds, a digest of the
results and one of what they depend on. `make test` measures again only where the latter no longer
fits.
"""

import argparse
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from importlib.metadata import version
from multiprocessing import get_context
from pathlib import Path

from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from tools import notebooks  # noqa: E402
from toyutils import claims  # noqa: E402
from toyutils.sweeps import product, sweep  # noqa: E402

STEP = 1009  # from one set of seeds to the next: a prime far above any seed of a notebook
EVIDENCE = ROOT / "book/evidence.json"
# What no result depends on: how things look, and what checks a learner's answers.
NO_RESULTS = ("plots", "live", "exercises")


def path_of(number: str) -> Path:
    """Return the file of notebook `number`."""
    [path] = [path for path in notebooks.notebook_paths() if path.name.startswith(number)]
    return path


def meaning(code: str) -> str:
    """Return code without the lines that only a reader needs: comments and blank ones."""
    kept = (line.rstrip() for line in code.splitlines())
    return "\n".join(line for line in kept if line and not line.lstrip().startswith("#"))


def modules_of(code: str) -> list[Path]:
    """Return the files of the package that `code` imports, directly or through each other."""
    package, seen, todo = ROOT / "toyutils", {}, [code]
    while todo:
        text = todo.pop()
        names = set(re.findall(r"toyutils\.(\w+)", text))
        for listed in re.findall(r"from toyutils import ([\w, ]+)", text):
            names |= set(listed.replace(" ", "").split(","))
        for name in names - set(seen) - {*NO_RESULTS, "claims"}:
            path = package / f"{name}.py"
            if path.exists():
                seen[name] = path
                todo.append(path.read_text(encoding="utf-8"))
    return [seen[name] for name in sorted(seen)]


def content_of(number: str) -> str:
    """Return a digest of what a result depends on: the notebook's code, its claims, the package.

    Of the package that is what they import, how things look and how answers are checked apart.
    """
    cells = [
        meaning(cell.source)
        for cell in notebooks.read(path_of(number)).cells
        if cell.cell_type == "code" and "setup" not in notebooks.tags(cell)
    ]
    claimed = [ROOT / "toyutils/claims/__init__.py", ROOT / f"toyutils/claims/nb{number}.py"]
    code = "\n".join([*cells, *(path.read_text(encoding="utf-8") for path in claimed)])
    digest = hashlib.sha256("\n".join(cells).encode())
    for path in [*modules_of(code), *claimed]:
        digest.update(meaning(path.read_text(encoding="utf-8")).encode())
        for stored in sorted(path.parent.glob(f"{path.stem}*.npz")):
            digest.update(stored.read_bytes())
    return digest.hexdigest()[:16]


def measured(number: str, seeds: int, content: str) -> dict:
    """Run notebook `number` with its seeds shifted; return {claim: result} as its kernel ends.

    `content` only tells one state of the project from another.
    """
    path = path_of(number)
    with tempfile.TemporaryDirectory() as folder:
        ipython = shutil.copytree(ROOT / "tests/claims/ipython", Path(folder) / "ipython")
        environment = os.environ | {
            "IPYTHONDIR": str(ipython), "CLAIMS": folder, "SEED_SHIFT": str(STEP * seeds),
            "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
        }  # fmt: skip
        client = NotebookClient(
            notebooks.read(path), timeout=900, startup_timeout=300, kernel_name="python3",
            resources={"metadata": {"path": str(path.parent)}},
        )  # fmt: skip
        client.execute(env=environment)
        return json.loads((Path(folder) / f"{number}.json").read_text(encoding="utf-8"))


def lines(number: str, runs: dict[int, dict]) -> list[str]:
    """Return a line for each claim: in how many runs it holds, fails or crashes, and its values."""
    told = []
    for name in claims.of(number).all:
        results = [run.get(name, {"crashed": "not measured"}) for run in runs.values()]
        held = sum(bool(result.get("holds")) for result in results)
        crashed = sum("crashed" in result for result in results)
        values = ", ".join(result.get("shown", "crashed") for result in results)
        crashes = f", crashed in {crashed}" if crashed else ""
        told.append(f"{name}: holds in {held} of {len(runs)}{crashes} ({values})")
    return told


def certificate(seconds: float, jobs: int) -> dict:
    """Return where, when and with what the evidence was made."""
    commit = subprocess.run(
        ["git", "describe", "--always", "--dirty"], cwd=ROOT, capture_output=True, text=True
    ).stdout.strip()
    return {
        "commit": commit or "unknown",
        "date": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": f"{os.cpu_count()} cores, {platform.machine()}, {platform.system()}",
        "versions": {"python": platform.python_version()}
        | {name: version(name) for name in ("torch", "numpy")},
        "seconds": round(seconds),
        "processes": jobs,
    }


def digest_of(seeds: dict) -> str:
    """Return a digest of the results of one notebook, by which an edit by hand is noticed."""
    return hashlib.sha256(json.dumps(seeds, sort_keys=True).encode()).hexdigest()[:16]


def kept() -> dict:
    """Return the evidence that is kept, {number: {content, certificate, seeds: {shift: …}}}."""
    if not EVIDENCE.exists():
        return {}
    return json.loads(EVIDENCE.read_text(encoding="utf-8"))


def keep(number: str, content: str, runs: dict[int, dict], made: dict) -> None:
    """Put the results of one notebook into the evidence, a line for each claim and set of seeds."""
    evidence = kept()
    seeds = {str(STEP * k): results for k, results in sorted(runs.items())}
    old = evidence.get(number, {})
    if old.get("content") == content:
        seeds = old["seeds"] | seeds
    made = made | {"data": digest_of(seeds)}
    evidence[number] = {"content": content, "certificate": made, "seeds": seeds}
    rows = []
    for name, entry in sorted(evidence.items()):
        shifts = [
            f'   "{shift}": {{\n'
            + ",\n".join(f'    "{k}": {json.dumps(v)}' for k, v in results.items())
            + "\n   }"
            for shift, results in sorted(entry["seeds"].items(), key=lambda item: int(item[0]))
        ]
        rows.append(
            f' "{name}": {{\n  "content": "{entry["content"]}",\n'
            f'  "certificate": {json.dumps(entry["certificate"])},\n'
            '  "seeds": {\n' + ",\n".join(shifts) + "\n  }\n }"
        )
    text = "{\n" + ",\n".join(rows) + "\n}\n"
    partial = EVIDENCE.with_suffix(".partial")
    partial.write_text(text, encoding="utf-8")
    partial.replace(EVIDENCE)


def recall(folder: Path) -> None:
    """Write the kept results that still fit to `folder`/<shift>/<number>.json."""
    for number, entry in kept().items():
        if number in claims.numbers() and entry["content"] == content_of(number):
            for shift, results in entry["seeds"].items():
                if shift == "0":  # the learner's own seeds are measured, not recalled
                    continue
                path = folder / shift / f"{number}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(results, indent=1), encoding="utf-8")


def gather(folder: Path) -> None:
    """Keep the results that a run of all notebooks left in `folder`/<shift>/<number>.json."""
    written = [path.stat().st_mtime for path in folder.glob("*/*.json")]
    made = certificate(max(written) - min(written), 2)
    for number in claims.numbers():
        runs = {
            int(path.parent.name) // STEP: json.loads(path.read_text(encoding="utf-8"))
            for path in folder.glob(f"*/{number}.json")
        }
        if runs:
            keep(number, content_of(number), runs, made)


def missing(folder: Path, shift: str) -> list[Path]:
    """Return the notebooks that have no result for this shift of seeds in `folder`."""
    return [
        path_of(number)
        for number in claims.numbers()
        if not (folder / shift / f"{number}.json").exists()
    ]


@contextmanager
def workers(options):
    """Give what runs the notebooks, processes here or a cluster's workers, and how many."""
    if options.dask is None:
        with ProcessPoolExecutor(options.jobs, mp_context=get_context("spawn")) as executor:
            yield executor, options.jobs
        return
    from distributed import Client  # takes a second, and only a cluster needs it

    with Client(options.dask) as client:
        yield client.get_executor(), sum(client.ncores().values())


def measure(options) -> int:
    """Measure, print a line for each claim, and keep the evidence."""
    seeds = range(options.first, options.first + options.seeds)
    points = [
        point | {"content": content_of(point["number"])}
        for point in product(number=options.numbers or claims.numbers(), seeds=seeds)
    ]
    start = time.monotonic()
    with workers(options) as (executor, jobs):
        swept = sweep(measured, points, options.folder, executor=executor)
    made = certificate(time.monotonic() - start, jobs)
    for number in dict.fromkeys(point["number"] for point in points):
        runs = {
            point["seeds"]: result
            for point, result in zip(points, swept.results, strict=True)
            if point["number"] == number and result is not None
        }
        print("\n".join(lines(number, runs) if runs else [f"{number}: no run came to its end"]))
        if runs and not options.dry:
            keep(number, content_of(number), runs, made)
    return 1 if swept.errors else 0


def main(arguments=None) -> int:
    arguments = sys.argv[1:] if arguments is None else arguments
    if arguments[:1] == ["recall"]:
        recall(Path(arguments[1]))
        return 0
    if arguments[:1] == ["gather"]:
        gather(Path(arguments[1]))
        return 0
    if arguments[:1] == ["missing"]:
        print(*missing(Path(arguments[1]), arguments[2]))
        return 0
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3, help="how many sets of seeds")
    parser.add_argument(
        "--first", type=int, default=0, help="the first of them; the notebook's own is 0"
    )
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="processes side by side")
    parser.add_argument("--dask", help="address of a Dask scheduler, such as tcp://host:8786")
    parser.add_argument("--folder", type=Path, default=ROOT / "build/claims-many")
    parser.add_argument("--dry", action="store_true", help="print only; keep the evidence as it is")
    parser.add_argument("numbers", nargs="*", help="notebooks, such as 03 05; all by default")
    return measure(parser.parse_args(arguments))


if __name__ == "__main__":
    # By its name as a module, so that processes of the pool find the function.
    from tools.claims import main as main_by_name

    sys.exit(main_by_name())
