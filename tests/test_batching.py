import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tqdm import tqdm

from sentiment_kit import batching
from sentiment_kit.batching import FlatTokens, batch_bounds, one_ahead, pad, score, token_budget, tokenize
from sentiment_kit.data import load_demo

TEXTS = load_demo("test")["text"].tolist()[:120]


@pytest.mark.parametrize(
    ("lengths", "budget", "batch_size", "expected"),
    [
        ([], 20, None, []),
        ([5], 20, None, [(0, 1)]),
        ([50], 20, None, [(0, 1)]),  # longer than the budget, and alone
        ([50, 2, 2], 20, None, [(0, 1), (1, 3)]),
        ([5, 5, 5, 5, 5], 20, None, [(0, 4), (4, 5)]),
        ([5, 5, 4, 4, 4, 4], 20, None, [(0, 2), (2, 6)]),  # a quarter full, and the length changes
        ([5, 4, 4, 4, 4, 4], 40, None, [(0, 2), (2, 6)]),  # padding, up to a quarter, rather than a batch of one
        ([9, 9, 9, 9, 9], 1000, 4, [(0, 4), (4, 5)]),
        ([9, 9, 8, 8, 7], 1000, 4, [(0, 2), (2, 4), (4, 5)]),
    ],
)
def test_batches_by_hand(lengths, budget, batch_size, expected):
    assert list(batch_bounds(np.array(lengths, dtype=int), budget, batch_size)) == expected


@given(st.lists(st.integers(1, 60)), st.integers(1, 300), st.none() | st.integers(1, 9))
def test_batches_cover_all_texts_once_within_the_budget(lengths, budget, batch_size):
    lengths = np.array(sorted(lengths, reverse=True), dtype=int)
    bounds = list(batch_bounds(lengths, budget, batch_size))
    assert [row for first, last in bounds for row in range(first, last)] == list(range(len(lengths)))
    for first, last in bounds:
        assert (last - first) * lengths[first] <= budget or last - first == 1
        assert batch_size is None or last - first <= batch_size


def test_most_batches_of_many_texts_need_no_padding(tiny_model):
    tokens = tokenize(tiny_model, load_demo()["text"].tolist())
    lengths = np.sort(tokens.lengths)[::-1]
    bounds = list(batch_bounds(lengths, 512))
    unpadded = [lengths[first] == lengths[last - 1] for first, last in bounds]
    assert np.mean(unpadded) > 0.8
    cells = sum((last - first) * lengths[first] for first, last in bounds)
    assert 1 - lengths.sum() / cells < 0.01


def test_padding_by_hand():
    tokens = FlatTokens(np.array([2, 7, 3, 2, 8, 9, 3]), np.array([3, 4]), np.zeros(2, dtype=bool))
    input_ids, mask = pad(tokens, np.array([1, 0]), 0)
    assert input_ids.tolist() == [[2, 8, 9, 3], [2, 7, 3, 0]]
    assert mask.tolist() == [[1, 1, 1, 1], [1, 1, 1, 0]]


@pytest.mark.parametrize("limit", [512, 8])
def test_tokens_are_those_of_transformers(tiny_model, limit):
    model = type(tiny_model)(**{**tiny_model.__dict__, "max_tokens": limit})
    texts = ["", "a", "casa " * 3, "casa " * 30, *TEXTS[:20]]
    tokens = tokenize(model, texts)
    expected = [model.tokenizer(text, truncation=True, max_length=limit)["input_ids"] for text in texts]
    parts = np.split(tokens.ids, np.cumsum(tokens.lengths)[:-1])
    assert [part.tolist() for part in parts] == expected
    whole = [len(model.tokenizer(text, verbose=False)["input_ids"]) for text in texts]
    assert tokens.truncated.tolist() == [length > limit for length in whole]


def test_tokens_made_ahead_are_the_same_in_order(tiny_model):
    chunks = [TEXTS[start : start + 7] for start in range(0, len(TEXTS), 7)]
    for parts in (chunks, chunks[:1], []):
        ahead = list(one_ahead(tokenize(tiny_model, part) for part in parts))
        now = [tokenize(tiny_model, part) for part in parts]
        assert len(ahead) == len(parts)
        for one, other in zip(ahead, now, strict=True):
            np.testing.assert_array_equal(one.ids, other.ids)


def test_a_tokenizer_in_python_gives_the_same(tiny_model):
    class Slow:
        pad_token_id = tiny_model.tokenizer.pad_token_id
        num_special_tokens_to_add = tiny_model.tokenizer.num_special_tokens_to_add

        def __call__(self, *arguments, **options):
            return tiny_model.tokenizer(*arguments, **options)

    slow = type(tiny_model)(**{**tiny_model.__dict__, "tokenizer": Slow(), "max_tokens": 8})
    fast = type(tiny_model)(**{**tiny_model.__dict__, "max_tokens": 8})
    for one, other in zip(tokenize(slow, TEXTS), tokenize(fast, TEXTS), strict=True):
        np.testing.assert_array_equal(one, other)


@settings(max_examples=10, deadline=None)
@given(chunk=st.integers(1, 130), budget=st.integers(1, 400))
def test_chunks_and_budgets_change_nothing(tiny_model, chunk, budget):
    whole = score(tiny_model, TEXTS)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batching, "_CHUNK", chunk)
        patch.setattr(batching, "CPU_NUMBERS", 64 * budget)
        parts = score(tiny_model, TEXTS)
    np.testing.assert_allclose(parts.probabilities, whole.probabilities, atol=1e-5)
    np.testing.assert_array_equal(parts.n_tokens, whole.n_tokens)


@pytest.mark.parametrize(("hidden_size", "budget"), [(768, 512), (1024, 384), (64, 6144), (32, 8192)])
def test_the_budget_of_a_processor_depends_on_the_width(tiny_model, hidden_size, budget):
    assert token_budget(dataclasses.replace(tiny_model, hidden_size=hidden_size)) == budget


def test_the_bar_counts_every_text(tiny_model, capsys):
    bar = tqdm(total=4, disable=False)  # whatever TQDM_DISABLE says
    score(tiny_model, ["ciao", "", "bello bello", "😀"], bar=bar)
    assert bar.n == 4
    bar.close()
