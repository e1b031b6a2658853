"""What may we claim? A figure with its interval against a criterion that was fixed before anybody looked.

A claim says that something is at least so large, or lies between two limits. It is supported if the whole 95% interval
does, contradicted if none of it does, and else it cannot be told from this data. A figure that the data cannot give at
all (there are no labels, it is about another file) is left missing, and cannot be told either.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import norm

# The words and the sizes of every verdict stand here.
SHOWN = ("shown", "not shown", "cannot tell at this n")
"""Of an effect: it is there, what matters of it is excluded, or so few rows cannot tell."""
WORTH_SHOWING = {"gap": 0.1, "shift": 0.05, "loss": 0.1, "confidence": 0.05}
"""What matters: of a gap between two shares, of a shift of P(positive) - P(negative), of a mean loss in nats, of a mean
confidence."""
EFFECTS = (
    "shown, large enough to matter",
    "shown, smaller than matters",
    "shown, a size that matters is not excluded",
    "not shown, a size that matters is excluded",
    "not shown, a size that matters is not excluded",
    "cannot be told at this n",
)
"""Of an effect with an interval and a size that matters."""
VERDICTS = ("supported", "contradicted", "cannot be told from this data")
CLAIM_COLUMNS = ("claim", "evidence", "value", "low", "high", "n", "at_least")
_SEEN = norm.ppf(0.975) / (norm.ppf(0.975) + norm.ppf(0.8))  # half an interval's width, of what it shows 4 times in 5


def judge_effects(effects: pd.DataFrame, *, matters: float) -> pd.DataFrame:
    """Say of each effect whether it is there, and whether it is as large as matters.

    Parameters
    ----------
    effects : DataFrame
        One row an effect: `value` with its interval `low` to `high`, corrected for the number of effects where there
        are several, and `n`; missing where the data cannot say.
    matters : float
        The size from which an effect matters, in the unit of `value`, above 0.

    Returns
    -------
    DataFrame
        `effects`, and further `verdict`, one of `EFFECTS`, and `n_needed`, the number of rows at which the data would
        show an effect of size `matters` in 80% of all samples.

    Raises
    ------
    ValueError
        A size that is not above 0, or an interval upside down.

    Notes
    -----
    An effect is shown if its interval leaves out 0; it is smaller than matters, or a size that matters excluded, if
    the whole interval lies between -matters and matters (an equivalence test: Schuirmann 1987). Nothing is said of an
    effect that is not shown if the interval is so wide that one of size `matters` would be shown in less than 80% of
    all samples; `n_needed` takes the width for one that shrinks with the square root of n.
    """
    if not matters > 0:
        raise ValueError(f"a size that matters must be above 0, but {matters!r} was passed")
    value, low, high = (effects[name].astype(float) for name in ("value", "low", "high"))
    if (low > high).any():
        raise ValueError(f"expected low <= high, got {effects[low > high].iloc[0].to_dict()}")
    shown, small = (low > 0) | (high < 0), (low > -matters) & (high < matters)
    widest = (high - low) / 2 / (_SEEN * matters)  # at most 1: wide enough to show what matters 4 times in 5
    verdict = pd.Series(EFFECTS[5], index=effects.index)
    verdict = verdict.mask(~shown & (widest <= 1), EFFECTS[4]).mask(~shown & small, EFFECTS[3])
    verdict = verdict.mask(shown, EFFECTS[2]).mask(shown & (value.abs() >= matters), EFFECTS[0])
    verdict = verdict.mask(shown & small, EFFECTS[1])
    return effects.assign(verdict=verdict, n_needed=np.ceil(effects["n"] * widest**2))


def judge_claims(claims: pd.DataFrame) -> pd.DataFrame:
    """Give each claim its verdict.

    Parameters
    ----------
    claims : DataFrame
        One row a claim, with the columns of `CLAIM_COLUMNS`: `claim` in words; `evidence`, what was measured; `value`
        with its 95% interval `low` to `high` and `n`, missing where the data cannot say; `at_least`, what the claim
        needs. `at_most`, what it must not exceed, may be left out, or be missing for some; with "at most" alone, the
        least is -inf.

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
    at_most = claims.get("at_most", pd.Series(np.inf, index=claims.index)).fillna(np.inf)
    odd = figures["at_least"].isna() | (figures["low"] > figures["high"])
    if odd.any():
        raise ValueError(
            f"expected low <= high and a criterion, got {figures[odd].iloc[0].to_dict()} "
            f"for {claims.loc[odd, 'claim'].iloc[0]!r:.80}"
        )
    inside = (figures["low"] >= figures["at_least"]) & (figures["high"] <= at_most)
    outside = (figures["high"] < figures["at_least"]) | (figures["low"] > at_most)
    return claims.assign(verdict=np.select([inside, outside], VERDICTS[:2], VERDICTS[2]))
