"""What do the tweets say, and how wrong may that be? Shares of the labels, by group and over time, with intervals.

Counted answers are biased wherever the model is; a random sample that somebody labelled says by how much (the
estimators are in `quantification`). Tables of what was counted (`tally`) can be summed, so that files of any
size go through here in parts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy.stats import norm

from ..errors import DataError
from ..evaluation.confusion import confusion_table
from ..evaluation.intervals import divide, q_values
from ..evaluation.scores import NO_GROUP, check_index, named_groups
from ..labels import LABELS
from .quantification import Estimate, adjusted_count, expectation_maximisation, prediction_powered

__all__ = ["EVERY", "METHODS", "Trend", "share_differences", "shares", "shares_over_time"]

METHODS = ("counting", "ppi", "adjusted", "em")
"""`counting`: answers counted; how wrong that is is not known. `ppi`: corrected by a random sample of labels.
`adjusted`: assumes that labels are confused as in the confusion matrix. `em`: assumes calibrated probabilities, and
that only the mix of labels differs from the training data's."""
EVERY = {"day": "D", "week": "W-SUN", "month": "M"}
MIXED = "mixed"
_DAY, _TWITTER = "%Y-%m-%d", "%a %b %d %H:%M:%S %z %Y"
_KEYS = ["group", "period"]  # of the tables that are counted; "" for all


class Trend(NamedTuple):
    """What `shares_over_time` finds."""

    shares: pd.DataFrame
    """As from `shares`, with `period`, its first day: for all tweets and each group, over the whole time (`period`
    missing) and in each period. A period without tweets has n = 0; tweets without a date are in "(none)"."""
    differences: pd.DataFrame
    """As from `share_differences`."""


def shares(
    predictions: pd.DataFrame,
    *,
    by: str | pd.Series | None = None,
    sample: pd.Series | pd.DataFrame | None = None,
    method: str | None = None,
    confusion: pd.DataFrame | None = None,
    priors: Mapping[str, float] | None = None,
) -> pd.DataFrame:
    """The share of each label, as it was counted and corrected.

    Parameters
    ----------
    predictions : DataFrame
        Prediction table, n rows; with probabilities these are used, else the labels alone.
    by : str or Series, optional
        Groups: a column of `predictions`, or a Series with its index.
    sample : Series or DataFrame, optional
        What somebody labelled of a random sample of these rows: the labels, or `label` and `weight` (how many rows each
        stands for, where the sample is stratified). Its index says which rows. Missing labels are left out; "mixed" is
        a label of its own, which no model here counts.
    method : str, optional
        One of `METHODS`: "counting", "ppi", "adjusted", "em". None: "ppi" with a sample, "counting" without.
    confusion : DataFrame, optional
        For "adjusted": cells as from `evaluation.confusion_table`, say of a test set. None: of the sample.
    priors : mapping of str to float, optional
        For "em": the share of each label where the model learned.

    Returns
    -------
    DataFrame
        All tweets, then each group: `group` (missing for all), `period` (missing here), `label`; `counted`, the share
        of the answers; `share`, corrected, with its 95% interval `low` to `high` (NaN where the method has none);
        `difference`, share - counted; `n`, answers; `n_labelled`; `n_effective`, the labels that would give this
        interval without a model; `method`. Shares are in [0, 1]. Rows without an answer are no part of this.

    Raises
    ------
    DataError
        A method without what it needs; a sample with rows that are not in `predictions`, or with unknown labels.
    ValueError
        Another method; `by` with another index.

    Notes
    -----
    Each label is estimated for itself: corrected shares need not sum to exactly 1. What is estimated is the share in
    these very tweets, not in tweets like these.
    """
    rows = answered(predictions, by)
    return shares_of(tally(rows), _labelled(rows, predictions, sample), method, confusion, priors, rows=rows)


