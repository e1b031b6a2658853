"""Tables that a reader searches, sorts and filters, in JupyterLab and on a page without a network.

The work is done by itables; here are the few settings that all tables share. In a notebook, `itables` has to be told
once to work offline: `init_notebook_mode(connected=False)`.
"""

from __future__ import annotations

import html
import re

import pandas as pd
from IPython.display import HTML
from itables import to_html_datatable


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
