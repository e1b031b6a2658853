"""Tables for readers: numbers as one prints them, and long tables to search, sort and filter.

The second is the work of itables; here are the few settings that all tables share. In a notebook, `itables` has to be
told once to work offline and to leave other tables alone:
`init_notebook_mode(all_interactive=False, connected=False)`.
"""

from __future__ import annotations

import html
import os
import re
from numbers import Integral, Real
from pathlib import Path

import numpy as np
import pandas as pd
from IPython.display import HTML
from itables import to_html_datatable

TABLES_FOLDER = "SENTIMENT_KIT_TABLES"
"""Environment variable: the folder that the tables of a notebook are written to, if it is set."""


class _Whole(pd.DataFrame):
    """A table whose long texts are not cut at fifty signs."""

    def _repr_html_(self) -> str | None:
        with pd.option_context("display.max_colwidth", None):
            return super()._repr_html_()


def neat(table: pd.DataFrame | pd.Series, *, digits: int = 3) -> pd.DataFrame:
    """A table as one prints it: each interval in brackets behind its value, and no more digits than are known.

    Parameters
    ----------
    table : DataFrame or Series
        Any. Two neighbouring columns `low` and `high` (or ending in `_low` and `_high`) are the 95% interval of the
        column before them. The first column takes the place of an index that is only row numbers.
    digits : int, default 3
        Decimals of floating-point numbers. Of p-values and q-values, what is smaller is shown as "<0.001".

    Returns
    -------
    DataFrame
        Of str, with the rows of `table` in order; missing is "", a truth value yes or no.
    """
    named = table.to_frame(table.name or "") if isinstance(table, pd.Series) else table
    _keep(named, "table")
    if named.index.names == [None] and pd.api.types.is_integer_dtype(named.index):
        named = named.set_index(named.columns[0])
    written = named.apply(_written, digits=digits).astype(object)  # without rows, `apply` keeps the numbers
    names = [str(name) for name in written.columns]
    ends = [place for place in range(1, len(names) - 1) if _is_interval(names[place], names[place + 1])]
    for place in ends:
        value, low, high = (written.iloc[:, place + step] for step in (-1, 0, 1))
        written.isetitem(place - 1, value.where(low == "", value + " (" + low + " to " + high + ")"))
        names[place - 1] += " (95% interval)"
    shown = written.set_axis(names, axis=1).iloc[:, [n for n in range(len(names)) if not {n, n - 1} & set(ends)]]
    if shown.index.nlevels > 1:
        return _Whole(shown)
    return _Whole(
        shown.set_axis(_written(shown.index.to_series(), digits=digits))
        .rename_axis(None)
        .rename_axis(columns=named.index.name)
    )


def _keep(table: pd.DataFrame, name: str) -> None:
    """Where the report asks for the tables of a notebook as files: this one too, with all its digits."""
    if wanted := os.environ.get(TABLES_FOLDER):
        folder = Path(wanted)
        folder.mkdir(parents=True, exist_ok=True)
        table.to_csv(folder / f"{len(list(folder.iterdir())) + 1:02d}_{name}.csv", lineterminator="\n")


def _is_interval(low: str, high: str) -> bool:
    return all(re.search(f"(^|_){end}$", name) for end, name in (("low", low), ("high", high)))


def _written(column: pd.Series, *, digits: int) -> pd.Series:
    """Each value as one prints it; whole numbers stored as floating-point ones (a count beside a gap) as whole."""
    numbers = column.dropna()
    whole = pd.api.types.is_float_dtype(column) and numbers.abs().gt(1).any() and numbers.mod(1).eq(0).all()
    tiny = f"<{10**-digits:.{digits}f}" if re.fullmatch("[pq]_value", str(column.name)) else None

    def one(value: object) -> str:
        if isinstance(value, bool | np.bool_):
            return "yes" if value else "no"
        if not isinstance(value, Real):
            return "" if value is None or value is pd.NA or value is pd.NaT else str(value)
        if np.isnan(float(value)):
            return ""
        if tiny and float(value) < 10**-digits:
            return tiny
        return f"{value:,.0f}" if whole or isinstance(value, Integral) else f"{value:,.{digits}f}"

    return column.astype(object).map(one).astype(str)


def searchable(table: pd.DataFrame, *, name: str, rows: int = 10) -> HTML:
    """A table with a search box, a filter above each column, sorting and pages.

    Parameters
    ----------
    table : DataFrame
        Any; texts are escaped, numbers shown with three decimals.
    name : str
        Unique in a notebook, letters and hyphens; the table's id, so that the same table gives the same page.
    rows : int, default 10
        Rows on one page of it.

    Returns
    -------
    HTML
        For the last line of a cell; one table is not cut, however long it is.

    Raises
    ------
    ValueError
        A name that cannot be an id.
    """
    if not re.fullmatch(r"[a-z][a-z-]*", name):
        raise ValueError(f"name must be lower-case letters and hyphens, but {name!r} was passed")
    _keep(table, name)
    shown = table.rename(columns=lambda column: html.escape(str(column)))
    numbers = {column: shown[column].round(3) for column in shown.select_dtypes("number")}
    texts = [number for number, column in enumerate(shown) if column.startswith(("text", "other"))]
    return HTML(
        to_html_datatable(
            shown.assign(**numbers),
            table_id=f"table-{name}",
            connected=False,
            column_filters="header",
            showIndex=False,
            classes="display compact wrap",
            style="width:100%",
            maxBytes=0,
            pageLength=rows,
            lengthMenu=[10, 25, 100],
            autoWidth=False,
            columnDefs=[{"targets": texts, "width": "22rem"}],
            scrollX=True,
            display_logo_when_loading=False,
        )
    )
