"""Files to the tweet table.

The tweet table: `id` (string), `text`, `label` (categorical negative < neutral < positive, or missing), then whatever
annotation the source has. Input order is kept. Rows left out on purpose are counted in `table.attrs["left_out"]`.
Reading is strict: a file that is not what it seems raises `DataError` with file, row and column.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from .cleaning import is_missing
from .errors import DataError, Note, require_extra
from .files.encodings import FORMATS, exists, file_format, open_bytes, text_dtype
from .files.rows import column_names
from .files.tables import read_arrow, read_saved, read_table, to_pandas
from .labels import LABELS, is_mixed_name, label_dtype, label_key, match_label, read_fold

__all__ = ["is_mixed", "is_sentipolc", "load_data", "load_demo", "load_predictions", "load_sentipolc", "load_tweets"]

DEMO_FILE = Path(__file__).parent / "demo" / "tweets.csv"
TIMELINE_FILE = DEMO_FILE.with_name("timeline.csv")

SENTIPOLC_COLUMNS = ("idtwitter", "subj", "opos", "oneg", "iro", "lpos", "lneg", "top", "text")
SENTIPOLC_TOPICS = {0: "generic", 1: "political", 2: "school reform"}
_POLARITY = {(1, 0): "positive", (0, 1): "negative", (0, 0): "neutral"}  # (opos, oneg); (1, 1) is mixed


# The tweet table


def load_sentipolc(path: str | Path, *, mixed: str = "drop") -> pd.DataFrame:
    """Read a file of SENTIPOLC 2016 (Barbieri et al., EVALITA 2016) in any of its layouts.

    Understood are the training layout (header, commas), the gold test layout (no header) and the `;` distribution.

    Parameters
    ----------
    path : str or Path
        A file, plain, .gz or .zst.
    mixed : str, default "drop"
        What becomes of tweets annotated both positive and negative, which three labels cannot say. "drop": left out and
        counted in `attrs["left_out"]["mixed"]`; "neutral" or "negative": given that label; "keep": kept with a missing
        label.

    Returns
    -------
    DataFrame
        `id`, `text`, `label`; `subjective`, `ironic` bool; `literal_label`, the polarity of the words before irony
        (missing where both); `topic` "generic", "political" or "school reform"; `opos`, `oneg` 0 or 1 as annotated.

    Raises
    ------
    DataError
        Not a SENTIPOLC layout, or a row that is broken, naming row and column.
    ValueError
        Another `mixed`.
    """
    _check_mixed(mixed)
    if not is_sentipolc(path):
        open_bytes(Path(path)).close()  # a file that cannot be read at all says so here
        raise DataError(
            f"{path}: not a SENTIPOLC 2016 file; expected the columns {', '.join(SENTIPOLC_COLUMNS)}, or nine fields "
            f"without a header, got {', '.join(column_names(Path(path))):.200}"
        )
    raw = read_table(path, columns=headless_columns(path)).rename(columns=_sentipolc_name)
    marks = {name: _as_marks(raw[name], path) for name in SENTIPOLC_COLUMNS[1:7]}
    table = pd.DataFrame(
        {
            "id": _as_ids(raw["idtwitter"], path),
            "text": raw["text"],
            "label": _polarity(marks["opos"], marks["oneg"]),
            "subjective": marks["subj"] == 1,
            "ironic": marks["iro"] == 1,
            "literal_label": _polarity(marks["lpos"], marks["lneg"]),
            "topic": _as_marks(raw["top"], path, tuple(SENTIPOLC_TOPICS)).map(SENTIPOLC_TOPICS).astype(text_dtype),
            "opos": marks["opos"],
            "oneg": marks["oneg"],
        }
    )
    return _settled(table, mixed)


def _settled(tweets: pd.DataFrame, mixed: str) -> pd.DataFrame:
    """The table with mixed rows labelled as `mixed` says, or without them."""
    both = is_mixed(tweets)
    if mixed == "drop" and both.any():
        left = tweets[~both].reset_index(drop=True)
        left.attrs["left_out"] = {"mixed": int(both.sum())}
        return left
    return tweets.assign(label=settle_mixed(tweets, mixed)) if both.any() else tweets


def settle_mixed(tweets: pd.DataFrame, mixed: str) -> pd.Series:
    """The labels of a tweet table, those of its mixed rows as `mixed` says: missing for "drop" and "keep"."""
    _check_mixed(mixed)
    return tweets["label"].mask(is_mixed(tweets), mixed if mixed in LABELS else None)


def is_mixed(tweets: pd.DataFrame) -> pd.Series:
    """Which rows are marked both positive and negative, in `opos` and `oneg` or else in `mixed`."""
    if {"opos", "oneg"} <= set(tweets.columns):
        return tweets["opos"].eq(1) & tweets["oneg"].eq(1)
    if "mixed" in tweets.columns and tweets["mixed"].dtype == bool:
        return tweets["mixed"]
    return pd.Series(False, index=tweets.index)


def _check_mixed(mixed: str) -> None:
    if mixed not in ("drop", "neutral", "negative", "keep"):
        raise ValueError(f'mixed must be one of "drop", "neutral", "negative", "keep", but {mixed!r} was passed')


def load_predictions(path: str | Path, tweets: pd.DataFrame) -> pd.DataFrame:
    """Read predictions made anywhere, for the rows of a tweet table.

    Parameters
    ----------
    path : str or Path
        A table in any format that `files.read_table` knows. With `label`, or `predicted_label` as `sentiment-kit score`
        calls it beside a gold `label`; with `id` (or `idtwitter`), or else as many rows as `tweets` in its order; ids
        do not matter where a column has all texts of `tweets`, in order. An empty label is a row that was not read. The
        probabilities `negative`, `neutral`, `positive` may be there too.
    tweets : DataFrame
        Tweet table.

    Returns
    -------
    DataFrame
        With the index of `tweets`: `text` of the tweets, `label`, and with probabilities these and `confidence`, the
        largest.

    Raises
    ------
    DataError
        A missing column, an unknown label, a probability outside [0, 1] or three that do not sum to 1, an id that is
        there twice or not at all, or another number of rows.
    """
    raw = read_table(path)
    named = {name: f"predicted_{name}" if f"predicted_{name}" in raw else name for name in ("label", *LABELS)}
    check_columns(raw, [named["label"]], path)
    table = pd.DataFrame({"label": _as_labels(raw[named["label"]], path)[0]})
    has_probabilities = [label for label in LABELS if named[label] in raw]
    if has_probabilities:
        check_columns(raw, [named[label] for label in LABELS], path)
        table[list(LABELS)] = _as_probabilities(raw[[named[label] for label in LABELS]], table["label"], path)
        table["confidence"] = table[list(LABELS)].max(axis=1)
    id = next((name for name in ("id", "idtwitter") if name in raw), None)
    ids = _as_ids(raw[id], path) if id else None
    texts = tweets["text"].tolist()
    in_order = ids is None or ids.tolist() == tweets["id"].tolist() or any(raw[name].tolist() == texts for name in raw)
    rows = np.arange(len(raw)) if in_order else _rows_of(tweets["id"], ids, path)
    if len(rows) != len(tweets):
        raise DataError(
            f"{path}: {len(raw):,} predictions for {len(tweets):,} tweets, and no column id to match them by"
        )
    table = table.iloc[rows].set_axis(tweets.index)
    table.insert(0, "text", tweets["text"])
    return table


def _rows_of(wanted: pd.Series, ids: pd.Series, path: str | Path) -> np.ndarray:
    """Which row of `ids` each wanted id is in."""
    for column, whose in ((ids, f"{path}"), (wanted, "the tweets")):
        empty = np.flatnonzero(column == "")
        if len(empty):
            raise DataError(f"{whose}, row {empty[0] + 1}: the id is missing ({len(empty)} such rows)")
        twice = column[column.duplicated()]
        if len(twice):
            raise DataError(f"{whose}: the id {twice.iloc[0]!r} is there more than once ({len(twice)} such rows)")
    rows = pd.Index(ids).get_indexer(wanted)
    missing = wanted[rows < 0]
    if len(missing):
        raise DataError(
            f"{path}: no prediction for {len(missing):,} of {len(wanted):,} tweets, the first with id "
            f"{missing.iloc[0]!r}; its own ids start with {ids.iloc[0] if len(ids) else '(none)'!r}"
        )
    return rows


def as_numbers(column: pd.Series) -> pd.Series:
    """Numbers, with the comma in their decimals as well, which an Italian spreadsheet writes; NaN for what is none."""
    written = column if pd.api.types.is_numeric_dtype(column) else column.astype(str).str.replace(",", ".", regex=False)
    return pd.to_numeric(written, errors="coerce")


def _as_probabilities(table: pd.DataFrame, labels: pd.Series, path: str | Path) -> np.ndarray:
    """(n, 3) float, NaN where there is no label."""
    values = table.apply(as_numbers).to_numpy(dtype=float)
    read = labels.notna().to_numpy()
    for number, name in enumerate(table.columns):
        fits = (values[:, number] >= 0) & (values[:, number] <= 1)
        refuse_rows(read & ~fits, table[name], "a probability from 0 to 1", path)
    sums, name = values.sum(axis=1), " + ".join(table.columns)
    refuse_rows(read & (np.abs(sums - 1) > 0.02), pd.Series(sums.round(3), name=name), "a sum of 1", path)
    return np.where(read[:, None], values, np.nan)


def load_tweets(
    path: str | Path,
    *,
    text: str = "text",
    label: str | None = None,
    id: str | None = None,
    split: str = "train",
    fold: str | None = None,
    **reading: Any,
) -> pd.DataFrame:
    """Read tweets from a table, from JSON or plain text (see `files.read_table`), or from a data set of the hub.

    Parameters
    ----------
    path : str or Path
        A file; a folder of `save_to_disk`; or the id of a hub data set, `owner/name` or `owner/name:configuration`
        (needs `pip install "sentiment-kit[datasets]"`).
    text : str, default "text"
        Column of the texts.
    label : str, optional
        Column of the labels. None: the column `label` if there is one; else labels are missing. They may be named as in
        `labels.match_labels` (`NEG`, `positivo`), by what a Parquet file says of its numbers (ClassLabel of data sets),
        or as -1, 0 and 1; empty is missing, and so is what is called mixed (`misto`, `neg_pos`).
    id : str, optional
        Column of the ids. None: the column `id` if there is one; else ids are the row numbers from 1.
    split : str, default "train"
        Which split of a data set; nothing to do with files.
    fold : str, optional
        What other labels are, as in `labels.read_fold`.
    **reading : Any
        As for `files.read_table`.

    Returns
    -------
    DataFrame
        `id` ("" where it is missing), `text`, `label`, then all other columns; `opos` and `oneg`, if there are both, as
        0 or 1; `mixed` bool, where a label says so. A column that loses its name to one of these is kept as
        `<name>_original`.

    Raises
    ------
    DataError
        Missing column, wrong number of fields, unknown label, not UTF-8, empty or NUL-ridden or cut-short file, an id
        stored as a floating-point number, a column `<name>_original` that is there; naming file, row and column.
    """
    if exists(path) and Path(path).is_dir():
        whole = read_saved(Path(path), split)
    elif exists(path) or file_format(Path(path)) in FORMATS or str(path).count("/") != 1:
        whole = read_arrow(path, text=text, **reading)
    else:
        whole = _read_hub(str(path), split)
    raw = to_pandas(whole)
    label = label or ("label" if "label" in raw.columns else None)
    id = id or ("id" if "id" in raw.columns else None)
    check_columns(raw, [name for name in (text, label, id) if name is not None], path)
    none = pd.Series(None, index=raw.index, dtype=label_dtype)
    labels, mixed = (
        _as_labels(raw[label], path, _class_names(whole.schema, label), fold) if label else (none, none.notna())
    )
    table = pd.DataFrame(
        {
            "id": _as_ids(raw[id], path) if id else pd.Series(map(str, range(1, len(raw) + 1)), dtype=text_dtype),
            "text": _as_texts(raw[text], path),
            "label": labels,
        }
    )
    if mixed.any():
        table["mixed"] = mixed
    if {"opos", "oneg"} <= set(raw.columns):  # the marks of SENTIPOLC, from a table of another layout
        raw = raw.assign(**{name: _as_marks(raw[name], path) for name in ("opos", "oneg")})
    note_bytes(table["text"], path)
    others = raw.drop(columns=[name for name in {text, label, id} if name is not None])
    displaced = {name: f"{name}_original" for name in table if name in others}
    for name, own in displaced.items():
        if own in others:
            raise DataError(f"{path}: the column {name!r} would become {own!r}, which is there too; rename one of them")
    return pd.concat([table, others.rename(columns=displaced)], axis=1)


def load_demo(split: str = "all", *, mixed: str = "drop") -> pd.DataFrame:
    """The embedded demo corpus: Italian tweets written for this project (see `demo/README.md`).

    Parameters
    ----------
    split : str, default "all"
        "all", "train" or "test".
    mixed : str, default "drop"
        As in `load_sentipolc`.

    Returns
    -------
    DataFrame
        `id`, `text`, `label`, `mixed` bool, `domain`, `phenomena` (space-separated), `split`, and `ironic` from the
        phenomena.

    Raises
    ------
    ValueError
        Another split.
    """
    if split not in ("all", "train", "test"):
        raise ValueError(f'split must be one of "all", "train", "test", but {split!r} was passed')
    table = load_tweets(DEMO_FILE)
    table["ironic"] = table["phenomena"].str.split().map(lambda names: "irony" in names)
    return _settled(table if split == "all" else table[table["split"] == split].reset_index(drop=True), mixed)


def load_data(
    source: str | Path,
    *,
    mixed: str = "drop",
    split: str = "all",
    text: str = "text",
    label: str | None = None,
    labelled: bool = False,
    **reading: Any,
) -> pd.DataFrame:
    """What a notebook's DATA names: "demo", "timeline", a SENTIPOLC file in any layout, or any other file of tweets.

    `mixed` as in `load_sentipolc`, of what a file marks or calls so; `split` as in `load_demo`, without effect on files
    ("all" of a data set is train); `text`, `label` and what else there is as in `load_tweets`, without effect on the
    other two. `labelled`: without a single label it is a `DataError`. Other errors are those of the three.
    """
    if str(source) == "demo":
        return load_demo(split, mixed=mixed)
    if str(source) == "timeline":
        tweets = _settled(load_tweets(TIMELINE_FILE), mixed)
        return tweets.assign(**{name: tweets[name] == "1" for name in ("subjective", "ironic")})
    if is_sentipolc(source):
        tweets = load_sentipolc(source, mixed=mixed)
    else:
        part = "train" if split == "all" else split
        named = None if label == "label" and not labelled else label  # the usual name: where there is such a column
        tweets = _settled(load_tweets(source, text=text, label=named, split=part, **reading), mixed)
    if labelled and tweets["label"].isna().all():
        raise DataError(
            f"{source}: no row has a label, and this needs some: negative, neutral or positive in a column "
            f"{label or 'label'!r} (or take DATA = 'demo')"
        )
    return tweets


def is_sentipolc(path: str | Path) -> bool:
    """Whether a file has SENTIPOLC's columns and but for an index no others, in any order; or its gold layout."""
    names = [_sentipolc_name(name) for name in column_names(Path(path))]
    own = [name for name in names if name and not name.startswith("unnamed:")]
    return sorted(own) == sorted(SENTIPOLC_COLUMNS) or headless_columns(path) is not None


