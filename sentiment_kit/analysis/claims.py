"""What may we claim? A figure with its interval against a criterion that was fixed before anybody looked.

A claim says that something is at least so large. It is supported if the whole 95% interval is, contradicted if none of
it is, and else it cannot be told from this data. A figure that the data cannot give at all (there are no labels, it is
about another file) is left missing, and cannot be told either.
"""

from __future__ import annotations

import pandas as pd

# The words and the sizes of every verdict stand here.
SHOWN = ("shown", "not shown", "cannot tell at this n")
"""Of an effect: it is there, what matters of it is excluded, or so few rows cannot tell."""
WORTH_SHOWING = {"gap": 0.1, "loss": 0.1, "confidence": 0.05}
"""What matters: of a gap between two shares, of a mean loss in nats, of a mean confidence."""
VERDICTS = ("supported", "contradicted", "cannot be told from this data")
CLAIM_COLUMNS = ("claim", "evidence", "value", "low", "high", "n", "at_least")


def judge_claims(claims: pd.DataFrame) -> pd.DataFrame:
    """Give each claim its verdict.

    Parameters
    ----------
    claims : DataFrame
        One row a claim, with the columns of `CLAIM_COLUMNS`: `claim` in words; `evidence`, what was measured; `value`
        with its 95% interval `low` to `high` and `n`, missing where the data cannot say; `at_least`, what the claim
        needs. For "at most", give all with a minus sign.

    Returns
    -------
    DataFrame
        `claims`, and further `verdict`, one of `VERDICTS`.

    Raises
    ------
    ValueError
        A missing column, a claim without criterion, or an interval upside down, naming the claim.
    """
    missing = [name for name in CLAIM_COLUMNS if name not in claims.columns]
    if missing:
        raise ValueError(f"claims need the columns {', '.join(CLAIM_COLUMNS)}, but there is no {', '.join(missing)}")
    figures = claims[["value", "low", "high", "at_least"]].astype(float)
    odd = figures["at_least"].isna() | (figures["low"] > figures["high"])
    if odd.any():
        raise ValueError(
            f"expected low <= high and a criterion, got {figures[odd].iloc[0].to_dict()} "
            f"for {claims.loc[odd, 'claim'].iloc[0]!r:.80}"
        )
    verdict = pd.Series(VERDICTS[2], index=claims.index)
    verdict = verdict.mask(figures["low"] >= figures["at_least"], VERDICTS[0])
    verdict = verdict.mask(figures["high"] < figures["at_least"], VERDICTS[1])
    return claims.assign(verdict=verdict)
