"""What a trained model says of itself: `training.json` for programs, README.md, the model card, for people.

The card has the layout of the Hugging Face hub, so a folder can be published as it is. Its words are in
model_card.md.j2, a template in Jinja.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from huggingface_hub import EvalResult, ModelCard, ModelCardData

from ..files.writing import whole_file
from ..labels import LABELS
from ..provenance import provenance

__all__ = ["read_record"]

_FILE = "training.json"
_TEMPLATE = Path(__file__).with_name("model_card.md.j2")


def read_record(folder: str | Path) -> dict[str, Any]:
    """What `training.json` of a model made by `fine_tune` holds: base, recipe, seed, data, learning curve, seeds, test.

    Raises
    ------
    FileNotFoundError
        If the model has none, because it was made by other means.
    """
    return json.loads((Path(folder) / _FILE).read_text(encoding="utf-8"))


def write_record(folder: str | Path, record: dict[str, Any]) -> None:
    """Write `training.json` and the model card that tells the same, over what is there."""
    record = record | {name: value for name, value in provenance().items() if name in ("sentiment_kit", "software")}
    for name, text in ((_FILE, json.dumps(record, indent=2)), ("README.md", _card(record))):
        with whole_file(Path(folder) / name) as temporary:
            temporary.write_text(f"{text}\n", encoding="utf-8")


def _card(record: dict[str, Any]) -> ModelCard:
    seeds = pd.DataFrame(record.get("seeds"))
    measured = [name for name in ("accuracy", "macro_f1") if name in seeds] or ["validation_accuracy"]
    test = {"test": record["test"]} if record.get("test") else {}
    agrees_only = bool(record.get("teacher") and test and not record.get("test_is_gold", True))
    return ModelCard.from_template(
        _metadata(record, [] if agrees_only or not test else measured),
        template_path=str(_TEMPLATE),
        labels=LABELS,
        splits=record["data"] | test,
        agrees_only=agrees_only,
        spread=None if seeds.empty else seeds[measured].agg(["mean", "std"]).to_dict(),
        **record,
    )


def _metadata(record: dict[str, Any], measured: list[str]) -> ModelCardData:
    """The front matter that the hub reads, with the kept model's scores on the test split."""
    kept: dict[str, Any] = next((row for row in record.get("seeds") or [] if row["kept"]), {})
    results = [
        EvalResult(
            task_type="text-classification",
            dataset_type="private",
            dataset_name=f"test split, {record['test']['rows']} tweets",
            metric_type=name,
            metric_value=round(kept[name], 4),
        )
        for name in measured
        if name in kept
    ]
    return ModelCardData(
        language="it",
        base_model=record["base"]["name"] if "/" in record["base"]["name"] else None,
        pipeline_tag="text-classification",
        library_name="transformers",
        tags=["sentiment-analysis"],
        model_name="sentiment",
        eval_results=results or None,
    )
