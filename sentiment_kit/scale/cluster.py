"""The parts of `bulk` on a cluster, or on one machine's cores, through Ray Data (extra `ray`).

Reading tasks, one a file, cut it into parts; an actor a GPU, or a group of cores, holds the model, scores a part at a
time and writes it where `bulk` would. What is written, and what a second run skips, is the same row for row. Every
machine must see inputs, output and model under the same paths.

A part travels as one row of bytes, so that Ray, which joins and splits rows as it likes, can do it no harm.
"""

from __future__ import annotations

import logging
import os
import pickle
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from ..errors import DataError, require_extra
from ..files.rows import Source
from ..model import SentimentModel
from .bulk import Job, Run, done_parts, missing_parts, score_part, write_part

CORES_PER_MODEL = 8
"""Cores of an actor without a GPU, where there are so many: more threads gain little on batches of tweets."""


def on_ray(address: str | None = None) -> Run:
    """What `bulk.score_files` takes as `run` to score the parts through Ray.

    Parameters
    ----------
    address : of a running cluster; None for one on this machine, for as long as this takes

    Notes
    -----
    A run raises `DataError` if Ray is not installed, no cluster is at the address, or it has no GPU for a model that is
    on one; with `strict`, for a row that cannot be read.
    """
    return partial(_score_on_ray, address=address)


def _score_on_ray(
    sources: list[Source], output: Path, model: SentimentModel, job: Job, bar: tqdm, *, address: str | None
) -> None:
    ray, started = _connected(address)
    try:
        files = [
            {"number": number, "source": pickle.dumps(source), "done": sorted(done_parts(output, number))}
            for number, source in enumerate(sources)
        ]
        loader = partial(model.loader, device=model.device.type)  # which card is Ray's to say
        nodes = [node["Resources"] for node in ray.nodes() if node["Alive"]]
        actors, resources, threads = _shares(nodes, model.device.type == "cuda")
        here = str(Path.cwd())
        parts = ray.data.from_items(files, override_num_blocks=len(files)).flat_map(
            # Reading waits for disks more than it computes, and must not wait for a core that the models hold.
            _read_parts,
            fn_args=(job, here),
            num_cpus=0,
        )
        written = parts.map_batches(
            _Scorer,
            fn_constructor_args=(loader, job, output.absolute(), threads, here),
            batch_size=1,
            compute=ray.data.ActorPoolStrategy(size=actors),
            **resources,  # an actor that dies is started anew, and its part done again, by Ray's default
        )
        for part in written.iter_rows():
            bar.update(int(part["rows"]))
            bar.set_postfix_str(str(part["name"]))
    except ray.exceptions.RayTaskError as error:
        cause = error.cause if isinstance(error.cause, Exception) else error
        if isinstance(cause, DataError):
            raise DataError(str(cause)) from error
        raise
    finally:
        if started:
            ray.shutdown()


def _connected(address: str | None) -> tuple[Any, bool]:
    """Ray, and whether it was connected here: a session that was there before is used, and left."""
    os.environ.setdefault("RAY_BACKEND_LOG_LEVEL", "fatal")
    require_extra("ray", "ray", "the engine ray needs")
    import ray
    import ray.data

    started = not ray.is_initialized()
    if not started and address is not None:
        raise DataError(f"Ray is connected already in this process; leave the address {address!r} out, or disconnect")
    try:
        if started:
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise DataError(f"no Ray cluster at {address!r} ({error!s:.200}); start one, or leave --address out") from error
    context = ray.data.DataContext.get_current()
    context.enable_progress_bars = False
    logging.getLogger("ray.data").setLevel(logging.ERROR)
    return ray, started


def _shares(nodes: list[dict[str, float]], on_gpu: bool) -> tuple[int, dict[str, int], int]:
    """How many actors, what each asks of Ray, and its threads, from what each machine has.

    Raises
    ------
    DataError
        Models for a GPU, and no machine has one: Ray would wait for one for ever.
    """
    cores = [int(node.get("CPU", 0)) for node in nodes]
    if on_gpu:
        gpus = sum(int(node.get("GPU", 0)) for node in nodes)
        if gpus == 0:
            raise DataError('the model is on cuda, but no machine of the cluster has a GPU; load it with device="cpu"')
        return gpus, {"num_gpus": 1, "num_cpus": 1}, max(1, sum(cores) // gpus)
    # An actor fits on the smallest machine. One core of it is left to Ray's own tasks; the threads use it all the same.
    smallest = max(1, min((count for count in cores if count), default=1))
    size = min(CORES_PER_MODEL, smallest)
    return sum(count // size for count in cores) or 1, {"num_cpus": max(1, size - 1)}, size


def _read_parts(file: dict[str, Any], job: Job, here: str) -> Iterator[dict[str, Any]]:
    """The parts of one file that are missing, each as one row of bytes; `here` is where relative paths begin."""
    os.chdir(here)
    source = pickle.loads(file["source"])
    for name, part in missing_parts(source, file["number"], set(file["done"]), job):
        yield {"name": name, "part": pickle.dumps((part, source))}


class _Scorer:
    """An actor with a model of its own."""

    def __init__(self, loader: Callable[[], SentimentModel], job: Job, output: Path, threads: int, here: str) -> None:
        os.chdir(here)
        torch.set_num_threads(threads)
        self._model, self._job, self._output = loader(), job, output

    def __call__(self, batch: dict[str, Any]) -> dict[str, list]:
        name, (part, source) = str(batch["name"][0]), pickle.loads(batch["part"][0])
        write_part(self._output, name, score_part(self._model, self._job, part), part, source)
        return {"name": [name], "rows": [len(part.table) + len(part.rejected)]}