def _sentipolc_name(name: str) -> str:
    name = name.strip().lower()
    return "idtwitter" if name in ("twitterid", "id") else name


def headless_columns(path: str | Path) -> tuple[str, ...] | None:
    """The names of the columns of SENTIPOLC's gold file, which has no header; None for any other file."""
    first = [field.strip() for field in column_names(Path(path))]
    fits = len(first) == len(SENTIPOLC_COLUMNS) and [field.isdigit() for field in first] == [True] * 8 + [False]
    return SENTIPOLC_COLUMNS if fits else None


def _polarity(positive: pd.Series, negative: pd.Series) -> pd.Series:
    return pd.Series([_POLARITY.get(pair) for pair in zip(positive, negative, strict=True)], dtype=label_dtype)


def check_columns(columns: Iterable[str], wanted: Sequence[str], path: str | Path) -> None:
    """Raise `DataError` for the first wanted column that is not among a file's."""
    there = list(map(str, columns))
    for name in wanted:
        if name not in there:
            raise DataError(
                f"{path}: no column {name!r}; its columns are: {', '.join(there):.500}; rename one, or say which it "
                "is; if these are no names, name them (--no-header --columns)"
            )


def _as_marks(column: pd.Series, path: str | Path, allowed: tuple[int, ...] = (0, 1)) -> pd.Series:
    """Marks as numbers, whether they come as text, as numbers or as the floats of a column with gaps."""
    values = pd.to_numeric(column, errors="coerce")
    refuse_rows(~values.isin(allowed).to_numpy(), column, f"one of {', '.join(map(str, allowed))}", path)
    return values.astype("int8")


