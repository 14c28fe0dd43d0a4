"""A broken toyutils must not leave the claims standing: six faults, each turns five or more false.

Takes an hour on two cores, so it runs weekly. A claim that crashes counts for nothing.
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


def measured(folder, **environment):
    """Run all notebooks in kernels with the startup file; return {claim: result}."""
    shutil.copytree(STARTUP, folder / "ipython")
    environment = os.environ | environment | {
        "IPYTHONDIR": str(folder / "ipython"), "CLAIMS": str(folder / "claims"),
        "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--nbmake", "--nbmake-timeout=600", "notebooks"],
        cwd=ROOT, env=environment, capture_output=True,
    )  # fmt: skip
    files = sorted((folder / "claims").glob("*.json"))
    return {
        name: result
        for path in files
        for name, result in json.loads(path.read_text(encoding="utf-8")).items()
    }


@pytest.fixture(scope="module")
def sound(tmp_path_factory):
    return measured(tmp_path_factory.mktemp("sound"))


@pytest.mark.weekly
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_turns_claims_false(fault, sound, tmp_path):
    broken = measured(tmp_path, FAULT=fault)
    turned = [
        name
        for name, result in broken.items()
        if result.get("holds") is False and sound[name].get("holds")
    ]
    assert len(turned) >= 5, turned
