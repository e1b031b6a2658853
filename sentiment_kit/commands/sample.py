"""`sentiment-kit sample`: tweets to label by hand, drawn at random from what was scored, and how to label them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Literal

import numpy as np
import pandas as pd
from typer import Argument, Option

from ..errors import DataError
from ..files.writing import check_writable, write_table
from .shared import TextColumn

GUIDELINE = Path(__file__).parent / "guideline.md"
_STRATUM, _ORDER = ["(group)", "(period)"], "(order)"  # beside columns that may be called group


def sample(
    scored: Annotated[Path, Argument(metavar="SCORED", help="What `score` wrote: a file or a folder.")],
    output: Annotated[Path, Option(help="The table to fill in: .csv, .xlsx, .tsv, ...")],
    n: Annotated[int, Option(min=1, help="How many tweets.")] = 200,
    by: Annotated[str | None, Option(metavar="COLUMN", help="As many from each of its values, with weights.")] = None,
    over: Annotated[str | None, Option(metavar="COLUMN", help="Dates: as many from each period, with weights.")] = None,
    every: Annotated[Literal["day", "week", "month"], Option(help="The periods of --over.")] = "week",
    text_column: TextColumn = "text",
    seed: Annotated[int, Option(help="Another draw.")] = 0,
    force: Annotated[bool, Option("--force", help="Replace OUTPUT.")] = False,
) -> None:
    """Draw tweets to label by hand: shuffled, without the model's answers, with a guideline for annotators beside them.

    Write negative, neutral, positive or mixed into the column label; two people who do so apart can be compared by
    `agree`, and `shares` takes the labels.
    """
    from ..shares.estimates import answered
    from ..shares.quantification import allocation
    from ..shares.scored import scored_parts

    check_writable(output, force=force)
    keys = [name for name in (by, over) if name is not None]
    random, found = np.random.default_rng(seed), pd.DataFrame()
    sizes = pd.DataFrame(columns=_STRATUM).value_counts()
    for part in scored_parts(scored, [text_column, *keys], text_column):
        strata = answered(part, by, over, every)[["group", "period"]].set_axis(_STRATUM, axis=1)
        sizes = pd.concat([sizes, strata.value_counts()]).groupby(level=_STRATUM).sum()
        rows = part.join(strata.assign(**{_ORDER: random.random(len(strata))}), how="inner")
        found = pd.concat([found, rows]).sort_values(_ORDER).groupby(_STRATUM).head(n)  # of any file no more than these
    if sizes.empty:
        raise DataError(f"{scored}: no tweet has an answer, so there is nothing to draw from")
    if len(sizes) > n:
        raise DataError(f"--n {n} leaves some of {len(sizes):,} strata without a tweet; draw more, or make fewer")
    taken = allocation(sizes, min(n, int(sizes.sum())))
    stratum = pd.MultiIndex.from_frame(found[_STRATUM])
    found["weight"] = (sizes / taken).reindex(stratum).to_numpy()
    found = found[found.groupby(_STRATUM).cumcount().to_numpy() < taken.reindex(stratum).to_numpy()]
    kept = [name for name in dict.fromkeys(["id", "text", *keys]) if name in found]
    table = found[[*kept, "weight"]].sample(frac=1, random_state=random).rename_axis("row").reset_index()
    table.insert(len(table.columns) - 1 - len(keys), "label", "")
    write_table(table, output, force=force)
    guideline = output.with_name(f"{output.name.split('.')[0]}_guideline.md")
    guideline.write_text(GUIDELINE.read_text(encoding="utf-8"), encoding="utf-8")
    drawn = f"{len(table):,} of {sizes.sum():,} tweets" + (f" from {len(sizes):,} strata" if keys else "")
    print(f"{drawn} are in {output}, how to label them in {guideline}", file=sys.stderr)
