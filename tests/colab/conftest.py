"""Only for the environment that stands for Colab: it holds no toyutils, and tests install it."""

import os
import subprocess
import sys
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

import pytest
from nbclient import NotebookClient

from tools import notebooks

if metadata.version("plotly") != "5.24.1":  # any other environment: `make test-colab` makes ours
    collect_ignore_glob = ["*"]

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Colab:
    """A stand-in for Colab: an empty folder to work in, and what the environment says."""

    folder: Path
    environment: dict[str, str]

    def reaching(self, place) -> "Colab":
        """Return the same, where git looks for the project's repository at `place`."""
        git = {
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{place}.insteadOf",
            "GIT_CONFIG_VALUE_0": notebooks.home()["repository"],
        }
        return Colab(self.folder, self.environment | git)

    def run(self, *command) -> str:
        """Run a command there; return what it says."""
        return subprocess.run(
            command, cwd=self.folder, env=self.environment, check=True, capture_output=True,
            text=True,
        ).stdout  # fmt: skip

    def execute(self, notebook, timeout) -> None:
        """Run a notebook there, in place; no cell may take more than `timeout` seconds."""
        client = NotebookClient(
            notebook, timeout=timeout, kernel_name="python3",
            resources={"metadata": {"path": str(self.folder)}},
        )  # fmt: skip
        client.execute(env=self.environment)

    def pip(self, *arguments) -> str:
        return self.run(sys.executable, "-m", "pip", *arguments)


@pytest.fixture(scope="session")
def repository(tmp_path_factory):
    """A bare repository with one commit: the working tree as it is, less what git ignores."""
    return bare_repository(tmp_path_factory.mktemp("repository"), ROOT)


@pytest.fixture(scope="session")
def colab(repository, tmp_path_factory):
    """Colab, with a network on which only `repository` answers."""
    binaries = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    says = {"COLAB_RELEASE_TAG": "release-colab", "PATH": binaries, "GIT_TERMINAL_PROMPT": "0"}
    kept = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    return Colab(tmp_path_factory.mktemp("content"), kept | says).reaching(repository)


def bare_repository(folder: Path, tree: Path) -> Path:
    """Make a repository in `folder` with one commit that holds the files of `tree`."""
    git = ["git", f"--git-dir={folder}", f"--work-tree={tree}", "-c", "user.name=test",
           "-c", "user.email=test@localhost"]  # fmt: skip
    subprocess.run(["git", "init", "-q", "--bare", "-b", "main", folder], check=True)
    subprocess.run([*git, "add", "--all"], check=True, cwd=tree)
    subprocess.run([*git, "commit", "-q", "-m", "the working tree"], check=True, cwd=tree)
    return folder
