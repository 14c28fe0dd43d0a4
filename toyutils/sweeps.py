"""Settings × seeds: side by side in one call of `train`, or as points over many processes.

`side_by_side` lays out instances of one model. `sweep` runs one function over a grid of
settings: in this process, in several, or on Dask. Every finished point is a file of its own,
written by whoever computed it, so a sweep that was killed resumes where it stopped. Nothing
here knows what a point computes.
"""

import hashlib
import inspect
import itertools
import json
import math
import os
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from tqdm.auto import tqdm

from toyutils import arguments


@dataclass(frozen=True)
class Grid:
    """Lay settings and seeds side by side, as instances of one model.

    `shape` is (number of values of each setting, …, seed); the last varies fastest.
    `grid["sparsity"]` is a setting for each instance, (instance, 1), or (instance, feature)
    where its values are rows.
    """

    shape: tuple[int, ...]
    settings: dict[str, Tensor]

    @property
    def n_instances(self) -> int:
        """Return how many models train side by side."""
        return math.prod(self.shape)

    def __getitem__(self, name: str) -> Tensor:
        """Return the setting `name` of every instance."""
        return self.settings[name]

    def unflatten(self, result: Tensor, dim: int = 0) -> Tensor:
        """Return a result whose dimension `dim` is the instance, with `shape` in its place."""
        return result.detach().unflatten(dim, self.shape)


def side_by_side(*, n_seeds: int, **settings: Sequence) -> Grid:
    """Return every combination of the settings' values, `n_seeds` times each.

    A setting is a list or tensor of numbers, or of rows (feature,), such as an importance for
    each feature. `n_instances` of the result sizes the model, `grid["sparsity"]` goes into the
    features, and `unflatten` gives weights and losses the shape (setting, …, seed, …).

    Raises TypeError or ValueError when `n_seeds` is not a positive whole number, or a setting
    holds no value or something else than numbers or rows.
    """
    arguments.check_count("n_seeds", n_seeds)
    values = {}
    for name, given in settings.items():
        if not isinstance(given, Tensor | Sequence) or isinstance(given, str):
            raise TypeError(f"{name} is {given!r}; give a list of numbers, or of rows")
        rows = given if isinstance(given, Tensor) else [torch.as_tensor(v) for v in given]
        rows = rows if isinstance(rows, Tensor) or not rows else torch.stack(rows)
        if len(rows) == 0 or rows.ndim > 2:
            raise ValueError(f"{name} is {given!r}; give a list of numbers, or of rows")
        rows = rows if rows.is_floating_point() else rows.float()
        values[name] = rows if rows.ndim == 2 else rows[:, None]
    shape = (*(len(rows) for rows in values.values()), n_seeds)
    place = torch.cartesian_prod(*(torch.arange(size) for size in shape))
    place = place.reshape(-1, len(shape))
    return Grid(shape, {name: rows[place[:, k]] for k, (name, rows) in enumerate(values.items())})


@dataclass
class Sweep:
    """Hold what a sweep found: `points`, their `results` in the same order, and `errors`.

    `results[i]` is None where point i failed; `errors` {i: message} says why. `computed`
    lists the points that were computed now and not read from disk.
    """

    points: list[dict]
    results: list[Any]
    errors: dict[int, str] = field(default_factory=dict)
    computed: list[int] = field(default_factory=list)


def product(**values: Iterable) -> list[dict]:
    """Return every combination of `values` as a list of points, the last name fastest."""
    return [
        dict(zip(values, combination, strict=True))
        for combination in itertools.product(*values.values())
    ]


