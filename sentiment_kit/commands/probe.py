"""`sentiment-kit probe`: counterfactual pairs and behavioural cases, with the ones that went worst."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from ..files.writing import json_records
from ..hub import DEFAULT_MODEL
from .shared import Backend, BatchSize, ClassFold, ClassLabels, Device, ModelName, kept_notes, load


def probe(
    model: ModelName = DEFAULT_MODEL,
    pairs: Annotated[
        Path | None, typer.Option(help="Counterfactual pairs of your own: family, frame, tone, subject_a, ..., text_b.")
    ] = None,
    cases: Annotated[
        Path | None, typer.Option(help="Behavioural cases of your own: capability, kind, text, other, expected.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    batch_size: BatchSize = None,
    device: Device = "auto",
    backend: Backend = "torch",
    labels: ClassLabels = None,
    fold: ClassFold = None,
) -> None:
    """Test whether only the subject matters (counterfactual pairs), and what the model can do (behavioural cases).

    Without --pairs and --cases, all that were written for this project.
    """
    from ..analysis import probes
    from ..inference import predict
    from ..provenance import provenance

    if pairs is None and cases is None:
        pairs, cases = (probes.PROBES_FOLDER / name for name in ("pairs.csv", "cases.csv"))
    with kept_notes() as notes:
        pair_table = probes.load_pairs(pairs) if pairs is not None else None
        case_table = probes.load_cases(cases) if cases is not None else None
    loaded = load(model, device, backend, labels, fold)
    found = {}
    if pair_table is not None:
        a, b = (predict(loaded, pair_table[side], batch_size=batch_size) for side in ("text_a", "text_b"))
        scored = probes.score_pairs(pair_table, a, b)
        found["families"] = probes.family_effects(scored).reset_index()
        worst = probes.worst_pairs(scored)
        found["worst_pairs"] = worst[["family", "text_a", "text_b", "label_a", "label_b", "shift"]]
    if case_table is not None:
        first, second = (predict(loaded, case_table[side], batch_size=batch_size) for side in ("text", "other"))
        judged = probes.judge_cases(case_table, first, second)
        found["capabilities"] = probes.failure_rates(judged).reset_index()
        shown = ["capability", "kind", "expected", "text", "label", "other", "label_other", "change"]
        found["failures"] = probes.failures(judged)[shown]
    if as_json:
        records = {name: json_records(table) for name, table in found.items()}
        record = provenance(model=loaded, data=[path for path in (pairs, cases) if path is not None])
        print(json.dumps({**records, "provenance": record | {"notes": notes}}, indent=2, ensure_ascii=False))
        return
    titles = {
        "families": f"{model}: change of P(positive) - P(negative) from subject a to b, 95% intervals over frames",
        "capabilities": "Failures by capability, with 95% intervals",
    }
    parts = [
        f"{titles[name]}\n{found[name].round(3).to_string(index=False, na_rep='–')}" for name in titles if name in found
    ]
    if "worst_pairs" in found:
        parts.insert(1, "The pairs that moved most\n" + "\n".join(map(_pair_lines, found["worst_pairs"].itertuples())))
    if "failures" in found:
        parts.append("One failure of each\n" + "\n".join(map(_failure_lines, found["failures"].itertuples())))
    print("\n\n".join(parts))


def _pair_lines(pair: Any) -> str:
    texts = f"    a: {pair.text_a}\n    b: {pair.text_b}"
    return f"{pair.family}: {pair.label_a} to {pair.label_b} ({pair.shift:+.2f})\n{texts}"


def _failure_lines(case: Any) -> str:
    if case.kind == "MFT":
        return f"{case.capability}: expected {case.expected}, got {case.label}\n    {case.text}"
    got = f"{case.label} and {case.label_other}" if case.kind == "INV" else f"{case.change:+.2f}"
    return f"{case.capability}: expected {case.expected}, got {got}\n    {case.text}\n    {case.other}"
