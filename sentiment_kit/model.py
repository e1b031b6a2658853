"""A sentiment model with its labels, its device and its provenance.

`load_model` takes a hub id, a local folder or the embedded demo to one checked object. It never guesses: a checkpoint
without a trained classification head, a vocabulary that does not fit, or classes without names are errors here, where
the plain library would go on with random answers.
"""

from __future__ import annotations

import contextlib
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedConfig
from transformers import logging as transformers_logging
from transformers.modeling_utils import PreTrainedModel
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from .labels import LABELS, match_labels

DEFAULT_MODEL = "neuraly/bert-base-italian-cased-sentiment"
DEMO_MODEL = "demo"

DEMO_FOLDER = Path(__file__).parent / "demo" / "model"
_SAFETENSORS = ["model.safetensors", "model-*.safetensors", "model.safetensors.index.json"]
_PICKLE = ["pytorch_model.bin", "pytorch_model-*.bin", "pytorch_model.bin.index.json"]
_SMALL_FILES = ["*.json", "*.txt", "*.model"]


class ModelError(ValueError):
    """A model cannot be loaded or used; the message says what was expected, what came and what to do."""


@dataclass(frozen=True)
class SentimentModel:
    """A sentiment classifier, ready for `inference.predict`.

    Attributes
    ----------
    tokenizer : the tokenizer of transformers
    network : the module in evaluation mode, on `device` in `dtype`
    labels : tuple of 2 or 3 of `LABELS`, in the order of the network's outputs
    device : torch.device
    dtype : torch.dtype of the weights
    name : the name it was loaded by
    revision : commit of the hub repository, or None for a local folder and the demo
    max_tokens : longest input in tokens, special tokens included
    """

    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    network: PreTrainedModel = field(repr=False)
    labels: tuple[str, ...]
    device: torch.device
    dtype: torch.dtype
    name: str
    revision: str | None
    max_tokens: int


def load_model(
    name: str | Path = DEFAULT_MODEL,
    *,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
    labels: Sequence[str] | None = None,
) -> SentimentModel:
    """Load a sentiment model and check that it is one.

    Parameters
    ----------
    name : hub id, folder, or "demo"
        "demo" is the small model inside the package (a folder of that name is "./demo"). A hub id is downloaded once,
        then read from the hub cache. Safetensors come first, else pickled weights by weights-only loading; code in a
        repository is never run.
    device : "auto", "cpu", "cuda", "cuda:1", "mps"
        auto: cuda, else mps, else cpu.
    dtype : "auto", "float32", "float16", "bfloat16"
        auto: float16 on CUDA, float32 elsewhere.
    revision : branch, tag or commit of a hub repository
    labels : names of the outputs in their order
        Only needed where the checkpoint does not name them (`LABEL_0`). Names it does give are never overruled.

    Returns
    -------
    SentimentModel

    Raises
    ------
    ModelError
        No network and not cached; unknown id or revision; not a model folder; no or broken weights; no trained
        classification head; labels that cannot be matched; no or too large a vocabulary; unknown device or dtype.
    """
    target = _pick_device(device)
    precision = _pick_dtype(dtype, target)
    folder, commit = find_folder(str(name), revision)
    with quiet_transformers():
        config = _load_config(folder)
        network = _load_network(folder, config)
        tokenizer = _load_tokenizer(folder)
    names = _match_outputs(config, labels, folder)
    _check_vocabulary(tokenizer, network, folder)
    return SentimentModel(
        tokenizer=tokenizer,
        network=network.eval().to(device=target, dtype=precision),
        labels=names,
        device=target,
        dtype=precision,
        name=str(name),
        revision=commit,
        max_tokens=_max_tokens(tokenizer, network),
    )


# Device and dtype


def _pick_device(device: str | torch.device) -> torch.device:
    if str(device) == "auto":
        if torch.cuda.is_available():
            return torch.device("cuda")
        return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    try:
        chosen = torch.device(device)
        torch.empty(1, device=chosen)  # a device can be well named and absent
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).strip().split("\n")[0].split("; ")[0]
        raise ModelError(
            f"device must be one of auto, cpu, cuda, mps and present on this machine, but {str(device)!r} was passed "
            f"({reason})"
        ) from error
    return chosen


def _pick_dtype(dtype: str | torch.dtype, device: torch.device) -> torch.dtype:
    if dtype == "auto":
        return torch.float16 if device.type == "cuda" else torch.float32
    allowed = {"float32": torch.float32, "float16": torch.float16, "bfloat16": torch.bfloat16}
    chosen = allowed.get(str(dtype).removeprefix("torch."))
    if chosen is None:
        raise ModelError(f"dtype must be one of auto, {', '.join(allowed)}, but {str(dtype)!r} was passed")
    return chosen


