"""A broken toyutils must not leave the claims standing: six faults, each turns eight or more false.

Each fault is planted where it shows first, in a notebook that takes seconds. A claim that crashed
counts for nothing. Some minutes in all, so weekly.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.claims.faults import FAULTS

ROOT = Path(__file__).parents[2]
STARTUP = Path(__file__).parent / "ipython"
SHOWS_IN = {
    "bias_left_out": ["00"],
    "one_mask_per_batch": ["02"],
    "no_cross_terms": ["00"],
    "density_for_sparsity": ["00"],
    "importance_ignored": ["00", "01"],
    "untied": ["00"],
}


def measured(number, folder, fault=""):
    """Run a notebook in a kernel with the fault planted; return {claim: result}."""
    shutil.copytree(STARTUP, folder / "ipython")
    environment = os.environ | {
        "IPYTHONDIR": str(folder / "ipython"), "CLAIMS": str(folder / "claims"),
        "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1", "FAULT": fault,
    }  # fmt: skip
    [notebook] = (ROOT / "notebooks").glob(f"{number}_*.ipynb")
    run = [sys.executable, "-m", "pytest", "-q", "--nbmake", "--nbmake-timeout=600", str(notebook)]
    subprocess.run(run, cwd=ROOT, env=environment, capture_output=True)
    return json.loads((folder / "claims" / f"{number}.json").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    needed = {number for numbers in SHOWS_IN.values() for number in numbers}
    return {number: measured(number, tmp_path_factory.mktemp(number)) for number in sorted(needed)}


def test_every_fault_has_its_notebooks():
    assert set(SHOWS_IN) == set(FAULTS)


@pytest.mark.weekly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_claims_false(fault, sound, tmp_path):
    turned = []
    for number in SHOWS_IN[fault]:
        (tmp_path / number).mkdir()
        for name, broken in measured(number, tmp_path / number, fault).items():
            if sound[number][name]["holds"] and broken.get("holds") is False:
                turned.append(name)
    print(f"{fault}: {len(turned)} claims turn false: {', '.join(turned)}")
    assert len(turned) >= 8, turned
