"""Coverage-guided fuzzing: no input may crash, hang or lose a row. `make fuzz`, or as a test for a short while.

    python tests/fuzz.py -max_total_time=600 -timeout=20

Each input's first byte says what it goes to. What is found is written to a file `crash-...`; give it as an argument to
see it again.
"""

import contextlib
import sys
import tempfile
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["sentiment_kit"]):
    from sentiment_kit.analysis.duplicates import near_duplicates
    from sentiment_kit.analysis.lexicon import football_cues
    from sentiment_kit.analysis.phenomena import tag_phenomena
    from sentiment_kit.batching import tokenize
    from sentiment_kit.cleaning import clean_tweet
    from sentiment_kit.errors import DataError
    from sentiment_kit.files.rows import inspect, iter_parts
    from sentiment_kit.files.tables import read_table
    from sentiment_kit.inference import predict
    from sentiment_kit.model import load_model

MODEL = load_model("demo", device="cpu")
FOLDER = Path(tempfile.mkdtemp())


def fuzz_cleaning(data: bytes) -> None:
    text = data.decode("utf-8", "surrogatepass" if data[:1] < b"\x80" else "replace")
    cleaned = clean_tweet(text)
    assert clean_tweet(cleaned) == cleaned, "cleaning twice is cleaning once"
    assert len(cleaned) <= len(text)


def fuzz_tags(data: bytes) -> None:
    texts = data.decode("utf-8", "replace").split("\x00")
    assert len(football_cues(texts)) == len(tag_phenomena(texts)) == len(near_duplicates(texts)) == len(texts)


def fuzz_inference(data: bytes) -> None:
    texts = data.decode("utf-8", "replace").split("\x00")
    assert len(tokenize(MODEL, texts).lengths) == len(texts)
    table = predict(MODEL, texts, progress=False)
    assert table["text"].tolist() == texts
    assert (table["label"].isna() == (table["n_tokens"] == 0)).all()


def fuzz_readers(data: bytes) -> None:
    suffix = (".csv", ".tsv", ".jsonl", ".parquet", ".csv.gz", ".jsonl.zst")[data[0] % 6] if data else ".csv"
    path = FOLDER / f"input{suffix}"
    path.write_bytes(data[1:])
    with contextlib.suppress(DataError):
        read_table(path)
    with contextlib.suppress(DataError):
        source = inspect(path)
        whole, cut = (list(iter_parts(source, rows)) for rows in (1000, 1))
        assert sum(len(part.table) for part in whole) == sum(len(part.table) for part in cut)
        assert [row for part in whole for row in part.rejected] == [row for part in cut for row in part.rejected]


TARGETS = (fuzz_cleaning, fuzz_tags, fuzz_inference, fuzz_readers)


def one_input(data: bytes) -> None:
    if data:
        with contextlib.suppress(UnicodeDecodeError):
            TARGETS[data[0] % len(TARGETS)](data[1:])


if __name__ == "__main__":
    atheris.Setup(sys.argv, one_input)
    atheris.Fuzz()
