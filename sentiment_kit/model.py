"""A sentiment model with its labels, its device and its provenance.

`load_model` takes a hub id, a local folder or the embedded demo to one checked object. It never guesses: a checkpoint
without a trained classification head, a vocabulary that does not fit, or classes without names are errors here, where
the plain library would go on with random answers.
"""

from __future__ import annotations

import contextlib
import pickle
import re
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

import numpy as np
import torch
from joblib import cpu_count
from transformers import AutoConfig, AutoModelForSequenceClassification, AutoTokenizer, PreTrainedConfig
from transformers import logging as transformers_logging
from transformers.modeling_utils import PreTrainedModel, load_state_dict
from transformers.tokenization_utils_base import PreTrainedTokenizerBase

from .errors import ModelError, Note, in_one_line, require_extra
from .hub import DEFAULT_MODEL, find_folder, is_adapter, not_a_model, tokenizer_folder, weight_files, whole_model
from .labels import LABELS, match_label, match_labels
from .packing import pack_linear_layers

__all__ = ["SentimentModel", "load_model"]

Tokens = tuple[np.ndarray, np.ndarray]
"""Token ids and mask of a batch, both (n_texts, width) int64."""

MAX_TOKENS = 512
"""What is read of a text where neither tokenizer nor network has a limit (T5, XLNet)."""

_WRAPPED = {r"^(_orig_mod\.|module\.)+": ""}
"""What torch.compile and DataParallel write before each weight's name."""

_HEAD = re.compile(r"\b(classifier|score)(\.out_proj)?\.weight$")
"""Of a classification head, the weights that have a row a label."""

