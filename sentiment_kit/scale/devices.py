"""Texts in memory on several devices of one machine: a process each, with a model of its own."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from typing import Any

import pandas as pd
import torch

from ..cleaning import iter_texts
from ..errors import ModelError
from ..inference import predict, text_column
from ..model import SentimentModel

__all__ = ["predict_on_devices"]


def predict_on_devices(
    model: SentimentModel, texts: Any, devices: Sequence[str], *, progress: bool | None = None, **options: Any
) -> pd.DataFrame:
    """`predict` by one process a device, which takes its part of the texts.

    Each loads the model anew by its name, so it must still be where it was. That takes some seconds, so it is for many
    texts. On processors each gets its part of the cores. A script that does this needs the usual
    `if __name__ == "__main__":`.

    Parameters
    ----------
    model : SentimentModel
    texts : str or iterable of str
        As for `predict`.
    devices : sequence of str
        Say `["cuda:0", "cuda:1"]`.
    progress : bool, optional
        As for `predict`; the bar is that of the first device.
    **options : Any
        `clean` and `batch_size`, as for `predict`; what cleans goes to other processes, so it is no lambda.

    Returns
    -------
    DataFrame
        What `predict` returns.

    Raises
    ------
    TypeError
        As `predict`.
    ValueError
        As `predict`; `devices` that are no list of names.
    ModelError
        As `predict`; a device that is not on this machine; a process that died.
    """
    if isinstance(devices, str) or not devices:
        raise ValueError(f'devices must be a list such as ["cuda:0", "cuda:1"], but {devices!r} was passed')
    _check_present(devices)
    column = text_column(texts)
    which, distinct = pd.factorize(pd.Series(list(iter_texts(column)), dtype=object))
    rows = pd.Series([*distinct, None], dtype=object)  # the last is the one that -1 picks: a text that is not there
    parts = [rows.iloc[number :: len(devices)] for number in range(len(devices))]
    bars = [progress] + [False] * (len(devices) - 1)
    work = partial(_predict_there, model.loader, max(1, torch.get_num_threads() // len(devices)), options)
    try:
        # Spawned, for a forked process cannot use CUDA.
        with ProcessPoolExecutor(len(devices), multiprocessing.get_context("spawn")) as pool:
            table = pd.concat(pool.map(work, devices, parts, bars)).sort_index()
    except BrokenProcessPool as error:
        raise ModelError(
            f"expected a process each on {', '.join(devices)} to load {model.name} and score, but one died: memory may "
            "have run out, for each has a model of its own; name fewer devices"
        ) from error
    return table.iloc[which].set_axis(column.index)


def _check_present(devices: Sequence[str]) -> None:
    """Counts the cards without touching them: this process would take memory on each."""
    cards = torch.cuda.device_count()
    present = ["cpu", *["mps"] * torch.backends.mps.is_available(), *["cuda"] * bool(cards)]
    present += [f"cuda:{number}" for number in range(cards)]
    absent = [device for device in devices if device not in present]
    if absent:
        raise ModelError(f"devices must be among {', '.join(present)}, which are here, but {absent[0]!r} was passed")


def _predict_there(
    loader: Callable[..., SentimentModel], threads: int, options: dict[str, Any], device: str, part: pd.Series, bar: Any
) -> pd.DataFrame:
    torch.set_num_threads(threads)
    return predict(loader(device=device), part, progress=bar, **options)
