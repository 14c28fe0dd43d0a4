"""Run one function over a grid of settings: in this process, in several, or on Dask.

Every finished point is a file of its own, written by whoever computed it. A sweep that was
killed therefore resumes where it stopped. Nothing here knows what a point computes.
"""

import hashlib
import itertools
import json
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
from tqdm.auto import tqdm


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
    and points already there are read, not computed. A folder belongs to one function.
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

    found = Sweep(points, [None] * len(points))
    todo = []
    for i, path in enumerate(paths):
        if path is not None and path.exists():
            found.results[i] = torch.load(path, weights_only=True)["result"]
        else:
            todo.append(i)
    bar = tqdm(total=len(points), initial=len(points) - len(todo), desc="sweep", unit="point",
               disable=not progress, leave=False)  # fmt: skip
    with bar:
        for i, result, error in _outcomes(function, points, paths, todo, executor):
            found.results[i] = result
            if error is None:
                found.computed.append(i)
            else:
                found.errors[i] = error
            bar.update()
    if found.errors:
        first = min(found.errors)
        warnings.warn(
            f"{len(found.errors)} of {len(points)} points failed, the first being "
            f"{points[first]}: {found.errors[first].splitlines()[-1]}. The others are kept; "
            "see `errors`, and call again to retry",
            stacklevel=2,
        )
    return found


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
    """Make the folder, or make sure that it is this function's."""
    folder.mkdir(parents=True, exist_ok=True)
    name = f"{function.__module__}.{function.__qualname__}"
    owner = folder / "function.txt"
    if owner.exists():
        if owner.read_text() != name:
            raise ValueError(
                f"folder {str(folder)!r} holds results of {owner.read_text()}, not of {name}; "
                "choose another folder"
            )
    else:
        owner.write_text(name)
    return folder
