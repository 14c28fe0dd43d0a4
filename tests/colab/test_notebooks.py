"""Every notebook, alone in an empty folder, with the toyutils that the set-up cell installs."""

import pytest

from tools import notebooks

PATHS = notebooks.notebook_paths()
# Every push: between them they use all kinds of figures and widgets. The others run weekly.
OFTEN = {"00", "01", "05", "10", "11", "13", "16"}


@pytest.mark.parametrize(
    "path",
    [
        pytest.param(
            path,
            id=path.stem,
            marks=() if path.name[:2] in OFTEN else pytest.mark.weekly,
        )
        for path in PATHS
    ],
)
def test_runs_to_its_end(path, colab):
    notebook = notebooks.read(path)
    colab.execute(notebook, timeout=300)
    assert list(colab.folder.iterdir()) == []
    for cell in notebook.cells:
        for output in cell.get("outputs", []):
            forms = set(output.get("data", {}))
            if "application/vnd.plotly.v1+json" in forms:
                assert {"text/html", "image/svg+xml", "text/plain"} <= forms
