"""One training and what its model answers, kept on disk: a stopped experiment goes on where it was."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from sentiment_kit.files.writing import whole_folder
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import load_model
from sentiment_kit.training.fine_tuning import fine_tune
from sentiment_kit.training.model_card import read_record

RESULTS = Path(__file__).parent / "results"
WORK = Path(tempfile.gettempdir()) / "sentiment-kit-experiments"


def answers_of(
    folder: Path,
    base: str | Path,
    train: pd.DataFrame,
    validation: pd.DataFrame,
    texts: Mapping[str, pd.Series],
    **recipe: Any,
) -> dict[str, pd.DataFrame]:
    """Train once, and score each column of texts: tables of probabilities, `label` and `confidence`, by name.

    They are kept in `folder`, with the learning curve as curve.csv, and read from there the next time; not the model.
    """
    if not folder.exists():
        tuned = folder.with_name(f"{folder.name}-model")
        if not tuned.exists():
            folder.parent.mkdir(parents=True, exist_ok=True)
            fine_tune(base, train, validation, tuned, progress=False, **recipe)
        model = load_model(tuned, device="cpu")
        with whole_folder(folder) as new:
            pd.DataFrame(read_record(tuned)["learning_curve"]).to_csv(new / "curve.csv", index=False)
            for name, column in texts.items():
                answers = predict(model, column, progress=False)[[*LABELS, "label", "confidence"]]
                answers.astype({"label": str}).to_parquet(new / f"{name}.parquet")
        shutil.rmtree(tuned)
        print(folder.name, "done", flush=True)
    return {name: pd.read_parquet(folder / f"{name}.parquet").astype({"label": label_dtype}) for name in texts}
