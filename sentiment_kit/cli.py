"""The command line: `sentiment-kit score`, `evaluate`, `probe` and `benchmark`.

Thin: arguments in, calls of the package, one line per error. What needs torch is imported inside the commands, so that
`--help` answers at once.
"""

from __future__ import annotations

import json
import sys
import time
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from . import __version__
from .files import FORMATS, DataError, check_writable, file_format, read_table, write_table
from .hub import DEFAULT_MODEL, ModelError

if TYPE_CHECKING:
    import pandas as pd

    from .model import SentimentModel
    from .scorecard import Scorecard

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Use, measure and question an Italian tweet-sentiment model.",
)

ModelName = Annotated[
    str, typer.Option("--model", help='Hub id, folder, or "demo" for the small model inside the package.')
]
Device = Annotated[str, typer.Option(help="auto, cpu, cuda, mps.")]
BatchSize = Annotated[
    int | None, typer.Option(min=1, help="Texts per forward pass at most. Default: by a budget of tokens.")
]
Backend = Annotated[
    Literal["torch", "onnx", "onnx-int8"],
    typer.Option(help="onnx-int8 is the fastest on a processor, and changes some labels."),
]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"sentiment-kit {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None: ...


@app.command()
def score(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT... OUTPUT",
            help="One file to another; or files, folders and patterns of any size to a folder. CSV, TSV, JSONL (also "
            ".gz, .zst), Parquet.",
            show_default=False,
        ),
    ],
    model: ModelName = DEFAULT_MODEL,
    text_column: Annotated[str, typer.Option(help="The column to read.")] = "text",
    batch_size: BatchSize = None,
    device: Device = "auto",
    backend: Backend = "torch",
    force: Annotated[bool, typer.Option("--force", help="Replace OUTPUT if it is a file that exists.")] = False,
    engine: Annotated[Literal["local", "ray"], typer.Option(help="To a folder: what runs the parts.")] = "local",
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; default: one on this machine.")] = None,
    strict: Annotated[bool, typer.Option("--strict", help="To a folder: stop at the first broken row.")] = False,
    spreadsheet_safe: Annotated[
        bool, typer.Option("--spreadsheet-safe", help="To a CSV or TSV: keep spreadsheets from running cells.")
    ] = False,
) -> None:
    """Add the prediction's columns to tweets.

    To a folder the run can be stopped at any time; the same command goes on where it was.
    """
    *inputs, output = paths
    if not inputs:
        raise DataError(f"expected INPUT... and OUTPUT, got only {output}; say where to write")
    if len(inputs) == 1 and file_format(output) in FORMATS and not output.is_dir():
        if strict or engine != "local" or address is not None:
            raise DataError(f"--strict, --engine and --address are for folders, but {output} is a file")
        _score_file(inputs[0], output, model, text_column, batch_size, device, backend, force, spreadsheet_safe)
        return
    if force or spreadsheet_safe:
        raise DataError(f"--force and --spreadsheet-safe are for a file, but {output} is to be a folder")
    from .bulk import score_files

    loaded = _load(model, device, backend)
    try:
        done = score_files(
            inputs,
            output,
            model=loaded,
            text=text_column,
            engine=engine,
            address=address,
            strict=strict,
            batch_size=batch_size,
        )
    except KeyboardInterrupt:
        print(f"\nstopped; {output} keeps what is done. Run the same command again to go on.", file=sys.stderr)
        sys.exit(130)
    print(
        f"{output}: {done.rows:,} rows in {done.parts:,} parts, {done.unreadable:,} with nothing to read; "
        f"{done.rejected:,} broken ones set apart{' in rejected/' if done.rejected else ''}",
        file=sys.stderr,
    )


def _score_file(
    input: Path,
    output: Path,
    model: str,
    text_column: str,
    batch_size: int | None,
    device: str,
    backend: str,
    force: bool,
    spreadsheet_safe: bool,
) -> None:
    """One file that fits in memory to another."""
    from .data import sentipolc_table, text_values
    from .inference import names_beside

    check_writable(output, force=force)
    table = sentipolc_table(input)
    if table is None:
        table = read_table(input)
    texts = text_values(table, text_column, input)
    try:
        names = names_beside(list(table.columns))
    except DataError as error:
        raise DataError(f"{input}: {error}") from error
    renamed = {name: own for name, own in names.items() if name != own}
    if renamed:
        print(
            f"the input has {', '.join(renamed)} already; the prediction's: {', '.join(renamed.values())}",
            file=sys.stderr,
        )
    predictions = _predict(model, texts, device, backend, batch_size)
    added = predictions[list(names)].rename(columns=names).set_index(table.index)
    write_table(table.join(added), output, force=force, spreadsheet_safe=spreadsheet_safe)


