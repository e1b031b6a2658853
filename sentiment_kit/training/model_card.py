"""What a trained model says of itself: `training.json` for programs, README.md, the model card, for people.

The card has the layout of the Hugging Face hub, so a folder can be published as it is.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
from huggingface_hub import EvalResult, ModelCardData

from .. import __version__
from ..files.writing import whole_file
from ..labels import LABELS

_FILE = "training.json"


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
    folder = Path(folder)
    record = record | {"sentiment_kit": __version__}
    for name, text in ((_FILE, json.dumps(record, indent=2) + "\n"), ("README.md", _card(record))):
        with whole_file(folder / name) as temporary:
            temporary.write_text(text, encoding="utf-8")


def _card(record: dict[str, Any]) -> str:
    data, recipe = record["data"], record["recipe"]
    lines = [
        "# An Italian tweet-sentiment model",
        "",
        f"Fine-tuned from `{record['base']}`"
        + (f" (commit {record['base_revision']})" if record["base_revision"] else "")
        + f" by sentiment-kit {record['sentiment_kit']}. Labels, in this order: {', '.join(LABELS)}.",
        "Texts were cleaned of mentions, links and e-mail addresses, and must be before they are scored.",
        "",
        "## Data",
        "",
        "| part | tweets | " + " | ".join(LABELS) + " | SHA-256 |",
        "|---|---|---|---|---|---|",
    ]
    parts = {**data, "test": record["test"]} if record.get("test") else data
    for name, part in parts.items():
        counts = [f"{part['labels'][label]:,}" for label in LABELS] if "labels" in part else ["from a teacher"] * 3
        lines.append(f"| {name} | {part['rows']:,} | {' | '.join(counts)} | {part['sha256'][:16]} |")
    if record.get("teacher"):
        lines += ["", f"It learnt from the teacher `{record['teacher']}`."]
    if _agrees_only(record):
        lines += ["The labels of the test part are the teacher's, too: agreement with it is not correctness."]
    lines += [
        "",
        "## Recipe",
        "",
        *(f"- {name}: {value}" for name, value in recipe.items()),
        f"- seed: {record['seed']}",
    ]
    lines += ["- optimizer: AdamW, the learning rate falling to 0 in a line; the epoch with the lowest validation loss"]
    lines += ["", "## Learning curve", "", *_markdown(pd.DataFrame(record["learning_curve"]))]
    if record.get("seeds"):
        table = pd.DataFrame(record["seeds"])
        lines += ["", "## Seeds", "", *_markdown(table), "", _spread(table)]
    lines += [
        "",
        "## Limitations",
        "",
        "A model knows the tweets it was trained on: other years, subjects and platforms are other domains. Before you",
        "rely on it, measure it on tweets of your own (`sentiment-kit evaluate`, `sentiment-kit probe`).",
    ]
    return f"---\n{_metadata(record).to_yaml()}\n---\n\n" + "\n".join(lines) + "\n"


def _metadata(record: dict[str, Any]) -> ModelCardData:
    """The front matter that the hub reads; with a test part, the kept model's scores."""
    results = []
    for row in record.get("seeds") or []:
        if row["kept"] and "accuracy" in row and not _agrees_only(record):
            for name in ("accuracy", "macro_f1"):
                results.append(
                    EvalResult(
                        task_type="text-classification",
                        dataset_type="private",
                        dataset_name=f"test part, {record['test']['rows']} tweets",
                        metric_type=name,
                        metric_value=round(row[name], 4),
                    )
                )
    return ModelCardData(
        language="it",
        base_model=record["base"] if "/" in record["base"] else None,
        pipeline_tag="text-classification",
        library_name="transformers",
        tags=["sentiment-analysis"],
        model_name="sentiment",
        eval_results=results or None,
    )


def _agrees_only(record: dict[str, Any]) -> bool:
    """Whether the scores are those of a student against its teacher."""
    return bool(record.get("teacher") and record.get("test") and not record.get("test_is_gold", True))


def _markdown(table: pd.DataFrame) -> list[str]:
    cells = [
        [f"{value:.4f}" if isinstance(value, float) else str(value) for value in row] for row in table.to_numpy(object)
    ]
    return [f"| {' | '.join(row)} |" for row in ([*table.columns], ["---"] * len(table.columns), *cells)]


def _spread(table: pd.DataFrame) -> str:
    """Mean and standard deviation over the seeds, of what was measured on the test part, else on validation."""
    names = [name for name in ("accuracy", "macro_f1") if name in table] or ["validation_accuracy"]
    n = len(table)
    said = [f"{name} {table[name].mean():.4f}" + (f" ± {table[name].std():.4f}" if n > 1 else "") for name in names]
    return f"Mean{' and standard deviation' if n > 1 else ''} over {n} seed{'s' if n > 1 else ''}: {', '.join(said)}."
