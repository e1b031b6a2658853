"""The simulation behind "Shares and trends" runs, at a small size, and its committed table is what the page says."""

import importlib.util
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
SCRIPT = ROOT / "experiments" / "coverage_of_shares.py"
TABLE = pd.read_csv(ROOT / "experiments" / "results" / "coverage_of_shares.csv")


def test_the_script_writes_such_a_table():
    specification = importlib.util.spec_from_file_location("coverage_of_shares", SCRIPT)
    module = importlib.util.module_from_spec(specification)
    specification.loader.exec_module(module)
    drawn = np.random.default_rng(0)
    pool = [drawn.dirichlet(1 + 5 * np.eye(3)[label], 50) for label in range(3)]
    found = pd.DataFrame(module.simulate("demo", pool, samples=2, seed=1))
    assert list(found.columns) == list(TABLE.columns)
    keys = ["file", "sample", "labels", "share_of", "method"]
    assert found[keys].to_dict("records") == TABLE[TABLE["tweets"] == "demo"][keys].to_dict("records")


def test_intervals_hold_and_are_narrower_than_labels_alone():
    corrected = TABLE[TABLE["method"] == "corrected"]
    assert (TABLE["samples"] == 2000).all()
    assert corrected["coverage"].between(0.935, 0.98).all()
    assert corrected["coverage"].between(0.935, 0.965).sum() == 61
    assert len(corrected) == 64
    assert corrected["width_to_labels_alone"].max() < 0.96
    usual = TABLE[(TABLE["method"] == "counted") & (TABLE["labels"] == 200)]
    assert usual["coverage"].mean() < 0.3


def test_the_page_shows_the_tables_figures():
    page = (ROOT / "docs" / "how-to" / "shares-and-trends.md").read_text(encoding="utf-8")
    rows = TABLE[(TABLE["file"] == "as SENTIPOLC") & (TABLE["method"] == "corrected")]
    for tweets, part in rows.groupby("tweets"):
        shown = " | ".join(f"{100 * value:.1f}" for value in part["coverage"])
        assert f"| {tweets}: one group, the mix of SENTIPOLC | {shown} |" in page
        narrower = " | ".join(f"{100 * value:.0f}%" for value in part["width_to_labels_alone"])
        assert f"| {tweets}: one group, the mix of SENTIPOLC | {narrower} |" in page