def refuse_rows(wrong: np.ndarray, column: pd.Series, expected: str, path: str | Path) -> None:
    """Raise `DataError` for the first row that is wrong."""
    if wrong.any():
        row = wrong.argmax()
        raise DataError(
            f"{path}, row {row + 1}, column {column.name}: expected {expected}, "
            f"got {column.tolist()[row]!r:.80} ({wrong.sum()} such rows)"
        )


def _as_ids(column: pd.Series, path: str | Path) -> pd.Series:
    if pd.api.types.is_float_dtype(column.dtype):
        raise DataError(
            f"{path}, column {column.name}: ids are stored as floating-point numbers, which cannot hold the digits of "
            "a tweet id; store them as text"
        )
    values = ["" if is_missing(value) else str(value) for value in column]
    return pd.Series(values, index=column.index, name=column.name, dtype=text_dtype)


def _as_texts(column: pd.Series, path: str | Path) -> pd.Series:
    wrong = [not isinstance(value, str) and not is_missing(value) for value in column]
    refuse_rows(np.array(wrong, dtype=bool), column, "text", path)
    return column.astype(text_dtype)


def note_bytes(texts: pd.Series, path: str | Path) -> None:
    """A note if texts are what Python shows of bytes, as old exports have them."""
    found = np.flatnonzero(texts.str.fullmatch(r"(?s)b('.*'|\".*\")").fillna(False).astype(bool))
    if len(found):
        warnings.warn(
            f"{path}, row {found[0] + 1}: {texts.iloc[found[0]]:.40} is no text, but what Python shows of bytes "
            f"({len(found)} such rows); it is read as it stands. Export again, with texts decoded",
            Note,
            stacklevel=3,
        )