def shares_over_time(
    predictions: pd.DataFrame,
    dates: str | pd.Series,
    *,
    every: str = "week",
    by: str | pd.Series | None = None,
    sample: pd.Series | pd.DataFrame | None = None,
    **method: Any,
) -> Trend:
    """The share of each label along time, and whether it changed.

    Parameters
    ----------
    predictions : DataFrame
        Prediction table, n rows.
    dates : str or Series
        A column of `predictions`, or a Series with its index: dates, or texts as ISO 8601 (2026-03-31, also with a
        time) or the API of Twitter writes them; those with a time zone in UTC.
    every : str, default "week"
        "day", "week" (from Monday) or "month".
    by : str or Series, optional
        Groups, as for `shares`.
    sample : Series or DataFrame, optional
        Labels, as for `shares`.
    **method : Any
        `method`, `confusion` and `priors`, as for `shares`.

    Returns
    -------
    Trend

    Raises
    ------
    DataError, ValueError
        As `shares`; another `every`; a text that is no such date.
    """
    rows = answered(predictions, by, dates, every)
    drawn = _labelled(rows, predictions, sample)
    table = shares_of(with_gaps(tally(rows), every), drawn, rows=rows, **method)
    return Trend(table, share_differences(table))


def answered(
    predictions: pd.DataFrame,
    by: str | pd.Series | None = None,
    dates: str | pd.Series | None = None,
    every: str = "week",
) -> pd.DataFrame:
    """The rows that have an answer: `group` and `period` as text ("" without any), `label`, and what the model says of
    each label (its probabilities, or 0 and 1)."""
    group, date = (predictions[one] if isinstance(one, str) else one for one in (by, dates))
    for one in (group, date):
        if one is not None:
            check_index(predictions, one, "predictions, groups and dates")
    table = pd.DataFrame({"group": "", "period": "", "label": predictions["label"]}, index=predictions.index)
    if group is not None:
        table["group"] = named_groups(group).astype(object)
    if date is not None:
        table["period"] = period_names(date, every)
    for label in LABELS:
        table[label] = predictions[label] if label in predictions else (table["label"] == label).astype(float)
    return table[table["label"].notna()]


def _labelled(
    rows: pd.DataFrame, predictions: pd.DataFrame, sample: pd.Series | pd.DataFrame | None
) -> pd.DataFrame | None:
    if sample is None:
        return None
    labelled = sample.to_frame("label") if isinstance(sample, pd.Series) else sample
    absent = labelled.index.difference(predictions.index)
    if len(absent) or not predictions.index.is_unique or not labelled.index.is_unique:
        raise DataError(
            f"expected a sample whose index names rows of the predictions, each once; {len(absent):,} of "
            f"{len(labelled):,} are not among them; set the index of both to the id"
        )
    return rows.join(pd.DataFrame({"gold": labelled["label"], "weight": labelled.get("weight", 1.0)}), how="inner")


def period_names(dates: pd.Series, every: str) -> pd.Series:
    """The first day of each date's period, as 2026-03-30; "(none)" for a missing date."""
    if every not in EVERY:
        raise ValueError(f"every must be one of {', '.join(EVERY)}, but {every!r} was passed")
    if not pd.api.types.is_datetime64_any_dtype(dates):
        given = dates.astype(object).where(dates.notna() & (dates != ""), None)
        dates = pd.to_datetime(given, format="ISO8601", utc=True, errors="coerce")
        dates = dates.fillna(pd.to_datetime(given, format=_TWITTER, utc=True, errors="coerce"))
        unread = given[given.notna() & dates.isna()]
        if len(unread):
            raise DataError(
                f"row {unread.index[0]}, column {given.name}: expected a date such as 2026-03-31 or 2026-03-31T18:30, "
                f"got {unread.iloc[0]!r:.80} ({len(unread):,} such rows)"
            )
    plain = dates.dt.tz_convert("UTC").dt.tz_localize(None) if dates.dt.tz is not None else dates
    starts = plain.dt.to_period(EVERY[every]).dt.start_time
    return starts.dt.strftime(_DAY).astype(object).where(starts.notna(), NO_GROUP)


def tally(rows: pd.DataFrame) -> pd.DataFrame:
    """How many answers of each label, and the sums of what the model says, by group and period; such tables add up."""
    counts = {f"counted_{label}": (rows["label"] == label).astype(int) for label in LABELS}
    return rows.assign(n=1, **counts).groupby(_KEYS)[["n", *counts, *LABELS]].sum()


