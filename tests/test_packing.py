import copy
import pickle

import pytest
import torch
from joblib import cpu_count
from torch import nn
from transformers import AutoModelForSequenceClassification

from sentiment_kit.data import load_demo
from sentiment_kit.model import load_model
from sentiment_kit.packing import PackedLinear, pack_linear_layers, unpack_linear_layers

TWEETS = load_demo("test")["text"].iloc[:100]


# Packed layers


def test_a_packed_layer_is_the_layer():
    torch.manual_seed(0)
    plain = nn.Linear(40, 7)
    network = nn.Sequential(plain)
    pack_linear_layers(network)
    if not isinstance(network[0], PackedLinear):
        pytest.skip("this torch has no oneDNN kernels")
    for shape in [(3, 40), (1, 5, 40), (0, 40)]:
        inputs = torch.randn(shape)
        with torch.inference_mode():
            torch.testing.assert_close(network(inputs), plain(inputs))
    inputs = torch.randn(2, 40, requires_grad=True)
    network(inputs).sum().backward()
    torch.testing.assert_close(inputs.grad, plain.weight.sum(dim=0).expand(2, -1))


def test_a_packed_network_is_saved_as_it_was(hub_folder, tmp_path):
    model = load_model(hub_folder, device="cpu")
    model.network.save_pretrained(tmp_path)
    plain = AutoModelForSequenceClassification.from_pretrained(hub_folder).state_dict()
    saved = AutoModelForSequenceClassification.from_pretrained(tmp_path).state_dict()
    assert plain.keys() == saved.keys()
    for name, weights in plain.items():
        torch.testing.assert_close(saved[name], weights)


def test_packed_layers_are_unpacked_without_loss():
    torch.manual_seed(0)
    plain = nn.Linear(40, 7)
    network = nn.Sequential(plain)
    pack_linear_layers(network)
    unpack_linear_layers(network)
    assert type(network[0]) is nn.Linear
    assert torch.equal(network[0].weight, plain.weight)
    assert torch.equal(network[0].bias, plain.bias)


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda layer: pickle.loads(pickle.dumps(layer))])
def test_a_copy_of_a_packed_layer_is_packed_and_the_same(copied):
    network = nn.Sequential(nn.Linear(40, 7))
    pack_linear_layers(network)
    other, inputs = copied(network), torch.randn(3, 40)
    assert type(other[0]) is type(network[0])
    with torch.inference_mode():
        assert torch.equal(other(inputs), network(inputs))
    assert torch.equal(other[0].weight, network[0].weight)
    assert (other[0].in_features, other[0].out_features) == (40, 7)


def test_only_float32_on_the_processor_is_packed(hub_folder):
    half = load_model(hub_folder, device="cpu", dtype="bfloat16")
    assert not [module for module in half.network.modules() if isinstance(module, PackedLinear)]


def test_the_cores_are_those_that_may_be_used(hub_folder, monkeypatch):
    load_model(hub_folder, device="cpu")
    before = torch.get_num_threads()
    assert 1 <= before <= cpu_count()
    torch.set_num_threads(2)
    monkeypatch.setattr("sentiment_kit.model.cpu_count", lambda: 1)
    load_model(hub_folder, device="cpu")
    assert torch.get_num_threads() == 1
    torch.set_num_threads(before)
