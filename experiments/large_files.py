"""Time and memory that `sample` and `shares` take of ten million tweets: writes results/large_files.csv.

The timeline as `sentiment-kit score` writes it, repeated under new ids: as a folder of parts and as one CSV. A command
is a process of its own, whose time and largest memory the system says; labels of the sample are the annotators'.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq
from trainings import RESULTS

from sentiment_kit.data import load_data
from sentiment_kit.hub import DEMO_MODEL

PART = 100_000
COLUMNS = ["id", "text", "date", "topic"]


RUN = (
    "import resource, subprocess, sys; subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL); "
    "print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"
)
"""A small process between: a command is charged with the memory of the process that began it."""


def kit(*arguments: object) -> tuple[float, float]:
    """Run `sentiment-kit` with these; seconds, and the most megabytes it held at a time."""
    start = time.perf_counter()
    command = [sys.executable, "-c", RUN, sys.executable, "-m", "sentiment_kit", *map(str, arguments)]
    kilobytes = subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout
    return time.perf_counter() - start, int(kilobytes) * 1024 / 1e6


def write_large(scored: Path, folder: Path, file: Path, rows: int) -> None:
    """A folder as `scored` is, and a CSV: its tweets again and again, `rows` in all, each with an id of its own."""
    folder.mkdir()
    shutil.copyfile(scored / "manifest.json", folder / "manifest.json")
    few = pa.concat_tables([pq.read_table(part) for part in sorted(scored.glob("part-*.parquet"))])
    few = pa.concat_tables([few] * -(-min(PART, rows) // len(few)))
    writer = None
    for number, first in enumerate(range(0, rows, PART), 1):
        n = min(PART, rows - first)
        part = few.slice(0, n).set_column(few.column_names.index("id"), "id", pa.array(range(first, first + n)))
        pq.write_table(part, folder / f"part-{number:06d}.parquet")
        writer = writer or pa.csv.CSVWriter(file, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--output", type=Path, default=RESULTS)
    arguments = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        timeline = load_data("timeline")
        timeline[COLUMNS].to_csv(work / "timeline.csv", index=False)
        kit("score", work / "timeline.csv", work / "scored", "--model", DEMO_MODEL)
        write_large(work / "scored", work / "folder", work / "file.csv", arguments.rows)
        labels = timeline.set_index("text")["label"]
        labels = labels[~labels.index.duplicated()]
        for kind, scored in (("folder", work / "folder"), ("CSV", work / "file.csv")):
            drawn = work / f"{kind}-sample.csv"
            measured = {"sample": kit("sample", scored, "--n", 200, "--output", drawn)}
            sample = pd.read_csv(drawn)
            sample.assign(label=sample["text"].map(labels)).to_csv(drawn, index=False)
            measured["shares"] = kit("shares", scored, "--sample", drawn, "--by", "topic", "--over", "date")
            for command, (seconds, megabytes) in measured.items():
                rows.append((command, kind, arguments.rows, seconds, megabytes))
    table = pd.DataFrame(rows, columns=["command", "read", "rows", "seconds", "peak_mb"]).round(0)
    arguments.output.mkdir(parents=True, exist_ok=True)
    table.to_csv(arguments.output / "large_files.csv", index=False)
    print(table.to_string())


if __name__ == "__main__":
    main()