def _as_labels(
    column: pd.Series, path: str | Path, names: Sequence[str] | None = None, fold: str | None = None
) -> tuple[pd.Series, pd.Series]:
    """Labels, and bool for what is called mixed; `names` are what whole numbers in the column stand for."""
    classes: dict[Any, str] = {} if names is None else {-1: "", **dict(enumerate(names))}  # -1 stands for none
    given = ["" if is_missing(value) else value for value in column]
    keys = [label_key(classes.get(value, value) if classes else value) for value in given]
    signs = {"-1": "negative", "0": "neutral", "1": "positive"}
    without_rule = signs if "-1" in keys and {*keys} <= {"", *signs} else {}  # else who knows what 0 and 1 mean
    try:
        rule = read_fold(fold) if fold else without_rule
    except ValueError as error:
        raise DataError(f"fold: {error}") from error
    meant = [rule.get(key, key) for key in keys]
    matched, mixed = list(map(match_label, meant)), list(map(is_mixed_name, meant))
    unknown = [bool(name and not label and not both) for name, label, both in zip(meant, matched, mixed, strict=True)]
    expected = f"one of {', '.join([*LABELS, *(rule if fold else ())])}, mixed (or empty; -1, 0, 1 if there is a -1; "
    refuse_rows(np.array(unknown, dtype=bool), column, f"{expected}--fold says what others are)", path)
    return pd.Series(matched, index=column.index, dtype=label_dtype), pd.Series(mixed, index=column.index, dtype=bool)


def _class_names(schema: pa.Schema, column: str) -> list[str] | None:
    """What the numbers of a column stand for, where the library datasets says so (ClassLabel)."""
    try:
        feature = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"][column]
        return feature["names"] if feature["_type"] == "ClassLabel" else None
    except (KeyError, ValueError, TypeError):
        return None


def _read_hub(name: str, split: str) -> pa.Table:
    """A data set of the hub, with what its numbers stand for in the schema, as in its Parquet files."""
    require_extra("datasets", "datasets", f"{name}: no such file; to read it as a data set from the hub, it needs")
    import datasets

    path, _, configuration = name.partition(":")
    try:
        loaded = datasets.load_dataset(path, configuration or None, split=split)
    except (OSError, ValueError) as error:
        nowhere = f"{name}: no such file, and no such data set could be loaded from the hub ({error!s:.200})"
        raise DataError(nowhere) from error
    return loaded.with_format("arrow")[:]