# From a name to a folder


def find_folder(name: str, revision: str | None = None) -> tuple[Path, str | None]:
    """The folder that holds the model's files, and the commit if it came from the hub."""
    if name == DEMO_MODEL:
        return DEMO_FOLDER, None
    path = Path(name).expanduser()
    if name.strip() and path.is_dir():
        return path, None
    if path.is_file():
        raise ModelError(f"{name} is a file; expected a folder with config.json, a vocabulary and weights, or a hub id")
    if name.startswith((".", "/", "~")) or "\\" in name or name.count("/") > 1 or not name.strip():
        raise ModelError(
            f"no such folder: {name!r}; expected a folder with a model, a hub id (owner/name) or {DEMO_MODEL!r}"
        )
    folder = _download(name, revision)
    return folder, folder.name


def _download(name: str, revision: str | None) -> Path:
    """Fetch a hub repository's files for inference, or find them in the cache when there is no network."""
    from huggingface_hub import logging as hub_logging
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import (
        GatedRepoError,
        HFValidationError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    hub_logging.set_verbosity_error()  # it warns of every pattern that matches no file
    try:
        folder = Path(snapshot_download(name, revision=revision, allow_patterns=_SMALL_FILES))
        for weights in (_SAFETENSORS, _PICKLE):
            snapshot_download(name, revision=folder.name, allow_patterns=weights)
            if any(path for pattern in weights for path in folder.glob(pattern)):
                break
    except GatedRepoError as error:
        raise ModelError(
            f"{name} is gated on the hub: accept its terms there, then log in with `hf auth login`"
        ) from error
    except RevisionNotFoundError as error:
        raise ModelError(f"{name} exists on the hub, but has no revision {revision!r}") from error
    except (RepositoryNotFoundError, HFValidationError) as error:
        raise ModelError(
            f"no model {name!r}: neither a folder here nor a public repository on the hub. Check the spelling; "
            f"a private one needs `hf auth login`; the embedded demo is {DEMO_MODEL!r}"
        ) from error
    except Exception as error:
        # The hub client's transport errors share no base class with its own; which library they come from changes.
        if not isinstance(error, OSError) and not type(error).__module__.startswith("httpx"):
            raise
        raise ModelError(
            f"cannot reach the hub, and {name!r} is not complete in its cache on this machine "
            f"({_first_line(error)}). Connect once so that it is downloaded, copy the cache from a machine that has it "
            "(HF_HOME says where it lies), pass the folder of a local copy, or use the embedded demo: "
            f"{DEMO_MODEL!r}"
        ) from error
    return folder


# From a folder to the parts


def _load_config(folder: Path) -> PreTrainedConfig:
    if not (folder / "config.json").is_file():
        raise ModelError(f"{folder}: not a model folder, it has no config.json")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise ModelError(f"{folder / 'config.json'}: cannot be used: {_first_line(error)}") from error
    if config.problem_type in ("multi_label_classification", "regression"):
        raise ModelError(
            f"{folder / 'config.json'}: expected a single-label classifier, but problem_type is "
            f"{config.problem_type!r}; its outputs are not probabilities that sum to 1"
        )
    return config


def _load_network(folder: Path, config: PreTrainedConfig) -> PreTrainedModel:
    found = [path for pattern in _SAFETENSORS + _PICKLE for path in sorted(folder.glob(pattern))]
    if not found:
        raise ModelError(f"{folder}: no weights, expected model.safetensors or pytorch_model.bin")
    try:
        network, report = AutoModelForSequenceClassification.from_pretrained(
            folder,
            config=config,
            dtype=torch.float32,
            local_files_only=True,
            trust_remote_code=False,
            weights_only=True,
            use_safetensors=found[0].name.startswith("model"),
            output_loading_info=True,
            ignore_mismatched_sizes=True,  # checked below, with a clearer message
        )
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{found[0]}: not loaded, for it holds more than weights or is damaged: a pickle can run code. Ask its "
            f"authors for safetensors, or convert it on a machine you can lose ({_first_line(error)})"
        ) from error
    except (SafetensorError, EOFError) as error:
        raise ModelError(
            f"{found[0]}: damaged or cut short; copy or download it again ({_first_line(error)})"
        ) from error
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        raise ModelError(f"{found[0]}: cannot be loaded; damaged or cut short? ({_first_line(error)})") from error
    _check_complete(network, report, folder)
    return network


