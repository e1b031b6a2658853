"""Where a figure comes from: one record of model, data, software and options, in every file that can be published."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from . import __version__
from .data import DEMO_FILE
from .files.encodings import exists, file_hash, well_formed
from .hub import BIASED_MODEL, DEMO_MODEL, find_folder, tokenizer_folder, tokenizer_hash, weights_hash

if TYPE_CHECKING:
    from .model import SentimentModel

_SOFTWARE = ("torch", "transformers", "tokenizers", "pandas", "numpy", "scikit-learn")


def provenance(
    *, model: SentimentModel | str | Path | None = None, data: Iterable[str | Path] = (), **options: Any
) -> dict[str, Any]:
    """Assemble the record.

    Parameters
    ----------
    model : SentimentModel, str or Path, optional
        A loaded model, or the hub id or folder of one; None where answers come from a file.
    data : iterable of str or Path, default ()
        Files, "demo", or ids of hub data sets.
    **options : Any
        Whatever else decides the figures; values that JSON has.

    Returns
    -------
    dict
        `sentiment_kit`, the version; `software`, versions by name; `model` (see `model_record`) or None; `data`, a list
        of `data_record`; `options`. It can be written as JSON.
    """
    versions = {name: importlib.metadata.version(name).split("+")[0] for name in _SOFTWARE}
    return {
        "sentiment_kit": __version__,
        "software": {"python": platform.python_version(), **versions},
        "model": None if model is None else model_record(model),
        "data": [data_record(source) for source in data],
        "options": options,
    }


def model_record(model: SentimentModel | str | Path) -> dict[str, Any]:
    """Which model it is: `name`, of a folder its last part; `revision` on the hub; `weights` and `tokenizer`, SHA-256
    in hexadecimal; of a loaded one also `labels`, `max_tokens`, `backend`, `device` and `dtype`.

    Raises
    ------
    ModelError
        If its folder cannot be found.
    """
    loaded = None if isinstance(model, str | Path) else model
    name, asked, base = (str(model), None, None) if loaded is None else (loaded.name, loaded.revision, loaded.base)
    folder, revision = find_folder(name, asked)
    local = name not in (DEMO_MODEL, BIASED_MODEL) and exists(name)
    record: dict[str, Any] = {
        "name": well_formed(Path(name).resolve().name if local else name),
        "revision": revision,
        "weights": weights_hash(folder, base),
        "tokenizer": tokenizer_hash(tokenizer_folder(folder, base)),
    }
    if loaded is not None:
        record |= {
            "labels": list(loaded.labels),
            "max_tokens": loaded.max_tokens,
            "backend": loaded.backend,
            "device": loaded.device.type,
            "dtype": str(loaded.dtype).removeprefix("torch."),
        }
    return record


def data_record(source: str | Path) -> dict[str, Any]:
    """Which data: `name`, and of a file `size` in bytes and `sha256` in hexadecimal."""
    path = DEMO_FILE if str(source) == DEMO_MODEL else Path(source)
    if not (exists(path) and path.is_file()):
        return {"name": well_formed(path.name if exists(path) else str(source))}
    name = DEMO_MODEL if path == DEMO_FILE else well_formed(path.name)
    return {"name": name, "size": path.stat().st_size, "sha256": file_hash(path)}
