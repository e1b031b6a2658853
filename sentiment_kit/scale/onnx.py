"""The network through ONNX Runtime, in float32 or int8: beside the core, for whoever wants the last of a processor.

Exported once and kept in a cache. float32 answers as torch does, int8 is the fastest on a processor, and inexact: some
labels differ, and `agreement` says how many on the demo's texts. Use it where a share of changed labels does not
matter, not to publish scores or to study single answers. Needs the extra `onnx`.
"""

from __future__ import annotations

import copy
import json
import logging
import os
import warnings
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from ..batching import pad, tokenize
from ..data import load_demo
from ..errors import ModelError, in_one_line, require_extra
from ..files.encodings import file_hash
from ..files.writing import whole_folder
from ..hub import DEFAULT_MODEL, find_folder, weights_hash
from ..model import Forward, SentimentModel, Tokens, load_model
from ..packing import unpack_linear_layers

__all__ = ["BACKENDS", "load_backend"]

BACKENDS = ("torch", "onnx", "onnx-int8")
_SMOOTHING = 0.8  # how much of the size of inputs goes into the weights
_FEW = 0.01
_LAYOUT = "2"  # of the cache: counted up when an export is made in another way


def load_backend(
    name: str | Path = DEFAULT_MODEL,
    *,
    backend: str,
    device: str | torch.device = "auto",
    dtype: str | torch.dtype = "auto",
    revision: str | None = None,
    labels: Sequence[str] | None = None,
    fold: Mapping[str, str] | None = None,
    base: str | Path | None = None,
) -> SentimentModel:
    """`load_model` for any of `BACKENDS`: by torch, or through ONNX Runtime on the processor.

    Parameters
    ----------
    name : str or Path, default DEFAULT_MODEL
        As for `load_model`.
    backend : str
        One of `BACKENDS`.
    device : str or torch.device, default "auto"
        As for `load_model`; for ONNX Runtime "auto" or "cpu".
    dtype : str or torch.dtype, default "auto"
        As for `load_model`; for ONNX Runtime "auto" or "float32", which it quantises itself.
    revision : str, optional
        As for `load_model`.
    labels : sequence of str, optional
        As for `load_model`.
    fold : mapping of str to str, optional
        As for `load_model`.
    base : str or Path, optional
        As for `load_model`.

    Returns
    -------
    SentimentModel
        Through ONNX Runtime `network` is None and `agreement` set.

    Raises
    ------
    ModelError
        As `load_model`; another back end or device; ONNX Runtime or what exports to it is not installed, the network
        cannot be exported, or the cache not be written.
    """
    if backend not in BACKENDS:
        raise ModelError(f"backend must be one of {', '.join(BACKENDS)}, but {backend!r} was passed")
    options: dict[str, Any] = {"labels": labels, "fold": fold, "base": base}
    if backend == "torch":
        return load_model(name, device=device, dtype=dtype, revision=revision, **options)
    if str(device) not in ("auto", "cpu") or str(dtype) not in ("auto", "float32", "torch.float32"):
        raise ModelError(f"the back end {backend} runs on cpu from float32, but {device} and {dtype} were passed")
    for module in ("onnx", "onnxruntime", "onnxscript"):
        require_extra(module, "onnx", f"the back end {backend} needs", ModelError)
    model = load_model(name, device="cpu", dtype="float32", revision=revision, **options)
    assert model.network is not None
    unpack_linear_layers(model.network)
    hash = weights_hash(find_folder(str(name), revision)[0], base)
    forward, found = _onnx_forward(model.network, backend, hash, partial(_sample_batches, model))
    again = partial(load_backend, name, backend=backend, revision=model.revision, **options)
    return replace(model, network=None, backend=backend, forward=forward, agreement=found, loader=again)