def with_gaps(cells: pd.DataFrame, every: str) -> pd.DataFrame:
    """Every group in every period from the first to the last, with 0 tweets where there are none."""
    groups, found = cells.index.unique("group"), cells.index.unique("period")
    dated = sorted(set(found) - {NO_GROUP})
    whole = pd.period_range(dated[0], dated[-1], freq=EVERY[every]).start_time.strftime(_DAY) if dated else []
    periods = [*whole, *(set(found) & {NO_GROUP})]
    return cells.reindex(pd.MultiIndex.from_product([groups, periods], names=_KEYS), fill_value=0)


def shares_of(
    cells: pd.DataFrame,
    drawn: pd.DataFrame | None,
    method: str | None = None,
    confusion: pd.DataFrame | None = None,
    priors: Mapping[str, float] | None = None,
    *,
    rows: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """`shares` of what `tally` counted; `drawn` are those rows of `answered` that are labelled, with `gold` and
    `weight`, and `rows` all of them, which only "em" needs."""
    method = method or ("counting" if drawn is None else "ppi")
    if method not in METHODS:
        raise ValueError(f"method must be one of {', '.join(METHODS)}, but {method!r} was passed")
    if drawn is None:
        drawn = pd.DataFrame(columns=[*_KEYS, "gold", "weight", "label", *LABELS])
        if method == "ppi" or (method == "adjusted" and confusion is None):
            raise DataError(f"the method {method} needs a sample of labels")
    if method == "em" and priors is None:
        raise DataError("the method em needs priors: the share of each label where the model learned")
    drawn = drawn[drawn["gold"].notna()]
    unknown = sorted(set(drawn["gold"]) - {*LABELS, MIXED})
    if unknown:
        raise DataError(f"labels of the sample must be among {', '.join(LABELS)}, {MIXED}, got {unknown[0]!r}")
    if method == "adjusted" and confusion is None:
        known = drawn[drawn["gold"] != MIXED]
        confusion = confusion_table(known["gold"], known["label"])
    names = [*LABELS, MIXED] if method == "ppi" and (drawn["gold"] == MIXED).any() else list(LABELS)
    return pd.concat(
        [_of_view(view, keep, names, drawn, method, confusion, priors, rows) for view, keep in _views(cells)],
        ignore_index=True,
    )


def _of_view(
    view: pd.DataFrame,
    keep: list[str],
    names: list[str],
    drawn: pd.DataFrame,
    method: str,
    confusion: pd.DataFrame | None,
    priors: Mapping[str, float] | None,
    rows: pd.DataFrame | None,
) -> pd.DataFrame:
    """A row for each cell of a view and each label."""
    n, own = view["n"].to_numpy(), _cell_of(drawn, view, keep)
    counts = view.reindex(columns=[f"counted_{name}" for name in names], fill_value=0).to_numpy()
    found = Estimate(*np.full((4, *counts.shape), np.nan))
    if method == "ppi":
        gold = np.stack([drawn["gold"] == name for name in names], axis=1).astype(float)
        says, sums = (table.reindex(columns=names, fill_value=0.0).to_numpy(float) for table in (drawn, view))
        found = prediction_powered(gold, says, own, n, divide(sums, n[:, None]), drawn["weight"].to_numpy(float))
    elif method == "adjusted" and confusion is not None:
        cells = confusion[confusion["predicted"].isin(LABELS)]["count"]
        found = adjusted_count(counts, cells.to_numpy().reshape(3, 3))
    elif rows is not None and priors is not None:
        prior, at = np.array([priors[label] for label in LABELS]), _cell_of(rows, view, keep)
        for number in np.unique(at):
            found.share[number] = expectation_maximisation(rows[list(LABELS)].to_numpy()[at == number], prior)
    table = view.index.repeat(len(names)).to_frame(index=False).replace("", None)
    table["label"], table["counted"] = names * len(view), divide(counts, n[:, None]).ravel()
    table["share"], table["low"], table["high"] = (values.ravel() for values in found[:3])
    table["difference"], table["n"] = table["share"] - table["counted"], n.repeat(len(names))
    table["n_labelled"] = np.bincount(own, minlength=len(n)).repeat(len(names))
    return table.assign(n_effective=found.n_effective.ravel(), method=method)


def _views(cells: pd.DataFrame) -> Iterator[tuple[pd.DataFrame, list[str]]]:
    """All tweets, each group, each period, each group in each period; and by which of the two that is."""
    there = {name for name in _KEYS if cells.index.unique(name).tolist() != [""]}
    for keep in ([], ["group"], ["period"], _KEYS):
        if set(keep) <= there:
            yield _only(cells.reset_index(), keep).groupby(_KEYS).sum(), keep


def _only(table: pd.DataFrame, keep: list[str]) -> pd.DataFrame:
    return table.assign(**{name: "" for name in _KEYS if name not in keep})


def _cell_of(rows: pd.DataFrame, view: pd.DataFrame, keep: list[str]) -> np.ndarray:
    return view.index.get_indexer(pd.MultiIndex.from_frame(_only(rows, keep)[_KEYS]))


def share_differences(table: pd.DataFrame) -> pd.DataFrame:
    """Every two periods of all tweets, and every two groups over the whole time: by how much the shares differ.

    Parameters
    ----------
    table : DataFrame
        As from `shares`, or the shares of a `Trend`.

    Returns
    -------
    DataFrame
        `label`; `what`, "period" or "group"; `a`, `b`; `difference`, share of b - share of a, with its 95% interval
        `low` to `high`; `p_value`, and `q_value` over all rows. Between periods of a table with groups also `by_mix`,
        the change that the mix of the groups alone would make if each kept its share, `standardised`, what is left of
        the difference without it (Kitagawa 1955), and `note`, where the mix makes half of the change or more.

    Notes
    -----
    The interval is made of the two shares' own (square-and-add, Newcombe 1998), and the p-value is below .05 where it
    leaves out 0. The factor of the correction, which the shares have in common, is taken as known.
    """
    found = [pairs for what in ("period", "group") for pairs in _pairs(table, what)]
    columns = ["label", "what", "a", "b", "difference", "low", "high", "p_value"]
    pairs = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=columns)
    pairs["q_value"] = q_values(pairs["p_value"])
    if (table["group"].notna() & table["period"].notna()).any():
        pairs["by_mix"] = _by_mix(table, pairs)
        pairs["standardised"] = pairs["difference"] - pairs["by_mix"]
        clear = (pairs["low"] > 0) | (pairs["high"] < 0)
        mostly = clear & (pairs["by_mix"] / pairs["difference"] >= 0.5)
        pairs["note"] = np.where(mostly, "the mix of the groups alone makes half of this change or more", "")
    return pairs


