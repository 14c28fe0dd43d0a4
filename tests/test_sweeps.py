import linecache
import random
import runpy
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import pytest
import torch

from tests.sweep_points import dies_once, fails_on_three, logged, random_sum
from toyutils import sweeps
from toyutils.sweeps import product, side_by_side, sweep

ROOT = Path(__file__).parent.parent
GRID = product(n=[3, 50], seed=[0, 1, 2])


def sums(found):
    return [result["sum"].item() for result in found.results]


def processes():
    return ProcessPoolExecutor(2, mp_context=get_context("spawn"))


@pytest.fixture(scope="module")
def cluster():
    from distributed import Client, LocalCluster

    with (
        LocalCluster(
            n_workers=3, threads_per_worker=1, host="127.0.0.1", dashboard_address=None
        ) as local,
        Client(local) as client,
    ):
        yield client


def test_product_is_every_combination():
    assert product(a=[1, 2], b=["x"]) == [{"a": 1, "b": "x"}, {"a": 2, "b": "x"}]
    assert len(GRID) == 6


def test_results_keep_the_order_of_the_points():
    found = sweep(random_sum, GRID, progress=False)
    assert found.points == GRID
    assert [r["n"] for r in found.results] == [3, 3, 3, 50, 50, 50]
    assert found.computed == list(range(6))
    assert found.errors == {}


@pytest.mark.parametrize("make", [processes, lambda: ThreadPoolExecutor(2)])
def test_executors_give_the_same_numbers(tmp_path, make):
    alone = sweep(random_sum, GRID, progress=False)
    with make() as executor:
        together = sweep(random_sum, GRID, tmp_path, executor=executor, progress=False)
    assert sums(together) == sums(alone)
    assert len(list(tmp_path.glob("*.pt"))) == 6


def test_dask_gives_the_same_numbers(tmp_path, cluster):
    executor = cluster.get_executor()
    found = sweep(random_sum, GRID, tmp_path, executor=executor, progress=False)
    assert sums(found) == sums(sweep(random_sum, GRID, progress=False))
    again = sweep(random_sum, GRID, tmp_path, executor=executor, progress=False)
    assert again.computed == []


@pytest.mark.filterwarnings("ignore")  # Dask reports the worker's end
def test_dask_survives_the_death_of_a_worker(tmp_path, cluster):
    points = product(x=range(12), folder=[str(tmp_path)])
    before = set(cluster.scheduler_info()["workers"])
    found = sweep(
        dies_once, points, tmp_path / "results", executor=cluster.get_executor(), progress=False
    )
    assert found.errors == {}
    assert found.results == [x + 0.5 for x in range(12)]
    assert (tmp_path / "died").exists()
    assert set(cluster.scheduler_info()["workers"]) != before


def test_stored_points_are_read_and_not_computed(tmp_path):
    first = sweep(random_sum, GRID[:4], tmp_path, progress=False)
    both = sweep(random_sum, GRID, tmp_path, progress=False)
    assert first.computed == [0, 1, 2, 3]
    assert both.computed == [4, 5]
    assert sums(both)[:4] == sums(first)


def test_a_point_that_fails_loses_only_itself(tmp_path):
    points = product(x=[1, 2, 3, 4])
    with pytest.warns(UserWarning, match=r"1 of 4 points failed.*'x': 3.*three is not allowed"):
        found = sweep(fails_on_three, points, tmp_path, progress=False)
    assert found.results == [2, 4, None, 8]
    assert list(found.errors) == [2]
    assert "ValueError" in found.errors[2]
    with pytest.warns(UserWarning, match="three"):
        again = sweep(fails_on_three, points, tmp_path, progress=False)
    assert again.computed == []
    assert list(again.errors) == [2]


@pytest.mark.filterwarnings("ignore")
def test_a_dead_process_is_reported(tmp_path):
    points = product(x=range(4), folder=[str(tmp_path)])
    with processes() as executor:
        found = sweep(dies_once, points, tmp_path / "r", executor=executor, progress=False)
    assert found.errors
    assert "BrokenProcessPool" in found.errors[max(found.errors)]
    with processes() as executor:
        again = sweep(dies_once, points, tmp_path / "r", executor=executor, progress=False)
    assert again.errors == {}
    assert again.results == [0.5, 1.5, 2.5, 3.5]