def sweep(
    function: Callable,
    points: Sequence[Mapping],
    folder: str | os.PathLike | None = None,
    *,
    executor: Executor | None = None,
    progress: bool = True,
) -> Sweep:
    """Return `function(**point)` for every point, each computed once.

    `points` are mappings of argument names to numbers, text or lists of these; `product`
    makes a grid. `function` returns tensors, numbers, text, or lists and dicts of these; with
    the same arguments it should return the same numbers, so a point carries its seed.

    With a `folder`, each result is written there as soon as it is known, in one atomic step,
    and points already there are read, not computed. A folder belongs to one function, and to how
    it is written: after an edit it is refused.
    `executor` is any `concurrent.futures.Executor` (the function must then be importable by
    its processes), or Dask's, from `Client.get_executor()`; a folder must be one that all
    workers see. By default the points are computed here, one after the other.

    A point that fails does not stop the others: it is reported in `errors` and in a warning,
    and tried again by the next sweep. Interrupting loses only the points in flight.

    Raises ValueError when two points are equal, or the folder belongs to another function;
    TypeError when a point cannot be written as JSON.
    """
    points = [dict(point) for point in points]
    keys = [_key(point) for point in points]
    if len(set(keys)) < len(keys):
        twice = next(p for p, key in zip(points, keys, strict=True) if keys.count(key) > 1)
        raise ValueError(f"points holds {twice} twice; every point must differ")
    paths = [None] * len(points)
    if folder is not None:
        folder = _claim(Path(folder), function)
        paths = [folder / f"{key}.pt" for key in keys]

    swept = Sweep(points, [None] * len(points))
    todo = []
    for i, path in enumerate(paths):
        if path is not None and path.exists():
            swept.results[i] = torch.load(path, weights_only=True)["result"]
        else:
            todo.append(i)
    bar = tqdm(total=len(points), initial=len(points) - len(todo), desc="sweep", unit="point",
               disable=not progress, leave=False)  # fmt: skip
    with bar:
        for i, result, error in _outcomes(function, points, paths, todo, executor):
            swept.results[i] = result
            if error is None:
                swept.computed.append(i)
            else:
                swept.errors[i] = error
            bar.update()
    if swept.errors:
        first = min(swept.errors)
        warnings.warn(
            f"{len(swept.errors)} of {len(points)} points failed, the first being "
            f"{points[first]}: {swept.errors[first].splitlines()[-1]}. The others are kept; "
            "see `errors`, and call again to retry",
            stacklevel=2,
        )
    return swept


def _outcomes(function, points, paths, todo, executor):
    """Yield (index, result, error) as the points of `todo` come in."""
    if executor is None:
        for i in todo:
            yield (i, *_compute(function, points[i], paths[i]))
        return
    futures = {executor.submit(_compute, function, points[i], paths[i]): i for i in todo}
    for future in as_completed(futures):
        try:
            result, error = future.result()
        except Exception as lost:  # the worker died, or the result could not be sent
            result, error = None, f"{type(lost).__name__}: {lost}"
        yield futures[future], result, error


def _compute(function, point, path):
    """Compute one point and write it; return its result, or the error as text."""
    try:
        result = function(**point)
        if path is not None:
            _write(path, {"point": point, "result": result})
        return result, None
    except Exception:
        return None, traceback.format_exc().strip()


def _write(path: Path, content) -> None:
    """Write so that `path` is either whole or absent, whenever the process ends."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".part-")
    try:
        with os.fdopen(handle, "wb") as stream:
            torch.save(content, stream)
            stream.flush()
            os.fsync(stream.fileno())
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _key(point: dict) -> str:
    try:
        text = json.dumps(point, sort_keys=True)
    except TypeError as error:
        raise TypeError(
            f"points holds {point}; arguments must be numbers, text or lists of these ({error})"
        ) from None
    return hashlib.sha256(text.encode()).hexdigest()[:24]


def _claim(folder: Path, function) -> Path:
    """Make the folder, or make sure that it is this function's, as it is written now."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{function.__module__}.{function.__qualname__}"
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError):  # typed into a prompt
        source = ""
    owner = {"function": name, "source": hashlib.sha256(source.encode()).hexdigest()}
    path = folder / "function.json"
    if not path.exists():
        path.write_text(json.dumps(owner), encoding="utf-8")
        return folder
    other = json.loads(path.read_text(encoding="utf-8"))
    if other != owner:
        what = name if other["function"] != name else f"{name} as it is now"
        raise ValueError(
            f"folder {str(folder)!r} holds results of {other['function']}, not of {what}; "
            "choose another folder"
        )
    return folder
