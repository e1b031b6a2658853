import dataclasses
import itertools
import os
import signal
import sys
from unittest.mock import MagicMock

import pandas as pd
import pytest
import torch

from sentiment_kit.data import load_demo
from sentiment_kit.errors import DataError
from sentiment_kit.files.rows import inspect, iter_parts
from sentiment_kit.files.writing import write_table
from sentiment_kit.model import load_model
from sentiment_kit.scale import bulk, cluster
from sentiment_kit.scale.bulk import Job, done_parts, score_files
from sentiment_kit.scale.cluster import _shares, on_ray

ROWS, PART = 2_000, 100


@pytest.fixture(scope="module")
def ray_here():
    """A session of Ray in this process, which runs use and leave."""
    ray, _ = cluster._connected(None)
    yield
    ray.shutdown()


@pytest.fixture(scope="module")
def big_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("cluster") / "tweets.csv"
    texts = load_demo()["text"]
    table = pd.DataFrame({"id": range(ROWS), "text": [f"{texts[n % len(texts)]} {n}" for n in range(ROWS)]})
    write_table(table, path)
    with path.open("ab") as file:
        file.write(b"1,due,tre\n")
    return path


def contents(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in sorted(folder.rglob("[!.]*.*"))}


@pytest.fixture(scope="module")
def expected(big_file, tmp_path_factory, tiny_model):
    out = tmp_path_factory.mktemp("local") / "out"
    score_files([big_file], out, model=tiny_model, part_rows=PART)
    return contents(out)


@pytest.mark.long
@pytest.mark.usefixtures("ray_here")
def test_the_same_folder_though_a_worker_is_killed(big_file, tmp_path, expected, tiny_model):
    """The actor dies in its fourth batch; Ray starts another, and nothing is lost or double."""
    out, died, folder = tmp_path / "out", tmp_path / "died", tiny_model.name

    def mortal(device):
        model = load_model(folder, device=device)
        batches = itertools.count()

        def die(*_):
            if next(batches) == 3 and not died.exists():
                died.touch()
                os.kill(os.getpid(), signal.SIGKILL)

        model.network.register_forward_hook(die)
        return model

    done = score_files(
        [big_file], out, model=dataclasses.replace(tiny_model, loader=mortal), part_rows=PART, run=on_ray()
    )
    assert died.exists()
    assert tuple(done) == (ROWS, 1, 0, ROWS // PART + 1, 0)
    assert contents(out) == expected


@pytest.mark.usefixtures("ray_here")
def test_what_is_there_is_not_done_again(big_file, tmp_path, expected, tiny_model):
    out = tmp_path / "out"
    (out / "rejected").mkdir(parents=True)
    for name, data in expected.items():
        if name not in ("part-00000-000003.parquet", "part-00000-000020.parquet"):
            (out / name).write_bytes(data)
    times = {path.name: path.stat().st_mtime_ns for path in out.glob("part-*")}
    score_files([big_file], out, model=tiny_model, part_rows=PART, run=on_ray())
    assert contents(out) == expected
    assert {path.name: path.stat().st_mtime_ns for path in out.glob("part-*") if path.name in times} == times


@pytest.mark.usefixtures("ray_here")
def test_with_strict_the_row_is_named(big_file, tmp_path, tiny_model):
    with pytest.raises(DataError, match=r"tweets\.csv, line 2002: expected 2 fields, got 3; without --strict"):
        score_files([big_file], tmp_path / "out", model=tiny_model, part_rows=5000, run=on_ray(), strict=True)


@pytest.mark.parametrize(("device", "passed_on"), [("cpu", "cpu"), ("cuda:1", "cuda")])
def test_actors_load_what_the_manifest_names(tmp_path, tiny_model, monkeypatch, device, passed_on):
    """On "auto" they would take a GPU where the model is on the processor; which GPU is theirs is Ray's to say."""
    ray = MagicMock()
    ray.nodes.return_value = [{"Alive": True, "Resources": {"CPU": 4.0, "GPU": 2.0}}]
    monkeypatch.setattr(cluster, "_connected", lambda address: (ray, False))
    model = dataclasses.replace(tiny_model, device=torch.device(device))
    on_ray()([], tmp_path, model, Job("text", 500, False, None), MagicMock())
    mapped = ray.data.from_items.return_value.flat_map.return_value.map_batches
    loader = mapped.call_args.kwargs["fn_constructor_args"][0]
    assert loader.func is load_model
    assert [str(argument) for argument in loader.args] == [tiny_model.name]
    none = dict.fromkeys(("revision", "labels", "fold", "base"))
    expected = {"dtype": "torch.float32", "device": passed_on, **none}
    assert loader.keywords == expected


@pytest.mark.parametrize(
    ("nodes", "on_gpu", "expected"),
    [
        ([{"CPU": 2.0}], False, (1, {"num_cpus": 1}, 2)),  # one core is left to Ray's own tasks
        ([{"CPU": 1.0}], False, (1, {"num_cpus": 1}, 1)),
        ([{"CPU": 64.0}], False, (8, {"num_cpus": 7}, 8)),
        ([{"CPU": 4.0}, {"CPU": 4.0}], False, (2, {"num_cpus": 3}, 4)),  # none larger than a machine
        ([{"CPU": 6.0}, {"CPU": 16.0}, {}], False, (3, {"num_cpus": 5}, 6)),
        ([{"CPU": 32.0, "GPU": 4.0}, {"CPU": 32.0, "GPU": 4.0}], True, (8, {"num_gpus": 1, "num_cpus": 1}, 8)),
    ],
)
def test_shares(nodes, on_gpu, expected):
    assert _shares(nodes, on_gpu) == expected


def test_a_cluster_without_a_gpu_is_named():
    with pytest.raises(DataError, match="no machine of the cluster has a GPU"):
        _shares([{"CPU": 8.0}], True)


def test_done_parts_are_those_of_the_file(tmp_path):
    for name in ("part-00000-000002", "part-00001-000000", "part-00000-000000"):
        (tmp_path / f"{name}.parquet").touch()
    assert done_parts(tmp_path, 0) == {0, 2}
    assert done_parts(tmp_path, 1) == {0}
    assert done_parts(tmp_path, 2) == set()


@pytest.mark.parametrize(
    ("done", "first", "missing"),
    [({0, 2}, 1, [1, 3]), ({0}, 1, [1, 2, 3]), (set(), 0, [0, 1, 2, 3]), ({1}, 0, [0, 2, 3])],
)
def test_what_is_missing_is_read_from_the_first_such_part_on(tmp_path, monkeypatch, done, first, missing):
    (tmp_path / "t.csv").write_text("text\na\nb\nc\nd\n")
    asked = []
    monkeypatch.setattr(
        bulk, "iter_parts", lambda *given, first: asked.append(first) or iter_parts(*given, first=first)
    )
    found = list(bulk.missing_parts(inspect(tmp_path / "t.csv"), 5, done, Job("text", 1, False, None)))
    assert [name for name, _ in found] == [f"part-00005-{number:06}" for number in missing]
    assert [part.table["text"].to_pylist() for _, part in found] == [["abcd"[number]] for number in missing]
    assert asked == [first]


def test_mistakes_are_named(big_file, tmp_path, tiny_model, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(DataError, match=r'pip install "sentiment-kit\[ray\]"'):
        score_files([big_file], tmp_path / "out", model=tiny_model, run=on_ray())