def _sample_batches(model: SentimentModel, split: str) -> Iterator[Tokens]:
    """The first tweets of a split of the demo as tokens: 256 to choose by, 128 of the test split to judge by."""
    texts = sorted(load_demo(split)["text"].head(128 if split == "test" else 256), key=len)
    tokens, size = tokenize(model, texts), 16 if model.pad_id is not None else 1
    for rows in np.array_split(np.arange(len(texts)), len(texts) // size):
        yield pad(tokens, rows, model.pad_id or 0)


def cache_folder() -> Path:
    """Where exports are kept: `$SENTIMENT_KIT_CACHE`, else the user's cache directory."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("SENTIMENT_KIT_CACHE") or user_cache_dir("sentiment-kit"))


def _onnx_forward(
    network: nn.Module, backend: str, weights_hash: str, sample: Callable[[str], Iterable[Tokens]]
) -> tuple[Forward, dict[str, float]]:
    """The network through ONNX Runtime, and its `agreement` with the network on the sample; exported once and kept."""
    import onnxruntime

    name = f"{weights_hash[:24]}-{backend}-{_LAYOUT}-{onnxruntime.__version__}"
    folder = cache_folder() / "onnx" / name
    if not _is_whole(folder):
        _export(network, backend, folder, sample)
    record = json.loads((folder / "agreement.json").read_text(encoding="utf-8"))
    return _session(folder / "model.onnx"), {name: value for name, value in record.items() if name != "sha256"}


def _is_whole(folder: Path) -> bool:
    """Whether an export is there and has not changed since it was written."""
    try:
        expected = json.loads((folder / "agreement.json").read_text(encoding="utf-8"))["sha256"]
        return file_hash(folder / "model.onnx") == expected
    except (OSError, ValueError, KeyError, TypeError):
        return False


def _export(network: nn.Module, backend: str, folder: Path, sample: Callable[[str], Iterable[Tokens]]) -> None:
    """Write model and agreement, whole or not at all, whoever else does the same."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder, replace=True) as new:
            path = new / "model.onnx"
            if backend == "onnx-int8":
                _export_int8(network, path, partial(sample, "train"))
            else:
                _export_float32(network, path)
            compared = agreement(network, _session(path), sample("test"))
            record = json.dumps({**compared, "sha256": file_hash(path)})
            (new / "agreement.json").write_text(record, encoding="utf-8")
            if _is_whole(folder):
                raise FileExistsError(folder)  # another process was faster, and may be reading it
    except torch.onnx.OnnxExporterError as error:
        raise ModelError(
            f'the network cannot be exported to ONNX ({in_one_line(error)}); use the back end "torch"'
        ) from error
    except OSError as error:
        if not _is_whole(folder):
            raise ModelError(
                f"{folder}: the export could not be written ({error.strerror or error}); set SENTIMENT_KIT_CACHE to a "
                "folder that can be written"
            ) from error


class _Logits(nn.Module):
    """Tensors in, a tensor out, as the exporter wants it."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor) -> torch.Tensor:
        return self.network(input_ids=input_ids, attention_mask=attention_mask).logits


def _export_float32(network: nn.Module, path: Path) -> None:
    example = [torch.ones(2, 8, dtype=torch.long) for _ in range(2)]  # one tensor for both would become one input
    axes = {0: torch.export.Dim.DYNAMIC, 1: torch.export.Dim.DYNAMIC}
    level = logging.getLogger("torch.onnx").level
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(action="ignore"):
            program: Any = torch.onnx.export(
                _Logits(network).eval(),
                tuple(example),
                dynamo=True,
                input_names=["input_ids", "attention_mask"],
                output_names=["logits"],
                dynamic_shapes={"input_ids": axes, "attention_mask": axes},
                verbose=False,
            )
            program.save(path)
    finally:
        logging.getLogger("torch.onnx").setLevel(level)


class _Smoothed(nn.Module):
    """A linear layer that gets its inputs at one size, its weights scaled the other way: the outputs stay the same.

    int8 has 256 steps for all inputs of a layer, and a few inputs of a trained network are a hundred times as large as
    the rest, which then fall into the same step (SmoothQuant: Xiao et al. 2023).
    """

    def __init__(self, linear: nn.Linear, largest: torch.Tensor) -> None:
        super().__init__()
        weights = linear.weight.detach().abs().amax(dim=0)
        scale = (largest.clamp(min=1e-5) ** _SMOOTHING / weights.clamp(min=1e-5) ** (1 - _SMOOTHING)).clamp(min=1e-5)
        self.inverse = nn.Parameter(1 / scale, requires_grad=False)
        self.linear = copy.deepcopy(linear)
        self.linear.weight = nn.Parameter(linear.weight.detach() * scale)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        return self.linear(inputs * self.inverse)


def _smoothed(network: nn.Module, batches: Iterable[Tokens]) -> nn.Module:
    """A copy whose linear layers get inputs of one size, by the largest that they get on some texts."""
    copied = copy.deepcopy(network)
    linear = {name: layer for name, layer in copied.named_modules() if isinstance(layer, nn.Linear)}
    largest: dict[str, torch.Tensor] = {}

    def watch(name: str, _: nn.Module, inputs: tuple[torch.Tensor, ...]) -> None:
        found = inputs[0].detach().abs().flatten(0, -2).amax(dim=0)
        largest[name] = torch.maximum(largest[name], found) if name in largest else found

    hooks = [layer.register_forward_pre_hook(partial(watch, name)) for name, layer in linear.items()]
    with torch.inference_mode():
        for input_ids, mask in batches:
            copied(input_ids=torch.from_numpy(input_ids), attention_mask=torch.from_numpy(mask))
    for hook in hooks:
        hook.remove()
    for name, found in largest.items():
        copied.set_submodule(name, _Smoothed(linear[name], found))
    return copied


def _export_int8(network: nn.Module, path: Path, sample: Callable[[], Iterable[Tokens]]) -> None:
    """Quantise all linear layers; if that changes more than 1% of the sample's labels, those with wide inputs stay."""
    import onnx
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_name("float32.onnx")
    _export_float32(_smoothed(network, sample()), whole)
    graph = onnx.load(whole).graph
    shapes = {weights.name: tuple(weights.dims) for weights in graph.initializer}
    inner = [(node.name, shapes.get(node.input[1], (0, 0))) for node in graph.node if node.op_type == "MatMul"]
    narrowing = [name for name, shape in inner if len(shape) == 2 and shape[0] > shape[1]]
    options: dict[str, Any] = {"per_channel": True, "weight_type": QuantType.QInt8, "op_types_to_quantize": ["MatMul"]}
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it recommends a preparation that changes nothing here
    try:
        for left in ([], narrowing):
            quantize_dynamic(whole, path, nodes_to_exclude=left, **options)
            found = agreement(network, _session(path), sample())
            if found["labels_changed"] <= _FEW * found["n"]:
                break
    finally:
        logging.getLogger().setLevel(level)
    whole.unlink()


def _session(path: Path) -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()  # `load_model` has brought it down to the usable cores
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])

    def forward(input_ids: np.ndarray, attention_mask: np.ndarray) -> np.ndarray:
        return session.run(["logits"], {"input_ids": input_ids, "attention_mask": attention_mask})[0]

    return forward


def agreement(network: nn.Module, forward: Forward, batches: Iterable[Tokens]) -> dict[str, float]:
    """How a back end's answers differ from the network's own on the same tokens."""
    found = []
    for input_ids, mask in batches:
        with torch.inference_mode():
            own = network(input_ids=torch.from_numpy(input_ids), attention_mask=torch.from_numpy(mask)).logits
        pair = [own.float(), torch.from_numpy(forward(input_ids, mask))]
        found.append([logits.softmax(dim=-1).numpy() for logits in pair])
    own, other = map(np.concatenate, zip(*found, strict=True))
    return {
        "n": len(own),
        "labels_changed": int((own.argmax(axis=1) != other.argmax(axis=1)).sum()),
        "largest_difference": float(np.abs(own - other).max()),
    }