Forward = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From token ids and mask to logits (n_texts, n_labels) float32."""


@dataclass(frozen=True)
class SentimentModel:
    """A sentiment classifier, ready for `inference.predict`.

    Attributes
    ----------
    tokenizer : PreTrainedTokenizerBase
        The tokenizer of transformers.
    network : PreTrainedModel or None
        The module in evaluation mode, on `device` in `dtype`. On a processor in float32 its linear layers are packed
        (`packing.PackedLinear`): its weights are those of `state_dict()`. None where ONNX Runtime has it.
    labels : tuple of str
        The one of `LABELS` that each of the network's outputs means, in their order. Several outputs may mean the same
        (see `fold`): their probabilities are summed.
    device : torch.device
        Where the answers are computed.
    dtype : torch.dtype
        Of the weights.
    name : str
        The name it was loaded by.
    revision : str or None
        Commit of the hub repository; None for a local folder and the demo.
    max_tokens : int
        Longest input in tokens, special tokens included.
    hidden_size : int
        Numbers that stand for a token inside the network.
    loader : callable
        Gives the same model again on the device it is called with, in another process too.
    base : str or None
        Of an adapter, the model that it was told to change; None: the one that its config names.
    pad_id : int or None
        What fills up the shorter texts of a batch: the network must know it, so its config goes before the tokenizer.
        None: neither names one, or it changes the answers (FNet, XLNet), and only texts of one length share a batch.
    backend : str
        "torch", or what `scale.onnx` names.
    forward : Forward or None
        Tokens to logits; None where that is the network's own work.
    agreement : mapping of str to float, or None
        With the float32 network, for ONNX Runtime: `n` texts of the demo, `labels_changed` among them,
        `largest_difference` of a probability. None for torch.
    """

    tokenizer: PreTrainedTokenizerBase = field(repr=False)
    network: PreTrainedModel | None = field(repr=False)
    labels: tuple[str, ...]
    device: torch.device
    dtype: torch.dtype
    name: str
    revision: str | None
    max_tokens: int
    hidden_size: int
    loader: Callable[..., SentimentModel] = field(repr=False)
    base: str | None = None
    pad_id: int | None = 0
    backend: str = "torch"
    forward: Forward | None = field(default=None, repr=False)
    agreement: Mapping[str, float] | None = None


def load_model(
    name: str | Path = DEFAULT_MODEL,
    *,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
    labels: Sequence[str] | None = None,
    fold: Mapping[str, str] | None = None,
    base: str | Path | None = None,
) -> SentimentModel:
    """Load a sentiment model and check that it is one.

    Parameters
    ----------
    name : str or Path, default DEFAULT_MODEL
        Hub id, folder, or "demo", the small model inside the package, or "demo-biased", the same with a bias planted on
        purpose (a folder of that name is "./demo"). A hub id is downloaded once, then read from the hub cache. It may
        be an adapter of PEFT (LoRA and the like; extra `adapters`), which is merged into the model that it changes.
        Safetensors come first, else pickled weights by weights-only loading; code in a repository is never run.
    device : str or torch.device, default "auto"
        "cpu", "cuda", "cuda:1", "mps" or the like; "auto": cuda, else mps, else cpu.
    dtype : str or torch.dtype, default "auto"
        "float32", "float16" or "bfloat16"; "auto": float16 on CUDA, float32 elsewhere.
    revision : str, optional
        Branch, tag or commit of a hub repository. None: its main branch.
    labels : sequence of str, optional
        Names of the outputs in their order. Only needed where the checkpoint does not name them (`LABEL_0`). Names it
        does give are never overruled.
    fold : mapping of str to str, optional
        For other classes than the three: which of `LABELS` a class counts as, by its name or the number in it, say
        `{"1": "negative", "2": "negative", "3": "neutral", "4": "positive", "5": "positive"}` for "1 star" to
        "5 stars". Probabilities of classes that count as one are summed. A class that is not mentioned must have one of
        the usual names.
    base : str or Path, optional
        Of an adapter: hub id or folder of the model that it changes. None: the one that its own config names.

    Returns
    -------
    SentimentModel

    Raises
    ------
    ModelError
        No network and not cached; unknown id or revision, or a revision of a folder; not a model folder; no or broken
        weights; no trained classification head; labels that cannot be matched; no or too large a vocabulary; unknown
        device or dtype; a network that cannot compute a text.

    Warns
    -----
    Note
        Two classes only; batches of texts of one length only; capitals that nothing but the vocabulary speaks of.

    Notes
    -----
    Torch's number of threads comes down to the cores that this process may use (affinity and container quota count,
    not what the machine has), for the whole process.
    """
    target = _pick_device(device)
    precision = _pick_dtype(dtype, target)
    folder, commit = find_folder(str(name), revision)
    network, tokenizer = _load_parts(folder, base)
    names = _match_outputs(network.config, labels, fold, folder)
    if absent := [label for label in LABELS if label not in names]:
        warnings.warn(f"{name} knows no {' and no '.join(absent)}: no text will be called so", Note, stacklevel=2)
    again = partial(load_model, name, dtype=str(precision), revision=commit, labels=labels, fold=fold, base=base)
    model = _assembled(network, tokenizer, names, folder, target, precision, again)
    return replace(model, name=str(name), revision=commit, base=None if base is None else str(base))


def load_classifier(folder: Path, labels: Sequence[str], *, device: str | torch.device = "auto") -> SentimentModel:
    """A classifier of something else than sentiment, with the same checks: `labels` name its outputs."""
    target = _pick_device(device)
    parts = _load_parts(folder, None)
    again = partial(load_classifier, folder, labels)
    return _assembled(*parts, tuple(labels), folder, target, _pick_dtype("auto", target), again)


def _load_parts(folder: Path, base: str | Path | None) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    with quiet_transformers():
        return load_network(folder, base), load_tokenizer(tokenizer_folder(folder, base))


def _assembled(
    network: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    labels: tuple[str, ...],
    folder: Path,
    device: torch.device,
    dtype: torch.dtype,
    loader: Callable[..., SentimentModel],
) -> SentimentModel:
    """The checked parts on their device, ready for use."""
    check_vocabulary(tokenizer, network, folder)
    pad_id = _pad_id(tokenizer, network.eval(), folder)
    network = network.eval().to(device=device, dtype=dtype)
    torch.set_num_threads(min(torch.get_num_threads(), cpu_count()))
    if device.type == "cpu" and dtype == torch.float32:
        pack_linear_layers(network)
    return SentimentModel(
        tokenizer=tokenizer,
        network=network,
        labels=labels,
        device=device,
        dtype=dtype,
        name=folder.name,
        revision=None,
        max_tokens=max_tokens(tokenizer, network),
        hidden_size=network.config.hidden_size,
        pad_id=pad_id,
        loader=loader,
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
        raise ModelError(
            f"device must be one of auto, cpu, cuda, mps and present on this machine, but {str(device)!r} was passed "
            f"({in_one_line(error)})"
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


# From a folder to the parts


def load_config(folder: Path) -> PreTrainedConfig:
    """The configuration of a model folder.

    Raises
    ------
    ModelError
        No config.json, one that cannot be used, or a model whose outputs are no distribution.
    """
    if not (folder / "config.json").is_file():
        raise not_a_model(folder, "not a model folder, it has no config.json")
    try:
        config = AutoConfig.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except Exception as error:  # transformers' checks share no base class
        raise ModelError(f"{folder / 'config.json'}: cannot be used: {in_one_line(error)}") from error
    if quantised := getattr(config, "quantization_config", None):
        method = dict(quantised).get("quant_method", "unknown method")
        raise ModelError(
            f"{folder}: quantised weights ({method}), which only their own library can read; load the model that they "
            "were made from"
        )
    config.chunk_size_feed_forward = 0  # a way to save memory that fits few lengths
    config.return_dict = True
    if config.problem_type in ("multi_label_classification", "regression"):
        raise ModelError(
            f"{folder / 'config.json'}: expected a single-label classifier, but problem_type is "
            f"{config.problem_type!r}; its outputs are not probabilities that sum to 1"
        )
    return config


def load_network(folder: Path, base: str | Path | None = None) -> PreTrainedModel:
    """The network of a model folder in float32, an adapter merged into the one that it changes.

    Raises
    ------
    ModelError
        As `load_model`.
    """
    whole = whole_model(folder, base)
    if is_adapter(folder):
        return _merged(folder, whole)
    network, report = load_weights(whole, load_config(whole))
    check_complete(network, report, whole)
    return network


def _merged(folder: Path, base: Path) -> PreTrainedModel:
    require_extra("peft", "adapters", "adapters need", ModelError)
    from peft import PeftModel
    from peft.utils import load_peft_weights

    if not weight_files(folder):
        raise ModelError(f"{folder}: no weights, expected adapter_model.safetensors or adapter_model.bin")
    config = load_config(folder if (folder / "config.json").is_file() else base)
    try:
        heads = [part for name, part in load_peft_weights(str(folder), device="cpu").items() if _HEAD.search(name)]
        if heads and len(heads[0]) != config.num_labels:
            config.num_labels = len(heads[0])  # whose names the base cannot know
        network, report = load_weights(base, config)
        check_complete(network, report, base, head=not heads)
        with warnings.catch_warnings(action="error", category=UserWarning):  # of weights that fit nothing
            warnings.simplefilter("ignore", FutureWarning)  # PEFT's, of names that transformers has given up
            return PeftModel.from_pretrained(network, str(folder)).merge_and_unload()
    except ModelError:
        raise
    except Exception as error:  # PEFT's errors, torch's and safetensors' share no class
        raise ModelError(f"{folder}: the adapter does not fit {base}, or is damaged: {in_one_line(error)}") from error


def load_weights(folder: Path, config: PreTrainedConfig) -> tuple[PreTrainedModel, dict[str, set]]:
    """The network, and what of it the checkpoint lacks."""
    found = weight_files(folder)
    if not found:
        raise not_a_model(folder, "no weights, expected model.safetensors or pytorch_model.bin")
    try:
        if found[0].name == "pytorch_model.bin":
            inner = load_state_dict(str(found[0]), weights_only=True).get("state_dict")
            if isinstance(inner, dict):  # what Lightning and many a script save
                with TemporaryDirectory() as new:
                    torch.save(inner, Path(new, "pytorch_model.bin"))
                    return load_weights(Path(new), config)
        return AutoModelForSequenceClassification.from_pretrained(
            folder,
            key_mapping=_WRAPPED,
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
            f"authors for safetensors, or convert it on a machine you can lose ({in_one_line(error)})"
        ) from error
    except Exception as error:  # what impossible numbers in config.json lead to is of any kind
        raise ModelError(
            f"{found[0]}: cannot be loaded; damaged or cut short (then copy or download it again), or not what "
            f"config.json says? ({in_one_line(error)})"
        ) from error


def check_complete(network: PreTrainedModel, report: dict[str, set], folder: Path, *, head: bool = True) -> None:
    """Raise `ModelError` unless every weight came from the checkpoint; without `head`, those of the body alone.

    transformers fills what a checkpoint lacks with random numbers and warns. BERT's pooler belongs to the head: base
    checkpoints often come without it.
    """
    prefix = network.base_model_prefix + "."
    missing = sorted(report["missing_keys"])
    mismatched = sorted(key for key, *_ in report["mismatched_keys"])
    body = [key for key in missing + mismatched if key.startswith(prefix) and ".pooler." not in key]
    head_missing, head_mismatched = ([key for key in keys if key not in body] for keys in (missing, mismatched))
    if body and len(missing) == len(network.state_dict()):
        names = ", ".join(sorted(report["unexpected_keys"])[:2])
        raise ModelError(f"{folder}: the weights have other names ({names}) than the network's ({', '.join(body[:2])})")
    if head and head_missing:
        raise not_a_model(
            folder,
            f"no trained classification head (missing: {', '.join(head_missing[:4])}). This is a base model; fine-tune "
            "it for sentiment first, or load a fine-tuned one",
            lacks="head",
        )
    if head and head_mismatched:
        raise ModelError(
            f"{folder}: wrong number of labels: config.json names {network.config.num_labels}, the weights of the "
            f"classification head have another shape ({', '.join(head_mismatched[:4])})"
        )
    if body:
        raise ModelError(
            f"{folder}: the weights do not fit config.json: {len(body)} missing or of another shape ({body[0]})"
        )


def load_tokenizer(folder: Path) -> PreTrainedTokenizerBase:
    """The tokenizer of a model folder; `ModelError` where there is none that can be used.

    A vocabulary of word pieces with capitals is read with capitals where the folder does not say how: transformers
    would make them small.
    """
    try:
        tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
        if (folder / "vocab.txt").is_file() and not _says_case(folder):
            pieces = set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens)
            if getattr(tokenizer, "do_lower_case", False) and any(piece != piece.lower() for piece in pieces):
                warnings.warn(f"{folder}: read with capitals and accents, which its vocabulary has", Note, stacklevel=3)
                return AutoTokenizer.from_pretrained(folder, local_files_only=True, do_lower_case=False)
        return tokenizer
    except Exception as error:  # the Rust library raises bare Exception for a broken vocabulary
        raise ModelError(f"{folder}: no usable tokenizer or vocabulary ({in_one_line(error)})") from error


def _says_case(folder: Path) -> bool:
    path = folder / "tokenizer_config.json"
    return (folder / "tokenizer.json").is_file() or (path.is_file() and "do_lower_case" in path.read_text("utf-8"))


def _match_outputs(
    config: PreTrainedConfig, labels: Sequence[str] | None, fold: Mapping[str, str] | None, folder: Path
) -> tuple[str, ...]:
    """The meaning of each output; what the checkpoint says and what the caller says must agree."""
    names: dict[Any, str] = config.id2label or {}
    own = [str(names[output]) for output in sorted(names)]
    if len(own) == 1:
        raise ModelError(
            f"{folder}: one output, so a score and no classes; expected {', '.join(LABELS)}, or two of them"
        )
    try:
        if fold is not None:
            return _folded(own, fold)
        given = match_labels(labels or own)
        if len(given) != len(own):
            raise ValueError(f"wrong number of labels: {len(given)} were passed, the model has {len(own)} outputs")
    except ValueError as error:
        raise ModelError(f"{folder}: {error} (expected {', '.join(LABELS)}, or two of them)") from error
    try:
        named = match_labels(own)
    except ValueError:
        return given  # nameless outputs: the caller's word is all there is
    if named != given:
        raise ModelError(f"{folder}: labels={given} contradicts the order in config.json: {tuple(own)}")
    return given


def _folded(names: list[str], fold: Mapping[str, str]) -> tuple[str, ...]:
    """The label of each class, by its name or the number in it, else by what such a name means anywhere."""
    wanted = {_plain(key): match_label(label) for key, label in fold.items()}
    keys = [{_plain(name), *re.findall(r"(?<!\w)-\d+|\d+", _plain(name))} for name in names]
    found = [{wanted[key] for key in keys[row] & set(wanted)} or {match_label(name)} for row, name in enumerate(names)]
    unknown = set(wanted).difference(*keys)
    if unknown or None in set.union(*found) or any(len(labels) > 1 for labels in found):
        raise ValueError(
            f"fold={dict(fold)} does not say for each of the classes {names}, by name or number, what it is"
        )
    return tuple(str(*labels) for labels in found)


def _plain(name: object) -> str:
    return str(name).strip().lower().replace("_", " ")


def check_vocabulary(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel, folder: Path) -> None:
    """Raise `ModelError` for a tokenizer that knows no words, or more than the network has embeddings."""
    if len(tokenizer) <= len(tokenizer.all_special_ids):
        raise ModelError(
            f"{folder}: no vocabulary, expected vocab.txt, tokenizer.json or a sentencepiece model; without it every "
            "word would be unknown"
        )
    try:
        embeddings = len(cast(Any, network.get_input_embeddings()).weight)
    except NotImplementedError:
        return  # CANINE's have a table for no character
    if len(tokenizer) > embeddings:
        raise ModelError(
            f"{folder}: the vocabulary has {len(tokenizer)} entries, the network only {embeddings} embeddings; "
            "vocabulary and weights are of different models"
        )


def max_tokens(tokenizer: PreTrainedTokenizerBase, network: PreTrainedModel) -> int:
    """The longest input in tokens, special ones included: what both the tokenizer and the positions allow."""
    positions = getattr(network.config, "max_position_embeddings", None) or 0
    table = getattr(getattr(network.base_model, "embeddings", None), "position_embeddings", None)
    offset = getattr(table, "padding_idx", None)  # RoBERTa's kin count positions from the padding index on
    if offset is not None:
        positions -= offset + 1
    limits = [limit for limit in (tokenizer.model_max_length, positions) if 0 < limit < 10**9]  # else they have none
    return int(min(limits, default=MAX_TOKENS))


def _pad_id(tokenizer: PreTrainedTokenizerBase, network: Any, folder: Path) -> int | None:
    """What may fill up the shorter texts of a batch, tried out; None where that changes the answer."""
    known = getattr(network.config, "pad_token_id", None)
    pad_id = network.config.pad_token_id = tokenizer.pad_token_id if known is None else known
    ids = torch.tensor([tokenizer("Che bella giornata!")["input_ids"]])  # (1, width), odd where letters are read
    found = []
    try:
        with torch.inference_mode():
            for more in (0, 1, 8, 33) if pad_id is not None else (0,):
                padded = torch.nn.functional.pad(ids, (0, more), value=pad_id or 0)
                mask = torch.nn.functional.pad(torch.ones_like(ids), (0, more))
                found.append(network(input_ids=padded, attention_mask=mask).logits)
    except Exception as error:  # what a network asks of its input is its own affair
        raise ModelError(f"{folder}: cannot compute a text ({in_one_line(error)})") from error
    close = [torch.allclose(found[0], logits, rtol=1e-3, atol=1e-3, equal_nan=True) for logits in found[1:]]
    if close and all(close):
        return pad_id
    warnings.warn(
        f"{folder}: only texts of one length share a batch, for padding changes the answers", Note, stacklevel=4
    )
    network.config.pad_token_id = -1  # no token is one
    return None


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
