"""From a multilingual encoder to an Italian one: fewer word pieces, fewer layers, nothing trained.

A multilingual vocabulary is mostly of other languages. The pieces that are kept are those that Italian words, weighted
by how often they are used (wordfreq), and the texts at hand are cut into; and every single letter and sign, so that no
word is left without pieces. A kept piece keeps its embedding.
"""

from __future__ import annotations

import json
import shutil
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer
from transformers import AutoModel, AutoTokenizer
from wordfreq import get_frequency_dict

from sentiment_kit.hub import find_folder
from sentiment_kit.model import quiet_transformers

CASES = ((str.lower, 1.0), (str.capitalize, 0.2), (str.upper, 0.02))
"""How words are written, and about how often: the frequencies are of words in small letters."""
TEXT_SHARE = 0.3
"""What the texts at hand count beside the frequencies of Italian."""


def write_encoder(
    source: str,
    folder: Path,
    texts: Sequence[str],
    *,
    vocabulary: int | None = None,
    layers: Sequence[int] | None = None,
) -> None:
    """Write a base model for `fine_tune` to a new `folder`, from a BERT with a Unigram tokenizer (hub id or folder).

    Without `vocabulary` all pieces stay, without `layers` all layers.
    """
    found, _ = find_folder(source)
    folder.mkdir(parents=True)
    with quiet_transformers():
        network = AutoModel.from_pretrained(found, dtype=torch.float32, add_pooling_layer=False)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copyfile(found / name, folder / name)  # not copy: what lies there may be read-only
    if vocabulary is not None:
        kept = _cut_vocabulary(folder / "tokenizer.json", texts, vocabulary)
        old = network.get_input_embeddings().weight.detach()
        network.resize_token_embeddings(len(kept))
        network.get_input_embeddings().weight.data.copy_(old[kept])
    if layers is not None:
        network.encoder.layer = torch.nn.ModuleList(network.encoder.layer[number] for number in layers)
        network.config.num_hidden_layers = len(layers)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    network.config.pad_token_id = tokenizer.pad_token_id
    network.half().save_pretrained(folder)


def _cut_vocabulary(path: Path, texts: Sequence[str], size: int) -> list[int]:
    """Cut a Unigram tokenizer's file to the `size` pieces that Italian needs most; the old numbers of those kept."""
    content = json.loads(path.read_text(encoding="utf-8"))
    pieces = content["model"]["vocab"]
    special = {token["content"] for token in content["added_tokens"]}
    use = _use_of_pieces(Tokenizer.from_file(str(path)), texts)
    always = [number for number, (piece, _) in enumerate(pieces) if piece in special or _is_sign(piece)]
    rest = sorted(set(use) - set(always), key=lambda number: (-use[number], number))
    kept = sorted([*always, *rest[: size - len(always)]])
    content["model"]["vocab"] = [pieces[number] for number in kept]
    numbers = {old: new for new, old in enumerate(kept)}
    content["model"]["unk_id"] = numbers[content["model"]["unk_id"]]
    for token in content["added_tokens"]:
        token["id"] = numbers[token["id"]]
    for token in content["post_processor"]["special_tokens"].values():
        token["ids"] = [numbers[number] for number in token["ids"]]
    path.write_text(json.dumps(content, ensure_ascii=False), encoding="utf-8")
    return kept


def _use_of_pieces(tokenizer: Tokenizer, texts: Sequence[str]) -> Counter[int]:
    """How often each piece is used, out of all pieces: in written Italian, and in these texts."""
    use: Counter[int] = Counter()
    words = get_frequency_dict("it", wordlist="large")
    forms = [(change(word), share * often) for word, often in words.items() for change, share in CASES]
    _count(use, tokenizer, forms, 1 - TEXT_SHARE)
    _count(use, tokenizer, [(text, 1.0) for text in texts], TEXT_SHARE)
    return use


def _count(use: Counter[int], tokenizer: Tokenizer, weighted: Iterable[tuple[str, float]], share: float) -> None:
    texts, weights = zip(*weighted, strict=True)
    encodings = tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
    total = sum(weight * len(encoding.ids) for encoding, weight in zip(encodings, weights, strict=True))
    for encoding, weight in zip(encodings, weights, strict=True):
        for number in encoding.ids:
            use[number] += share * weight / total


def _is_sign(piece: str) -> bool:
    """A single letter of the Latin alphabet, digit, punctuation mark, symbol or emoji."""
    if len(piece) != 1:
        return False
    letter = unicodedata.category(piece)[0] in "LM"
    return not letter or unicodedata.name(piece, "").startswith(("LATIN", "VARIATION", "COMBINING"))
