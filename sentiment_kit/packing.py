"""Linear layers laid out for the processor: the same float32 products, faster where MKL is slow.

Only for inference on a processor; `model.load_model` packs what it loads there.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache
from typing import Any

import torch
from torch import nn

__all__ = ["PackedLinear", "pack_linear_layers", "unpack_linear_layers"]


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
        self.in_features, self.out_features, self.bias = linear.in_features, linear.out_features, linear.bias
        self._packed = torch.ops.mkldnn._reorder_linear_weight(linear.weight.detach().contiguous(), 512)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:  # (..., n_in) -> (..., n_out)
        if torch.is_grad_enabled():
            return nn.functional.linear(inputs, self._packed.to_dense(), self.bias)
        return torch.ops.mkldnn._linear_pointwise(inputs, self._packed, self.bias, "none", [], "")

    @property
    def weight(self) -> torch.Tensor:
        """As the plain layer has it, laid out anew each time: for what asks for it, as T5 does for its type."""
        return self._packed.to_dense()

    def __reduce__(self) -> tuple[Any, ...]:
        """Copied, pickled and sent to other processes as the plain layer, and packed again there."""
        return _packed, (self.unpacked(),)

    def _save_to_state_dict(self, destination: dict[str, Any], prefix: str, keep_vars: bool) -> None:
        """A checkpoint saved from here is that of the plain layer."""
        super()._save_to_state_dict(destination, prefix, keep_vars)
        destination[prefix + "weight"] = self.weight

    def unpacked(self) -> nn.Linear:
        """The plain layer with the same weights."""
        weight = self.weight
        linear = nn.Linear(weight.shape[1], weight.shape[0], bias=self.bias is not None, device="meta")
        linear.weight, linear.bias = nn.Parameter(weight, requires_grad=False), self.bias
        return linear


def _packed(linear: nn.Linear) -> nn.Module:
    """The packed layer, or the plain one where this processor has no use for it."""
    return PackedLinear(linear) if _can_pack() else linear


def pack_linear_layers(network: nn.Module) -> None:
    """Replace the linear layers of a float32 network on the processor by packed ones, where torch can."""
    if _can_pack():
        _replace(network, nn.Linear, PackedLinear)


def unpack_linear_layers(network: nn.Module) -> None:
    """Put plain layers where packed ones are."""
    _replace(network, PackedLinear, PackedLinear.unpacked)


def _replace(network: nn.Module, kind: type[nn.Module], other: Callable[..., nn.Module]) -> None:
    for name, layer in list(network.named_modules(remove_duplicate=False)):
        if name and type(layer) is kind:
            network.set_submodule(name, other(layer))


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