def _pairs(table: pd.DataFrame, what: str) -> Iterator[pd.DataFrame]:
    other = "group" if what == "period" else "period"
    solid = table[table[what].notna() & table[other].isna() & table["low"].notna() & (table[what] != NO_GROUP)]
    for label, part in solid.groupby("label", sort=False):
        a, b = np.triu_indices(len(part), 1)
        share, low, high = (part[name].to_numpy() for name in ("share", "low", "high"))
        difference = share[b] - share[a]
        below = np.hypot(share[b] - low[b], high[a] - share[a])
        above = np.hypot(high[b] - share[b], share[a] - low[a])
        towards_zero = np.where(difference > 0, below, above)
        with np.errstate(divide="ignore", invalid="ignore"):
            p = 2 * norm.sf(norm.ppf(0.975) * np.abs(difference) / towards_zero)
        names: dict[str, Any] = {name: part[what].to_numpy()[rows] for name, rows in (("a", a), ("b", b))}
        yield pd.DataFrame({"label": label, "what": what, **names, "difference": difference}).assign(
            low=difference - below, high=difference + above, p_value=np.nan_to_num(p, nan=1.0)
        )


def _by_mix(table: pd.DataFrame, pairs: pd.DataFrame) -> np.ndarray:
    cells = table[table["group"].notna() & table["period"].notna() & (table["label"] == LABELS[0])]
    n = cells.pivot_table("n", "period", "group", aggfunc="sum")
    whole = table[table["group"].notna() & table["period"].isna()]
    own = whole.pivot_table("share", "group", "label").reindex(n.columns)
    standard = n.div(n.sum(axis=1), axis=0) @ own  # the shares, had each group its own in every period
    labels = standard.columns.get_indexer(pairs["label"])
    a, b = (standard.to_numpy()[standard.index.get_indexer(pairs[end]), labels] for end in ("a", "b"))
    return np.where((pairs["what"] == "period") & (labels >= 0), b - a, np.nan)