def _check_complete(network: PreTrainedModel, report: dict[str, set], folder: Path) -> None:
    """transformers fills what a checkpoint lacks with random numbers and warns; here that is an error."""
    _, missing, mismatched = _by_part(network, report)
    if missing:
        raise ModelError(
            f"{folder}: no trained classification head (missing: {', '.join(missing[:4])}). This is a base model; "
            "fine-tune it for sentiment first, or load a fine-tuned one"
        )
    if mismatched:
        raise ModelError(
            f"{folder}: wrong number of labels: config.json names {network.config.num_labels}, the weights of the "
            f"classification head have another shape ({', '.join(mismatched[:4])})"
        )
    check_body(network, report, folder)


def check_body(network: PreTrainedModel, report: dict[str, set], folder: Path) -> None:
    """Raise `ModelError` unless every weight below the classification head came from the checkpoint."""
    body, _, _ = _by_part(network, report)
    if body:
        raise ModelError(
            f"{folder}: the weights do not fit config.json: {len(body)} missing or of another shape ({body[0]})"
        )


def _by_part(network: PreTrainedModel, report: dict[str, set]) -> tuple[list[str], list[str], list[str]]:
    """Names of the body's bad weights, of the head's missing and of the head's mismatched ones.

    BERT's pooler belongs to the head: base checkpoints often come without it.
    """
    prefix = network.base_model_prefix + "."
    missing = sorted(report["missing_keys"])
    mismatched = sorted(key for key, *_ in report["mismatched_keys"])
    body = [key for key in missing + mismatched if key.startswith(prefix) and ".pooler." not in key]
    head = set(missing + mismatched) - set(body)
    return body, [key for key in missing if key in head], [key for key in mismatched if key in head]


def _load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # the Rust library raises bare Exception for a broken vocabulary
        raise ModelError(f"{folder}: no usable tokenizer or vocabulary ({_first_line(error)})") from error


def _match_outputs(config: PreTrainedConfig, labels: Sequence[str] | None, folder: Path) -> tuple[str, ...]:
    """The meaning of each output; what the checkpoint says and what the caller says must agree."""
    own = [config.id2label[output] for output in sorted(config.id2label)]
    try:
        if labels is None:
            return match_labels(own)
        if len(labels) != len(own):
            raise ValueError(f"wrong number of labels: {len(labels)} were passed, the model has {len(own)} outputs")
        given = match_labels(labels)
    except ValueError as error:
        raise ModelError(f"{folder}: {error} (expected {', '.join(LABELS)}, or two of them)") from error
    try:
        named = match_labels(own)
    except ValueError:
        return given  # nameless outputs: the caller's word is all there is
    if named != given:
        raise ModelError(f"{folder}: labels={given} contradicts the order in config.json: {tuple(own)}")
    return given


def _check_vocabulary(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, folder: Path) -> None:
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(
            f"{folder}: no vocabulary, expected vocab.txt, tokenizer.json or a sentencepiece model; without it every "
            "word would be unknown"
        )
    embeddings = network.get_input_embeddings().num_embeddings
    if len(tokenizer) > embeddings:
        raise ModelError(
            f"{folder}: the vocabulary has {len(tokenizer)} entries, the network only {embeddings} embeddings; "
            "vocabulary and weights are of different models"
        )


def _max_tokens(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel) -> int:
    positions = getattr(network.config, "max_position_embeddings", None) or tokenizer.model_max_length
    table = getattr(getattr(network.base_model, "embeddings", None), "position_embeddings", None)
    offset = getattr(table, "padding_idx", None)  # RoBERTa's kin count positions from the padding index on
    if offset is not None:
        positions -= offset + 1
    return min(int(tokenizer.model_max_length), int(positions))


def _first_line(error: BaseException) -> str:
    lines = [line.strip() for line in str(error).split("\n") if line.strip()]
    return f"{type(error).__name__}: {lines[0]:.200}" if lines else type(error).__name__


@contextlib.contextmanager
def quiet_transformers() -> Iterator[None]:
    """Silence the bars and reports that loading and saving print; what they could say is checked and raised here."""
    verbosity, bar = transformers_logging.get_verbosity(), transformers_logging.is_progress_bar_enabled()
    transformers_logging.set_verbosity_error()
    transformers_logging.disable_progress_bar()
    try:
        yield
    finally:
        transformers_logging.set_verbosity(verbosity)
        if bar:
            transformers_logging.enable_progress_bar()
