"""What runs a network on a processor: torch with packed weights, or ONNX Runtime in float32 or int8.

`model.load_model(..., backend=...)` chooses. All take token ids and a mask to logits; what they do not share is speed
and, for int8, exactness (`agreement`).
"""

from __future__ import annotations

import json
import logging
import os
import warnings
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import torch
from torch import nn

from .files.tables import need, whole_folder
from .hub import ModelError, file_hash, reason

BACKENDS = ("torch", "onnx", "onnx-int8")
_LAYOUT = "1"  # of the cache: counted up when an export is made in another way

Tokens = tuple[np.ndarray, np.ndarray]
"""Token ids and mask of a batch, both (n_texts, width) int64."""

Forward = Callable[[np.ndarray, np.ndarray], np.ndarray]
"""From token ids and mask to logits (n_texts, n_labels) float32."""


def usable_cores() -> int:
    """The cores that this process may use: affinity and container quota count, not what the machine has."""
    return joblib.cpu_count()


# torch

# oneDNN and its wrapper keep a program for each shape they ever met, 1,024 of them unless told before the first, and
# batches of tweets have a new shape nearly every time. With 32 nothing is slower, and memory stays flat.
for _variable in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
    os.environ.setdefault(_variable, "32")


class PackedLinear(nn.Module):
    """A linear layer with its weights laid out once for the processor's float32 kernels (oneDNN).

    The plain layer goes through MKL, which uses half of the vector width on processors that are not Intel's. Only for
    inference: with gradients on, the plain layer is computed from the unpacked weights.
    """

    def __init__(self, linear: nn.Linear) -> None:
        super().__init__()
        self.bias = linear.bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().contiguous(), 512)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:  # (..., n_in) -> (..., n_out)
        if torch.is_grad_enabled():
            return nn.functional.linear(inputs, self._packed.to_dense(), self.bias)
        return torch.ops.mkldnn._linear_pointwise(inputs, self._packed, self.bias, "none", [], "")

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """A checkpoint saved from here is that of the plain layer."""
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = self._packed.to_dense()


def pack_linear_layers(network: nn.Module) -> None:
    """Replace the linear layers of a float32 network on the processor by packed ones, where torch can."""
    if not _can_pack():
        return
    for module in list(network.modules()):
        for name, child in list(module.named_children()):
            if type(child) is nn.Linear:
                setattr(module, name, PackedLinear(child))


@cache
def _can_pack() -> bool:
    """Whether this torch has the kernels, on this processor, with the arguments that are used here: tried out."""
    inputs = torch.eye(16)
    try:
        with torch.random.fork_rng(devices=[]), torch.inference_mode():  # nobody's random numbers are used up
            layer = nn.Linear(16, 16)
            return torch.allclose(PackedLinear(layer)(inputs), layer(inputs), atol=1e-5)
    except (AttributeError, NotImplementedError, RuntimeError):
        return False


# ONNX Runtime


def cache_folder() -> Path:
    """Where exports are kept: `$SENTIMENT_KIT_CACHE`, else the user's cache directory."""
    from platformdirs import user_cache_dir

    return Path(os.environ.get("SENTIMENT_KIT_CACHE") or user_cache_dir("sentiment-kit"))


def onnx_forward(
    network: nn.Module, backend: str, weights_hash: str, sample: Callable[[], Iterable[Tokens]]
) -> tuple[Forward, dict[str, float]]:
    """The network through ONNX Runtime, exported once and kept.

    Parameters
    ----------
    network : in float32 on the processor
    backend : "onnx" or "onnx-int8" (dynamic quantisation of the matrix products, per channel)
    weights_hash : names the export in the cache
    sample : gives batches of tokens, to compare with the network once exported

    Returns
    -------
    forward, and its `agreement` with the network on the sample
        `n` texts, `labels_changed`, `largest_difference` of a probability.

    Raises
    ------
    ModelError
        ONNX Runtime or what exports to it is not installed, the network cannot be exported, or the cache not be
        written.
    """
    for module in ("onnx", "onnxruntime", "onnxscript"):
        need(module, "onnx", f"the back end {backend} needs", ModelError)
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


def _export(network: nn.Module, backend: str, folder: Path, sample: Callable[[], Iterable[Tokens]]) -> None:
    """Write model and agreement, whole or not at all, whoever else does the same."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with whole_folder(folder, replace=True) as new:
            path = new / "model.onnx"
            _export_float32(network, path)
            if backend == "onnx-int8":
                _quantise(path)
            compared = agreement(network, _session(path), sample())
            record = json.dumps({**compared, "sha256": file_hash(path)})
            (new / "agreement.json").write_text(record, encoding="utf-8")
            if _is_whole(folder):
                raise FileExistsError(folder)  # another process was faster, and may be reading it
    except torch.onnx.OnnxExporterError as error:
        raise ModelError(
            f'the network cannot be exported to ONNX ({reason(error)}); use the back end "torch"'
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
            program = torch.onnx.export(
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


def _quantise(path: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    whole = path.with_name("float32.onnx")
    path.rename(whole)
    level = logging.getLogger().level
    logging.getLogger().setLevel(logging.ERROR)  # it recommends a preparation that changes nothing here
    try:
        quantize_dynamic(whole, path, per_channel=True, weight_type=QuantType.QInt8, op_types_to_quantize=["MatMul"])
    finally:
        logging.getLogger().setLevel(level)
    whole.unlink()


def _session(path: Path) -> Forward:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = min(torch.get_num_threads(), usable_cores())
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