@pytest.mark.parametrize("attempt", range(10))
def test_killed_at_any_moment_nothing_finished_is_lost(tmp_path, attempt):
    folder, log, n_points = tmp_path / "results", tmp_path / "log", 40
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.sweep_points", str(folder), str(log), str(n_points)],
        cwd=ROOT,
    )
    while not log.exists():
        assert process.poll() is None
        time.sleep(0.01)
    time.sleep(random.Random(attempt).uniform(0.0, 0.8))
    process.kill()
    process.wait()
    finished = len(list(folder.glob("*.pt")))
    started = log.read_text().split()
    assert finished in (len(started), len(started) - 1)
    points = product(x=range(n_points), log=[str(log)])
    found = sweep(logged, points, folder, progress=False)
    assert [r.tolist() for r in found.results] == [[x, x**2] for x in range(n_points)]
    assert len(found.computed) == n_points - finished
    all_starts = log.read_text().split()
    assert len(all_starts) - n_points == len(started) - finished  # only the one in flight, twice
    assert not list(folder.glob("*.pt.*"))


def test_bad_sweeps_are_refused(tmp_path):
    with pytest.raises(ValueError, match="twice"):
        sweep(random_sum, [GRID[0], GRID[0]], progress=False)
    with pytest.raises(TypeError, match="numbers, text or lists"):
        sweep(random_sum, [{"n": torch.ones(1), "seed": 0}], progress=False)
    sweep(random_sum, GRID[:1], tmp_path, progress=False)
    with pytest.raises(ValueError, match=r"holds results of .*random_sum"):
        sweep(fails_on_three, product(x=[1]), tmp_path, progress=False)


def test_a_half_written_file_is_no_result(tmp_path, monkeypatch):
    def interrupted(content, stream):
        stream.write(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(sweeps.torch, "save", interrupted)
    with pytest.raises(KeyboardInterrupt):
        sweep(random_sum, GRID[:1], tmp_path, progress=False)
    assert [path.name for path in tmp_path.iterdir()] == ["function.json"]


def test_side_by_side_lays_out_every_combination():
    rows = [torch.ones(3), 0.5 ** torch.arange(3.0)]
    grid = side_by_side(sparsity=[0.0, 0.5, 0.9, 0.99], importance=rows, n_seeds=5)
    assert grid.shape == (4, 2, 5)
    assert grid.n_instances == 40
    assert grid["sparsity"].shape == (40, 1)
    assert grid["importance"].shape == (40, 3)
    sparsity, importance = (grid.unflatten(grid[name]) for name in ("sparsity", "importance"))
    for i, value in enumerate([0.0, 0.5, 0.9, 0.99]):
        assert (sparsity[i] == value).all()
    for j, row in enumerate(rows):
        assert (importance[:, j] == row).all()


def test_results_come_back_in_the_shape_of_the_settings():
    grid = side_by_side(sparsity=torch.tensor([0.1, 0.2]), n_seeds=3)
    W = torch.arange(6.0)[:, None, None] * torch.ones(6, 2, 4)
    W.requires_grad_()
    assert grid.unflatten(W).shape == (2, 3, 2, 4)
    assert not grid.unflatten(W).requires_grad
    assert (grid.unflatten(W)[1, 0] == 3).all()
    records = torch.stack([W, 2 * W])
    assert grid.unflatten(records, dim=1).shape == (2, 2, 3, 2, 4)
    assert side_by_side(n_seeds=7).shape == (7,)


@pytest.mark.parametrize(
    ("settings", "error", "words"),
    [
        (dict(n_seeds=0), ValueError, "n_seeds is 0"),
        (dict(n_seeds=2.0), TypeError, r"n_seeds is 2\.0"),
        (dict(n_seeds=2, sparsity=[]), ValueError, r"sparsity is \[\]; give a list of numbers"),
        (dict(n_seeds=2, sparsity=0.9), TypeError, "sparsity is 0.9; give a list of numbers"),
        (dict(n_seeds=2, sparsity=torch.ones(2, 2, 2)), ValueError, "sparsity is tensor"),
    ],
)
def test_bad_settings_are_refused(settings, error, words):
    with pytest.raises(error, match=words):
        side_by_side(**settings)


def test_a_folder_knows_how_its_function_was_written(tmp_path):
    """Results of a function that was edited since are not passed off as its own."""
    module = tmp_path / "edited.py"
    for factor in (1, 2):
        module.write_text(f"def point(n):\n    return {factor} * n\n")
        linecache.clearcache()
        function = runpy.run_path(str(module), run_name="edited")["point"]
        if factor == 1:
            assert sweep(function, product(n=[1, 2]), tmp_path / "kept").results == [1, 2]
            assert sweep(function, product(n=[1, 2]), tmp_path / "kept").computed == []
        else:
            with pytest.raises(ValueError, match=r"not of edited\.point as it is now"):
                sweep(function, product(n=[1, 2]), tmp_path / "kept")
