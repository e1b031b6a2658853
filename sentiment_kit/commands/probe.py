"""`sentiment-kit probe`: counterfactual pairs and behavioural cases, with the ones that went worst."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

from typer import Option

from ..errors import DataError
from ..files.writing import json_records
from ..hub import DEFAULT_MODEL
from .shared import Backend, BatchSize, ClassFold, ClassLabels, Device, ModelName, kept_notes, load


def probe(
    model: ModelName = DEFAULT_MODEL,
    pairs: Annotated[
        Path | None, Option(help="Counterfactual pairs of your own: family, frame, tone, subject_a, ..., text_b.")
    ] = None,
    cases: Annotated[
        Path | None, Option(help="Behavioural cases of your own: capability, kind, text, other, expected.")
    ] = None,
    against: Annotated[
        str | None, Option(help="A second model, asked the same pairs: how much of a shift is the first's own?")
    ] = None,
    as_json: Annotated[bool, Option("--json", help="Print one JSON object instead of text.")] = False,
    batch_size: BatchSize = None,
    device: Device = "auto",
    backend: Backend = "torch",
    labels: ClassLabels = None,
    fold: ClassFold = None,
) -> None:
    """Test whether only the subject matters (counterfactual pairs), and what the model can do (behavioural cases).

    Without --pairs and --cases, all that were written for this project. The label flips of a family are held against
    those of rival clubs, which are asked, too, where pairs of your own have no family rival_clubs.
    """
    import pandas as pd

    from ..analysis import probes
    from ..inference import predict
    from ..provenance import provenance

    if against is not None and pairs is None and cases is not None:
        raise DataError("--against compares pairs, but there are only --cases; add --pairs")
    sources = [probes.PROBES_FOLDER / "pairs.csv", probes.IDENTITY_PAIRS] if pairs is None else [pairs]
    if pairs is None and cases is None:
        pairs, cases = sources[0], probes.PROBES_FOLDER / "cases.csv"
    with kept_notes() as notes:
        pair_table = pd.concat(map(probes.load_pairs, sources), ignore_index=True) if pairs is not None else None
        case_table = probes.load_cases(cases) if cases is not None else None
    loaded = load(model, device, backend, labels, fold)
    found = {}
    if pair_table is not None:
        asked = set(pair_table["family"])
        if "rival_clubs" not in asked:
            level = probes.load_pairs().query("family == 'rival_clubs'")
            pair_table = pd.concat([pair_table, level], ignore_index=True)
        scored = _ask(loaded, pair_table, batch_size)
        found["families"] = probes.family_effects(scored).reset_index()
        if against is not None:
            other = _ask(load(against, device, backend), pair_table, batch_size)
            found["against"] = probes.compare_effects(scored, other).reset_index()
        scored = scored[scored["family"].isin(asked)]
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
        files = [*(sources if pairs is not None else []), *([cases] if cases is not None else [])]
        record = provenance(model=loaded, data=files) | {"notes": notes}
        print(json.dumps({**records, "provenance": record}, indent=2, ensure_ascii=False))
        return
    titles = {
        "families": f"{model}: change of P(positive) - P(negative) from subject a to b, and of the label beyond rival "
        "clubs; simultaneous 95% intervals over frames",
        "against": f"{model} less {against}, pair by pair",
        "worst_pairs": "The pairs that moved most",
        "capabilities": "Failures by capability, with 95% intervals",
        "failures": "One failure of each",
    }
    told = {"worst_pairs": _pair_lines, "failures": _failure_lines}
    texts = {name: table.round(3).to_string(index=False, na_rep="–") for name, table in found.items()}
    texts |= {name: "\n".join(map(told[name], found[name].itertuples())) for name in told if name in found}
    print("\n\n".join(f"{titles[name]}\n{text}" for name, text in texts.items()))


def _ask(model: Any, pairs: Any, batch_size: int | None) -> Any:
    from ..analysis.probes import score_pairs
    from ..inference import predict

    return score_pairs(pairs, *(predict(model, pairs[side], batch_size=batch_size) for side in ("text_a", "text_b")))


def _pair_lines(pair: Any) -> str:
    texts = f"    a: {pair.text_a}\n    b: {pair.text_b}"
    return f"{pair.family}: {pair.label_a} to {pair.label_b} ({pair.shift:+.2f})\n{texts}"


def _failure_lines(case: Any) -> str:
    if case.kind == "MFT":
        return f"{case.capability}: expected {case.expected}, got {case.label}\n    {case.text}"
    got = f"{case.label} and {case.label_other}" if case.kind == "INV" else f"{case.change:+.2f}"
    return f"{case.capability}: expected {case.expected}, got {got}\n    {case.text}\n    {case.other}"
