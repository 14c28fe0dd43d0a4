"""The set-up cell as stored: it adds toyutils and nothing else, and fails in one sentence."""

import re
import shutil
import sys

import nbformat
import pytest

from tests.colab.conftest import ROOT, bare_repository
from tools import notebooks

SENTENCE = "toyutils is missing. With a network and Python 3.11 or newer, run this again.\n"


@pytest.fixture(autouse=True)
def without_toyutils(colab):
    colab.pip("uninstall", "--yes", "--quiet", "toyutils")


def run_setup(colab) -> str:
    """Run the set-up cell in a kernel there; return what it prints."""
    [cell] = [
        cell
        for cell in notebooks.read(notebooks.notebook_paths()[0]).cells
        if "setup" in notebooks.tags(cell)
    ]
    colab.execute(nbformat.v4.new_notebook(cells=[cell]), timeout=120)
    assert all(output.output_type == "stream" for output in cell.outputs), cell.outputs
    said = "".join(output.text for output in cell.outputs)
    return re.sub(r"\x1b\[\d*m|\r", "", said)  # colours, and a terminal's ends of lines


def test_without_a_network_one_sentence_says_so(colab):
    assert run_setup(colab.reaching("http://127.0.0.1:9/nothing")) == SENTENCE


def test_with_a_wrong_address_one_sentence_says_so(colab, tmp_path):
    assert run_setup(colab.reaching(tmp_path / "nothing")) == SENTENCE


def test_with_an_old_python_pip_and_one_sentence_say_so(colab, tmp_path):
    tree = tmp_path / "tree"
    shutil.copytree(ROOT / "toyutils", tree / "toyutils")
    project = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    newer = f'">=3.{sys.version_info.minor + 1}"'
    assert '">=3.11"' in project
    (tree / "pyproject.toml").write_text(project.replace('">=3.11"', newer), encoding="utf-8")
    (tmp_path / "bare").mkdir()
    said = run_setup(colab.reaching(bare_repository(tmp_path / "bare", tree)))
    by_pip, sentence = said.splitlines(keepends=True)
    assert "'toyutils' requires a different Python" in by_pip
    assert sentence == SENTENCE


def test_setup_adds_toyutils_and_changes_nothing(colab):
    """Last: the notebooks, tested next, use what this has installed."""
    before = set(colab.pip("freeze").splitlines())
    assert run_setup(colab) == ""
    after = set(colab.pip("freeze").splitlines())
    assert before <= after
    [added] = after - before
    assert added.startswith("toyutils @ git+")
    place = colab.run(sys.executable, "-c", "import toyutils; print(toyutils.__file__)")
    assert "site-packages" in place
    # A second run, as after a restart of the kernel, is just as quiet.
    assert run_setup(colab) == ""
    assert set(colab.pip("freeze").splitlines()) == after
