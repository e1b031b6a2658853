"""From a name to a folder: an embedded model, a local folder, or a repository of the Hugging Face hub.

Knows files, not networks: nothing here imports torch.
"""

from __future__ import annotations

import csv
import hashlib
import json
from pathlib import Path

from .errors import ModelError, in_one_line
from .files.encodings import file_hash

__all__ = ["DEFAULT_MODEL", "DEMO_MODEL"]

DEFAULT_MODEL = "neuraly/bert-base-italian-cased-sentiment"
ANSWERS_FOLDER = "SENTIMENT_KIT_ANSWERS"
"""Environment variable: where processes that ask one model the same keep what it answered (see `remembering`)."""
DEMO_MODEL = "demo"
BIASED_MODEL = "demo-biased"
"""The demo model with a bias towards football planted on purpose: an adapter of it."""

DEMO_FOLDER = Path(__file__).parent / "demo" / "model"
BIASED_FOLDER = DEMO_FOLDER.with_name("biased")
_EMBEDDED = {DEMO_MODEL: DEMO_FOLDER, BIASED_MODEL: BIASED_FOLDER}
_ADAPTER = ["adapter_model.safetensors", "adapter_model.bin"]
_SAFETENSORS = ["model.safetensors", "model-*.safetensors", "model.safetensors.index.json"]
_PICKLE = ["pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json"]
_SMALL_FILES = ["*.json", "*.txt", "*.model"]


def find_folder(name: str, revision: str | None = None) -> tuple[Path, str | None]:
    """The folder that holds the model's files, and the commit if it came from the hub.

    Raises
    ------
    ModelError
        No such folder, and no such model on the hub or no way to it; a file; a revision of anything but a hub model.
    """
    nowhere = f"no such folder: {name!r:.200}; expected a folder with a model, a hub id (owner/name) or {DEMO_MODEL!r}"
    try:
        path = _EMBEDDED.get(name) or Path(name).expanduser()
        is_folder, is_file = bool(name.strip()) and path.is_dir(), path.is_file()
    except (OSError, RuntimeError) as error:  # longer than a name can be, or ~somebody who is not known here
        raise ModelError(nowhere) from error
    if is_folder and revision is not None:
        raise ModelError(f"{name}: only models of the hub have revisions, but {revision!r} was passed; leave it out")
    if is_folder:
        return path, None
    if is_file:
        raise ModelError(f"{name} is a file; expected a folder with config.json, a vocabulary and weights, or a hub id")
    if name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or not name.strip():
        raise ModelError(nowhere)
    folder = _download(name, revision)
    return folder, folder.name


def _download(name: str, revision: str | None) -> Path:
    """Fetch a hub repository's files for inference, or find them in the cache when there is no network."""
    from huggingface_hub import errors, snapshot_download
    from huggingface_hub import logging as hub_logging

    verbosity = hub_logging.get_verbosity()
    hub_logging.set_verbosity_error()  # it warns of every pattern that matches no file
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=_SMALL_FILES))
        for weights in (_ADAPTER, _SAFETENSORS, _PICKLE):
            snapshot_download(name, revision=folder.name, allow_patterns=weights)
            if any(path for pattern in weights for path in folder.glob(pattern)):
                break
    except errors.GatedRepoError as error:
        raise ModelError(
            f"{name} is gated on the hub: accept its terms there, then log in with `hf auth login`"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise ModelError(f"{name} exists on the hub, but has no revision {revision!r}") from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise ModelError(
            f"no model {name!r}: neither a folder here nor a public repository on the hub. Check the spelling; "
            f"a private one needs `hf auth login`; the embedded demo is {DEMO_MODEL!r}"
        ) from error
    except Exception as error:
        # The hub client's transport errors share no base class with its own; which library they come from changes.
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        raise ModelError(
            f"no folder {name!r} here; cannot reach the hub, and {name!r} is not complete in its cache on this machine "
            f"({in_one_line(error)}). Check the spelling; connect once so that it is downloaded, copy the cache from a "
            "machine that has it (HF_HOME says where it lies), pass the folder of a local copy, or use the embedded "
            f"demo: {DEMO_MODEL!r}"
        ) from error
    finally:
        hub_logging.set_verbosity(verbosity)
    return folder


def weight_files(folder: Path) -> list[Path]:
    """The files of one set of weights, none where there are none: safetensors if there are any, else pickles."""
    kinds = [_ADAPTER] if is_adapter(folder) else [_SAFETENSORS, _PICKLE]
    sets = [[path for pattern in kind for path in sorted(folder.glob(pattern))] for kind in kinds]
    return next(filter(None, sets), [])


def not_a_model(folder: Path, otherwise: str, *, lacks: str = "file") -> ModelError:
    """The error for a folder without a `file` or `head`: what it is instead, by its files, or else what is said."""
    with Path(__file__).with_name("other_folders.csv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            found = sorted(folder.glob(row["files"]), key=lambda path: (len(path.name), path.name))
            if found and row["lacks"] in ("head", lacks):
                return ModelError(f"{folder}: {row['what_it_is'].format(found=found[-1], folder=found[-1].parent)}")
    return ModelError(f"{folder}: {otherwise}")


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds what PEFT saves: a change of another model, such as LoRA's."""
    return (folder / "adapter_config.json").is_file()


def whole_model(folder: Path, base: str | Path | None = None) -> Path:
    """The folder itself, or of an adapter that of the model it changes: `base`, or what its own config names.

    Raises
    ------
    ModelError
        No such base, or one that is an adapter too.
    """
    if not is_adapter(folder):
        if base is not None:
            raise ModelError(
                f"{folder} is a whole model, no adapter, but a base was passed: {str(base)!r}; leave it out"
            )
        return folder
    path = folder / "adapter_config.json"
    try:
        named = base or json.loads(path.read_text(encoding="utf-8"))["base_model_name_or_path"]
        found, _ = find_folder(str(named))
    except ModelError as error:
        raise ModelError(
            f"{folder} is an adapter, and the model it changes cannot be found; name its base ({error})"
        ) from error
    except (ValueError, KeyError, TypeError) as error:
        raise ModelError(f"{path}: cannot be used: {in_one_line(error)}") from error
    if is_adapter(found):
        raise ModelError(f"{folder}: the model it changes, {str(named)!r}, is an adapter too; expected a whole model")
    return found


def tokenizer_folder(folder: Path, base: str | Path | None = None) -> Path:
    """Where the tokenizer's files lie: with the model, or, for an adapter that came without, with its base."""
    return folder if _tokenizer_files(folder) else whole_model(folder, base)


def weights_hash(folder: Path, base: str | Path | None = None) -> str:
    """SHA-256, in hexadecimal, of what decides a network's answers: the config and the weights that are loaded.

    Of an adapter, the model that it changes included.
    """
    adapter = is_adapter(folder)
    parts = [file_hash(path) for path in (folder / f"{'adapter_' * adapter}config.json", *weight_files(folder))]
    if adapter:
        parts.append(weights_hash(whole_model(folder, base)))
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def tokenizer_hash(folder: Path) -> str:
    """SHA-256, in hexadecimal, of the files that decide a text's tokens."""
    return hashlib.sha256("".join(map(file_hash, _tokenizer_files(folder))).encode()).hexdigest()


def _tokenizer_files(folder: Path) -> list[Path]:
    patterns = ("*token*.json", "vocab*", "merges.txt", "*.model")
    return sorted({path for pattern in patterns for path in folder.glob(pattern)})
