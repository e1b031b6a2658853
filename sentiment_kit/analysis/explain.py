"""Which words made it so: integrated gradients over the word embeddings, pieces merged into words.

The method (Sundararajan, Taly and Yan 2017) walks from an empty text, every piece of which is [PAD], to the text at
hand, and credits each piece with its part of the change of a label's logit; the parts sum to the whole change. captum
computes it (extra `explain`). An attribution says what the model reacted to, not what is true or right, and `deletion`
checks that it really did.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Sequence
from copy import deepcopy
from itertools import compress
from typing import TYPE_CHECKING, Any
from unicodedata import combining, normalize

import numpy as np
import pandas as pd
from scipy.stats import ttest_1samp

from ..cleaning import MARK, WORD, clean_tweet
from ..errors import ModelError, in_one_line, require_extra
from ..files.encodings import text_dtype, well_formed
from ..labels import LABELS

if TYPE_CHECKING:
    import torch
    from transformers import PreTrainedTokenizerBase

    from ..model import SentimentModel

ATTRIBUTION_COLUMNS = ("text", "position", "word", "start", "end", "attribution", "target", "logit_change", "error")
TOLERANCE = 0.05
"""How far the parts may miss the whole change, relative to it, before a text is walked in more steps."""

_STEPS = (32, 128, 512)
# What bounds the memory: tokens in one backward pass, and tokens times steps of one batch of texts.
_TOKENS_PER_PASS = 1024
_TOKEN_STEPS = 65_536
_MARKER = re.compile(r"^(?:##|▁|Ġ)|(?:@@|</w>)$")
_REACH = 16  # how many letters may be passed over in search of a piece
_WORD = re.compile(rf"{WORD}|{MARK}+")


def attribute_words(
    model: SentimentModel, texts: str | Iterable[str | None], *, target: str | None = None
) -> pd.DataFrame:
    """How much each word moved the model towards a label.

    Parameters
    ----------
    model : SentimentModel
        One in half precision is explained through a copy in float32.
    texts : str or iterable of str
        As for `predict`; cleaned here.
    target : str, optional
        One of `LABELS`. None: the label predicted for each text.

    Returns
    -------
    DataFrame
        One row a word, texts in order (the index label of each text repeated): `text`, cleaned; `position` of the word
        from 0; `word`; `start`, `end` in the cleaned text; `attribution`, its part of the change of the target's logit
        from the empty text (positive speaks for the target; where several classes count as the target, of the logarithm
        of their sum, so to speak their common logit); `target`; `logit_change`, the whole change; `error`,
        (sum - logit_change) / |logit_change|, beyond 5% only where 512 steps did not do. A word is what white space and
        punctuation part, a hashtag with its sign, a run of marks or emoji. Texts with nothing to read have no rows,
        words that were cut off have 0.

    Raises
    ------
    ModelError
        A label that the model does not have; a model that runs through ONNX Runtime, which has no gradients, or that
        has no table of word embeddings (CANINE, I-BERT); captum is not installed.
    """
    from ..batching import batch_bounds
    from ..inference import predict

    integrated = _integrated_gradients(model)
    if target is not None and target not in model.labels:
        raise ModelError(f"target must be one of {', '.join(model.labels)}, but {target!r} was passed")
    predictions = predict(model, texts, progress=False)
    readable = predictions[predictions["label"].notna()]
    cleaned = [well_formed(clean_tweet(text)) for text in readable["text"]]
    targets = [target or label for label in readable["label"]]
    encodings = [_encode(model, text) for text in cleaned]
    results: dict[int, tuple[np.ndarray, float]] = {}
    todo = sorted(range(len(cleaned)), key=lambda row: -len(encodings[row][0]))
    for steps in _STEPS:
        lengths = np.array([len(encodings[row][0]) for row in todo])
        for first, last in batch_bounds(lengths, _TOKEN_STEPS // steps, equal=model.pad_id is None):
            batch = todo[first:last]
            wanted = [targets[row] for row in batch]
            parts, changes = integrated([encodings[row][0] for row in batch], wanted, steps)
            results.update(zip(batch, zip(parts, changes, strict=True), strict=True))
        todo = [row for row in todo if abs(_error(*results[row])) > TOLERANCE]
    tables = [
        _word_table(text, encoding[1], *results[row], target=label, index=index)
        for row, (index, text, encoding, label) in enumerate(
            zip(readable.index, cleaned, encodings, targets, strict=True)
        )
    ]
    return pd.concat(tables) if tables else pd.DataFrame(columns=list(ATTRIBUTION_COLUMNS))


def highlighted_text(words: pd.DataFrame) -> str:
    """The text as HTML, each word on blue where it spoke for the target, on orange where it spoke against it.

    The largest attribution of the text has full colour.

    Parameters
    ----------
    words : DataFrame
        The rows of one text, as from `attribute_words`.

    Returns
    -------
    str
        One paragraph; the text is escaped. Show it with `IPython.display.HTML`.
    """
    if words.empty:
        return "<p><em>nothing to read</em></p>"
    scale = words["attribution"].abs().max() or 1.0
    text, parts, end = words["text"].iloc[0], [], 0
    for word in words.itertuples():
        strength = min(abs(word.attribution) / scale, 1.0)
        colour = "0, 114, 178" if word.attribution > 0 else "213, 94, 0"
        style = f"background: rgba({colour}, {0.65 * strength:.2f}); border-radius: 3px; padding: 0 2px"
        title = f"{word.attribution:+.2f}"
        parts.append(html.escape(text[end : word.start]))
        parts.append(f'<span style="{style}" title="{title}">{html.escape(text[word.start : word.end])}</span>')
        end = word.end
    parts.append(html.escape(text[end:]))
    target = html.escape(str(words["target"].iloc[0]))
    return f'<p style="line-height: 1.8"><strong>{target}</strong>: {"".join(parts)}</p>'


def deletion(
    model: SentimentModel, words: pd.DataFrame, *, removed: Sequence[int] = (1, 2, 3), draws: int = 10, seed: int = 0
) -> pd.DataFrame:
    """Do the words that were credited count? Remove them, and as many at random, and see the probability fall.

    Parameters
    ----------
    model : SentimentModel
        The one that the words were attributed for.
    words : DataFrame
        As from `attribute_words`.
    removed : sequence of int, default (1, 2, 3)
        Numbers of words to remove; texts with fewer than two more than that are left out.
    draws : int, default 10
        How often random words are drawn for each text.
    seed : int, default 0
        Seed of the draws.

    Returns
    -------
    DataFrame
        Indexed by `removed`: `top`, the mean fall of the target's probability without the words of highest attribution;
        `random`, without as many random ones; `gap`, top - random, with its 95% interval `low` to `high` (paired over
        texts, Student's), and `n` texts. NaN without two texts.
    """
    generator = np.random.default_rng(seed)
    numbers = (words["position"] == 0).cumsum().to_numpy()  # a new text begins where the position is 0 again
    texts = [list(part.itertuples()) for _, part in words.groupby(numbers)]
    before = _target_probabilities(model, texts, [np.zeros(len(text), dtype=bool) for text in texts])
    rows = {}
    for count in removed:
        usable = [number for number, text in enumerate(texts) if len(text) >= count + 2]
        parts = [texts[number] for number in usable]
        ranks = [np.argsort(np.argsort([-word.attribution for word in text], kind="stable")) for text in parts]
        top = [rank < count for rank in ranks]
        falls = before[usable] - _target_probabilities(model, parts, top)
        by_chance = np.zeros(len(parts))
        for _ in range(draws):
            chosen = [generator.permutation(len(text)) < count for text in parts]
            by_chance += (before[usable] - _target_probabilities(model, parts, chosen)) / draws
        gap = falls - by_chance
        low, high = ttest_1samp(gap, 0).confidence_interval(0.95) if len(gap) > 1 else (np.nan, np.nan)
        means = [float(values.mean()) if len(values) else np.nan for values in (falls, by_chance, gap)]
        rows[count] = dict(zip(("top", "random", "gap", "low", "high"), (*means, low, high), strict=True))
        rows[count]["n"] = len(parts)
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("removed")


# Integrated gradients


def _integrated_gradients(
    model: SentimentModel,
) -> Callable[[list[list[int]], list[str], int], tuple[list[np.ndarray], list[float]]]:
    """A function from token ids, labels and steps to each piece's part (n_tokens,) and the change, text by text."""
    require_extra("captum", "explain", "word attributions need", ModelError)
    import torch
    from captum.attr import IntegratedGradients

    embed, logits = _logits_of_embeddings(model)
    method = IntegratedGradients(logits)
    pad = model.tokenizer.pad_token_id or 0 if model.pad_id is None else model.pad_id
    special = set(model.tokenizer.all_special_ids) - {model.tokenizer.unk_token_id}
    labels = list(dict.fromkeys(model.labels))

    def integrate(token_ids: list[list[int]], targets: list[str], steps: int) -> tuple[list[np.ndarray], list[float]]:
        width = max(map(len, token_ids))
        ids = torch.tensor([row + [pad] * (width - len(row)) for row in token_ids], device=model.device)
        mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in token_ids], device=model.device)
        # Only the special tokens that frame a text stay; an unknown piece is a word like any other.
        frame = torch.zeros_like(mask, dtype=torch.bool)
        for number, row in enumerate(token_ids):
            own = [place for place, piece in enumerate(row) if piece not in special]
            frame[number, : min(own, default=0)] = True
            frame[number, max(own, default=-1) + 1 :] = True
        empty = torch.where(frame, ids, torch.full_like(ids, pad))
        chosen = torch.tensor([labels.index(target) for target in targets], device=model.device)
        with torch.inference_mode():
            full, nothing = embed(ids), embed(empty)  # (n, width, hidden)
        parts = method.attribute(
            full.clone(),
            nothing.clone(),
            target=chosen,
            additional_forward_args=(ids, mask),
            n_steps=steps,
            internal_batch_size=max(len(token_ids), _TOKENS_PER_PASS // width),
        ).sum(dim=-1)  # (n, width, hidden) -> (n, width)
        with torch.inference_mode():
            change = (logits(full, ids, mask) - logits(nothing, ids, mask)).gather(1, chosen[:, None])[:, 0]
        found = parts.detach().cpu().double().numpy()
        return [row[: len(ids)] for row, ids in zip(found, token_ids, strict=True)], change.cpu().double().tolist()

    return integrate


def _logits_of_embeddings(model: SentimentModel) -> tuple[Callable, Callable]:
    """Two functions: token ids to their embeddings (n, width, hidden), and these, ids and mask to logits (n, n_labels).

    The network gets the ids, for some read more in them than words (positions, where the text ends), and each of its
    tables of words gives the embeddings in place of what it has for them.
    """
    import torch

    if model.network is None:
        raise ModelError(f'gradients need the back end "torch", but the model runs through {model.backend!r}')
    own: Any = model.network
    network = own if model.dtype == torch.float32 else deepcopy(own).float()  # gradients need it
    try:
        words = network.get_input_embeddings()
    except NotImplementedError:  # CANINE, which reads characters
        words = None
    if not isinstance(words, torch.nn.Embedding):
        raise ModelError(f"{model.name}: its words cannot be credited, for it has no table of word embeddings")
    tables = [module for module in network.modules() if getattr(module, "weight", None) is words.weight]
    outputs = [[row for row, own in enumerate(model.labels) if own == label] for label in dict.fromkeys(model.labels)]

    def logits(embedded: torch.Tensor, ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        def instead(_: Any, arguments: tuple[torch.Tensor, ...], found: torch.Tensor) -> torch.Tensor:
            seen, width = arguments[0], ids.shape[1]
            if torch.equal(seen[:, :width], ids):  # Longformer fills them up
                return torch.cat([embedded, found[:, width:]], dim=1)
            if torch.equal(seen, ids.T):  # XLNet
                return embedded.transpose(0, 1)
            if torch.equal(seen[:, 1:], ids[:, :-1]):  # a decoder's, which begin with one of its own
                return torch.cat([found[:, :1], embedded[:, :-1]], dim=1)
            raise ValueError("its word embeddings are not those of the text")

        hooks = [table.register_forward_hook(instead) for table in tables]
        try:
            found = network(input_ids=ids, attention_mask=mask).logits
        except Exception as error:  # what a network asks of its input is its own affair
            raise ModelError(f"{model.name}: its words cannot be credited ({in_one_line(error)})") from error
        finally:
            for hook in hooks:
                hook.remove()
        # The logit of a label that several classes count as: the probabilities are summed.
        return torch.stack([found[:, rows].logsumexp(dim=1) for rows in outputs], dim=1)

    return words, logits


def _encode(model: SentimentModel, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids with special tokens, and where in the text each piece lies."""
    rust = model.tokenizer.is_fast
    encoded = model.tokenizer(text, truncation=True, max_length=model.max_tokens, return_offsets_mapping=rust)
    ids = encoded["input_ids"]
    return ids, encoded["offset_mapping"] if rust else _find_pieces(text, _pieces(model.tokenizer, ids))


def _pieces(tokenizer: PreTrainedTokenizerBase, ids: list[int]) -> list[str | None]:
    """What each token stands for without the signs for where words begin and end; None for an unknown one."""
    special = set(tokenizer.all_special_ids)
    pieces = map(str, tokenizer.convert_ids_to_tokens(ids))
    return [
        None if number == tokenizer.unk_token_id else "" if number in special else _MARKER.sub("", piece)
        for number, piece in zip(ids, pieces, strict=True)
    ]


def _find_pieces(text: str, pieces: list[str | None]) -> list[tuple[int, int]]:
    """Where each piece lies, sought one after the other, for a tokenizer that does not say.

    Capitals and accents may have been lost. An unknown piece lies where the next sign is; special ones lie nowhere.
    """
    places = [place for place, sign in enumerate(text) for _ in _plain(sign)]  # of each plain letter
    letters = "".join(map(_plain, text))
    spans, at = [], 0
    for piece in pieces:
        sought = "" if piece is None else _plain(piece)
        first = letters.find(sought, at, at + len(sought) + _REACH) if sought else -1
        if first >= 0:
            at = first + len(sought)
            spans.append((places[first], places[at - 1] + 1))
        elif piece == "" or at == len(places):
            spans.append((0, 0))
        else:
            spans.append((places[at], places[at] + 1))
    return spans


def _plain(text: str) -> str:
    """Small letters without accents and white space."""
    return "".join(sign for sign in normalize("NFKD", text.casefold()) if not (combining(sign) or sign.isspace()))


def _error(parts: np.ndarray, change: float) -> float:
    return float((parts.sum() - change) / max(abs(change), 1e-9))


# Words


def _word_table(
    text: str, offsets: list[tuple[int, int]], parts: np.ndarray, change: float, *, target: str, index: object
) -> pd.DataFrame:
    """One row a word; a piece belongs to the word that its last character lies in."""
    spans = [match.span() for match in _WORD.finditer(text)]
    totals = np.zeros(len(spans))
    starts = np.array([start for start, _ in spans])
    for (start, end), part in zip(offsets, parts, strict=True):
        if end > start and len(spans):
            totals[np.searchsorted(starts, end - 1, side="right") - 1] += part
    return pd.DataFrame(
        {
            "text": pd.Series([text] * len(spans), dtype=text_dtype),
            "position": range(len(spans)),
            "word": pd.Series([text[start:end] for start, end in spans], dtype=text_dtype),
            "start": [start for start, _ in spans],
            "end": [end for _, end in spans],
            "attribution": totals,
            "target": target,
            "logit_change": change,
            "error": _error(parts, change),
        },
    ).set_axis([index] * len(spans))


def _target_probabilities(model: SentimentModel, texts: list[list[Any]], gone: list[np.ndarray]) -> np.ndarray:
    """The probability of each text's target (n,) without some of its words; a text is its rows of the word table."""
    from ..inference import predict

    rest = [_without(text, mask) for text, mask in zip(texts, gone, strict=True)]
    table = predict(model, rest, clean=None, progress=False)[list(LABELS)].to_numpy(dtype=float)
    return table[np.arange(len(texts)), [LABELS.index(text[0].target) for text in texts]]


def _without(words: list[Any], gone: np.ndarray) -> str:
    text, kept, end = words[0].text, [], 0
    for word in compress(words, gone):
        kept.append(text[end : word.start])
        end = word.end
    return " ".join("".join([*kept, text[end:]]).split())