@app.command()
def evaluate(
    gold: Annotated[
        str, typer.Argument(help='A SENTIPOLC file, a table with texts and labels, or "demo" (test split).')
    ],
    predictions: Annotated[
        Path | None, typer.Option(help="Predictions made before: a table with id and label, or a scored file.")
    ] = None,
    model: Annotated[
        str | None, typer.Option("--model", help=f"Predict with this one. Default: {DEFAULT_MODEL}")
    ] = None,
    mixed: Annotated[
        Literal["drop", "neutral", "negative", "keep"],
        typer.Option(help="What tweets marked both positive and negative count as; keep: no label, as with drop."),
    ] = "drop",
    by: Annotated[str | None, typer.Option(metavar="COLUMN", help="Give accuracy for each value of it, too.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FOLDER", help="Write all tables and figures there.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
    text_column: Annotated[str, typer.Option(help="The column to read, unless a SENTIPOLC file.")] = "text",
    label_column: Annotated[str, typer.Option(help="The gold labels, unless a SENTIPOLC file.")] = "label",
    batch_size: BatchSize = None,
    device: Device = "auto",
    backend: Backend = "torch",
    force: Annotated[bool, typer.Option("--force", help="Replace FOLDER if it holds a scorecard.")] = False,
) -> None:
    """Score predictions against gold labels: every score with its 95% interval, official score, protocols, calibration.

    A row with nothing to read has no prediction, and counts as wrong.
    """
    from .data import load_data, load_predictions
    from .scorecard import check_new_folder, make_scorecard, scorecard_json, write_scorecard

    if predictions is not None and model is not None:
        raise DataError("--predictions and --model were both given; say which of them to score")
    if output is not None:
        check_new_folder(output, force=force)
    tweets = load_data(gold, mixed="keep", split="test", text=text_column, label=label_column)
    if tweets["label"].isna().all():
        raise DataError(f"{gold}: no row of the column {label_column!r} has a label")
    if by is not None and by not in tweets.columns:
        raise DataError(f"{gold}: no column {by!r} to group by; there are: {', '.join(tweets.columns)}")
    if predictions is not None:
        predicted = load_predictions(predictions, tweets)
    else:
        predicted = _predict(model or DEFAULT_MODEL, tweets["text"], device, backend, batch_size)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        card = make_scorecard(tweets, predicted, mixed=mixed, by=by)
    for message in dict.fromkeys(str(warning.message) for warning in caught):
        print(f"note: {message}", file=sys.stderr)
    provenance = {
        "gold": Path(gold).name,
        "predictions": predictions.name if predictions is not None else model or DEFAULT_MODEL,
        "mixed": mixed,
        "sentiment_kit": __version__,
    }
    if output is not None:
        write_scorecard(card, output, force=force, **provenance)
        print(f"tables and figures are in {output}", file=sys.stderr)
    print(scorecard_json(card, **provenance) if as_json else _summary(card, provenance))


@app.command()
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
) -> None:
    """Test whether only the subject matters (counterfactual pairs), and what the model can do (behavioural cases).

    Without --pairs and --cases, all that were written for this project.
    """
    from .inference import predict
    from .probes import (
        failure_rates,
        failures,
        family_effects,
        judge_cases,
        load_cases,
        load_pairs,
        score_pairs,
        worst_pairs,
    )

    tables = {}
    if pairs is not None or cases is None:
        tables["pairs"] = load_pairs(pairs) if pairs is not None else load_pairs()
    if cases is not None or pairs is None:
        tables["cases"] = load_cases(cases) if cases is not None else load_cases()
    loaded = _load(model, device, backend)
    found = {}
    if "pairs" in tables:
        a, b = (predict(loaded, tables["pairs"][side], batch_size=batch_size) for side in ("text_a", "text_b"))
        scored = score_pairs(tables["pairs"], a, b)
        found["families"] = family_effects(scored).reset_index()
        found["worst_pairs"] = worst_pairs(scored)[["family", "text_a", "text_b", "label_a", "label_b", "shift"]]
    if "cases" in tables:
        first, second = (predict(loaded, tables["cases"][side], batch_size=batch_size) for side in ("text", "other"))
        judged = judge_cases(tables["cases"], first, second)
        found["capabilities"] = failure_rates(judged).reset_index()
        found["failures"] = failures(judged)[
            ["capability", "kind", "expected", "text", "label", "other", "label_other", "change"]
        ]
    if as_json:
        records = {name: json.loads(table.to_json(orient="records")) for name, table in found.items()}
        print(json.dumps({"model": model, "sentiment_kit": __version__, **records}, indent=2, ensure_ascii=False))
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


@app.command()
def benchmark(
    model: Annotated[
        str, typer.Option("--model", help='Hub id, folder, "demo", or "bert-base-random" for random weights.')
    ] = "bert-base-random",
    input: Annotated[str, typer.Option("--input", help='Tweets to measure with: a file, or "demo".')] = "demo",
    n: Annotated[int, typer.Option("--n", min=1, help="How many of them, drawn at random.")] = 512,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object instead of text.")] = False,
) -> None:
    """Measure how fast this machine is, with each back end and beside the ordinary ways."""
    from .benchmark import run_benchmark
    from .data import load_data

    texts = load_data(input, mixed="keep")["text"].dropna()
    measured = run_benchmark(model, texts.sample(min(n, len(texts)), random_state=0).tolist())
    if as_json:
        rates = json.loads(measured.rates.reset_index().to_json(orient="records"))
        print(json.dumps({"model": model, "sentiment_kit": __version__, **measured.machine, "rates": rates}, indent=2))
        return
    machine = measured.machine
    print(
        f"{model} on {machine['device']}, {machine['threads']} threads; {machine['tweets']:,} tweets, "
        f"{machine['tokens_per_tweet']:.1f} tokens each\n"
        f"matrix products: {machine['matmul_gflops']:,.0f} GFLOP/s, packed {machine['packed_matmul_gflops']:,.0f}\n"
        f"everything but the model: {machine['without_model']:,.0f} tweets/s\n"
    )
    shown = measured.rates.rename(
        columns={
            "tweets_per_second": "tweets/s",
            "tokens_per_second": "tokens/s",
            "ratio_to_card": "x card",
            "ratio_to_pipeline": "x pipeline",
            "labels_changed": "changed",
            "largest_difference": "difference",
            "memory_mb": "MB",
            "of_matmul": "of matmul",
        }
    )
    digits = {name: 0 if shown["slowest"].min() > 100 else 1 for name in ("tweets/s", "slowest", "fastest")}
    digits |= {"tokens/s": 0, "padding": 3, "x card": 2, "x pipeline": 2, "difference": 6, "MB": 0, "of matmul": 2}
    formats = {name: f"{{:,.{n}f}}".format for name, n in digits.items()}
    print(shown.rename_axis(None).to_string(formatters=formats, na_rep="–"))


def _pair_lines(pair: Any) -> str:
    texts = f"    a: {pair.text_a}\n    b: {pair.text_b}"
    return f"{pair.family}: {pair.label_a} to {pair.label_b} ({pair.shift:+.2f})\n{texts}"


def _failure_lines(case: Any) -> str:
    if case.kind == "MFT":
        return f"{case.capability}: expected {case.expected}, got {case.label}\n    {case.text}"
    got = f"{case.label} and {case.label_other}" if case.kind == "INV" else f"{case.change:+.2f}"
    return f"{case.capability}: expected {case.expected}, got {got}\n    {case.text}\n    {case.other}"


def _summary(card: Scorecard, provenance: dict[str, str]) -> str:
    counts = card.counts
    parts = [
        f"{provenance['predictions']} on {provenance['gold']}: {counts['n']:,} labelled tweets, "
        f"{counts['n_mixed']:,} mixed (mixed: {provenance['mixed']}), {counts['n_unlabelled']:,} others without label, "
        f"{counts['n_unreadable']:,} without prediction (wrong where labelled)"
    ]
    shown = {
        "scores": "Scores, with 95% intervals",
        "per_class": "By label",
        "groups": "Accuracy by group",
        "official": "Official score of SENTIPOLC 2016",
        "protocols": "The same under other protocols; --output or --json says what each is and what to compare it with",
        "calibration": "Probabilities (lower is better, but for resolution)",
    }
    for name, title in shown.items():
        if name in card.tables:
            table = card.tables[name].drop(columns=["measures", "compare_with"], errors="ignore")
            parts.append(f"{title}\n{table.round(3).to_string(na_rep='–')}")
    return "\n\n".join(parts)


def _load(name: str, device: str, backend: str) -> SentimentModel:
    from .model import load_model

    model = load_model(name, device=device, backend=backend)
    if model.agreement is not None:
        changed, n = model.agreement["labels_changed"], model.agreement["n"]
        print(f"{backend}: {changed} of {n} labels differ from float32 on the demo's tweets", file=sys.stderr)
    return model


def _predict(name: str, texts: pd.Series, device: str, backend: str, batch_size: int | None) -> pd.DataFrame:
    from .inference import predict

    model = _load(name, device, backend)
    start = time.perf_counter()
    predictions = predict(model, texts, batch_size=batch_size)
    seconds = time.perf_counter() - start
    unreadable = int(predictions["label"].isna().sum())
    print(
        f"{len(texts):,} tweets in {seconds:.1f} s ({len(texts) / max(seconds, 1e-9):,.0f} tweets/s), "
        f"{unreadable:,} with nothing to read, {int(predictions['truncated'].sum()):,} truncated",
        file=sys.stderr,
    )
    return predictions


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and exit code 2."""
    try:
        app()
    except (DataError, ModelError) as error:
        print(f"sentiment-kit: {error}", file=sys.stderr)
        sys.exit(2)
