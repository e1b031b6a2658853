import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm

from sentiment_kit.analysis.claims import CLAIM_COLUMNS, EFFECTS, VERDICTS, judge_claims, judge_effects

SUPPORTED, CONTRADICTED, UNTOLD = VERDICTS


def claims(*rows):
    return pd.DataFrame(
        [("c", "e", value, low, high, 10, least) for value, low, high, least in rows], columns=CLAIM_COLUMNS
    )


def test_by_hand():
    table = judge_claims(
        claims(
            (0.85, 0.82, 0.88, 0.82),  # all of the interval reaches the criterion
            (0.85, 0.81, 0.88, 0.82),
            (0.70, 0.60, 0.82, 0.82),
            (0.70, 0.60, 0.80, 0.82),
            (np.nan, np.nan, np.nan, 0.82),
        )
    )
    assert table["verdict"].tolist() == [SUPPORTED, UNTOLD, UNTOLD, CONTRADICTED, UNTOLD]


def test_between_two_limits():
    """About 40%, give or take five points; and in the last two rows "at most" alone, and no upper limit."""
    table = claims(
        (0.40, 0.36, 0.44, 0.35),
        (0.36, 0.33, 0.39, 0.35),
        (0.44, 0.42, 0.46, 0.35),
        (0.30, 0.28, 0.32, 0.35),
        (0.50, 0.46, 0.54, 0.35),
        (0.40, 0.30, 0.50, -np.inf),
        (0.70, 0.60, 0.80, 0.35),
    )
    verdicts = judge_claims(table.assign(at_most=[0.45] * 5 + [0.1, np.nan]))["verdict"].tolist()
    assert verdicts == [SUPPORTED, UNTOLD, UNTOLD, CONTRADICTED, CONTRADICTED, CONTRADICTED, SUPPORTED]


def test_a_true_claim_on_the_brink_is_seldom_contradicted():
    """True share .8, claimed .8, Wilson intervals of 400 rows: contradicted in at most 2.5% of 2,000 samples."""
    from sentiment_kit.evaluation.intervals import proportions

    counts = pd.Series(np.random.default_rng(0).binomial(400, 0.8, 2000))
    shares = proportions(counts, 400)
    table = shares.rename(columns={"share": "value"}).assign(claim="c", evidence="e", at_least=0.8)
    verdicts = judge_claims(table)["verdict"].value_counts(normalize=True)
    assert 0 < verdicts[CONTRADICTED] <= 0.025 + 2 * (0.025 * 0.975 / 2000) ** 0.5
    assert verdicts[SUPPORTED] <= 0.025 + 2 * (0.025 * 0.975 / 2000) ** 0.5


def test_mistakes_are_named():
    with pytest.raises(ValueError, match="there is no at_least"):
        judge_claims(claims().drop(columns="at_least"))
    with pytest.raises(ValueError, match="expected low <= high and a criterion.* for 'c'"):
        judge_claims(claims((0.5, 0.6, 0.4, 0.1)))
    with pytest.raises(ValueError, match="a criterion"):
        judge_claims(claims((0.5, 0.4, 0.6, np.nan)))


def effects(*rows):
    return pd.DataFrame(rows, columns=["value", "low", "high"]).assign(n=100)


def test_effects_by_hand():
    table = judge_effects(
        effects(
            (0.09, 0.06, 0.12),
            (-0.02, -0.03, -0.01),
            (0.04, 0.01, 0.07),
            (0.00, -0.03, 0.03),
            (0.02, -0.01, 0.05),  # short enough to show .05, were it there
            (0.00, -0.10, 0.10),
            (np.nan, np.nan, np.nan),
        ),
        matters=0.05,
    )
    assert table["verdict"].tolist() == [*EFFECTS, EFFECTS[-1]]
    assert table["n_needed"].tolist()[5] == 818  # (.10 / (.6996 * .05))^2 times 100


def test_what_half_of_the_samples_would_show_is_not_told():
    half = 0.05 * norm.ppf(0.975) / (norm.ppf(0.975) + norm.ppf(0.8))
    table = judge_effects(effects((0.03, 0.03 - half, 0.03 + half), (0.03, 0.029 - half, 0.031 + half)), matters=0.05)
    assert table["verdict"].tolist() == [EFFECTS[4], EFFECTS[5]]
    assert table["n_needed"].tolist() == [100, pytest.approx(106, abs=1)]


@pytest.mark.parametrize("matters", [0, -0.1, np.nan])
def test_a_size_that_matters_is_above_zero(matters):
    with pytest.raises(ValueError, match="above 0"):
        judge_effects(effects((0, -1, 1)), matters=matters)


def test_an_effect_upside_down_is_refused():
    with pytest.raises(ValueError, match="low <= high"):
        judge_effects(effects((0, 1, -1)), matters=0.1)
