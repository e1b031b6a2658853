"""What several test files share: a small random checkpoint in the hub's layout, and the real file if it is there."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import matplotlib
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch
from tokenizers import BertWordPieceTokenizer
from transformers import AutoTokenizer, BertConfig, BertForSequenceClassification

from sentiment_kit import cli
from sentiment_kit.cleaning import clean_tweet
from sentiment_kit.data import load_demo
from sentiment_kit.hub import ANSWERS_FOLDER
from sentiment_kit.labels import LABELS, label_dtype
from sentiment_kit.model import SentimentModel, load_model
from sentiment_kit.scale.onnx import BACKENDS, load_backend

matplotlib.use("Agg")

ROOT = Path(__file__).parent.parent
sys.path.insert(0, str(ROOT / "experiments"))  # scripts that import each other from their own folder
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", flags=re.MULTILINE | re.DOTALL)
"""Of a Markdown page: the language of a code block, and what is in it."""
SENTIPOLC = ROOT.parent / "shared" / "sentipolc16" / "training_set_sentipolc16.csv"


SLOWEST = (
    "solutions/13_fine_tuning.ipynb",
    "notebooks/13_fine_tuning.ipynb",
    "test_fine_tuning.py",
    "test_readme.py",
    "test_docs.py",
    "test_notebooks.py",
    "test_experiments.py",
    "notebooks/03_gpu_batching.ipynb",
    "test_cluster.py",
)
"""Files that take long, those first that take longest: begun last, one of them would keep a single core busy."""
SHARING = {
    "test_claims.py", "test_demo.py", "test_docs.py", "test_fillings.py", "test_probes.py", "test_readme.py",
    "test_slices.py",
}  # fmt: skip
"""Files of tests that ask the demo models about the same texts."""


def pytest_configure(config: pytest.Config) -> None:
    """Notebooks run in kernels forked from one warm process (see warm.py), and share what they asked the model."""
    if "SENTIMENT_KIT_TESTS" not in os.environ:
        folder = tempfile.mkdtemp(prefix="warm-")
        config.add_cleanup(lambda: shutil.rmtree(folder, ignore_errors=True))
        os.environ |= {"SENTIMENT_KIT_TESTS": str(os.getpid()), "JUPYTER_PATH": folder}
        os.environ["SENTIMENT_KIT_CACHE"] = str(Path(folder) / "cache")  # exports go nowhere else
        warm, path = str(Path(__file__).with_name("warm.py")), str(Path(folder) / "socket")
        argv = [sys.executable, "-S", warm, "kernel", path, "{connection_file}"]
        spec = {"argv": argv, "display_name": "warm", "language": "python"}
        answers = {ANSWERS_FOLDER: str(Path(folder) / "answers")}
        for name, env in (("warm", answers), ("python3", {})):  # of the course, by nbval; of those that tests write
            place = Path(folder) / "kernels" / name / "kernel.json"
            place.parent.mkdir(parents=True)
            place.write_text(json.dumps({**spec, "env": env}))
    config.option.nbval_kernel_name = "warm"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the longest files first; the order within a file stays, and that of all others. Solutions are long tests."""
    ranks = {name: number for number, name in enumerate(SLOWEST)}

    def rank(item: pytest.Item) -> int:
        return min((ranks[name] for name in ranks if str(item.path).endswith(name)), default=len(ranks))

    items.sort(key=rank)
    for item in items:
        if item.path.parent.name == "solutions":
            item.add_marker("long")


def shell(command: str, **options) -> str:
    """What a command prints, run in a shell that finds this environment first; it must succeed."""
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    environment = {**os.environ, "PATH": path, "MAKEFLAGS": ""}
    done = subprocess.run(command, shell=True, capture_output=True, text=True, env=environment, **options)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def reader_folder(path: Path) -> Path:
    """A folder as a reader has it, for the blocks of a page: the package is there, what they write goes there."""
    (path / "sentiment_kit").symlink_to(ROOT / "sentiment_kit")
    return path


@pytest.fixture(scope="session")
def sentipolc_file() -> Path:
    if not SENTIPOLC.exists():
        pytest.skip("the official SENTIPOLC 2016 training file is not at ../shared/sentipolc16/")
    return SENTIPOLC


@pytest.fixture(scope="session")
def hub_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A random checkpoint laid out as the hub repository: config.json, vocab.txt, tokenizer_config.json of 40 bytes,
    pytorch_model.bin. A plain random BERT answers the same for every text, so its weights are spread wider and its
    head is centred and scaled until all three labels occur."""
    folder = tmp_path_factory.mktemp("hub") / "model"
    folder.mkdir()
    texts = load_demo("train")["text"].tolist()
    config = BertConfig(
        vocab_size=_write_vocabulary(texts, folder),
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        initializer_range=0.3,  # 0.06 of BERT base, times the square root of how much narrower this is
        id2label=dict(enumerate(LABELS)),
        label2id={label: number for number, label in enumerate(LABELS)},
    )
    config.save_pretrained(folder)  # the tokenizer's loader reads it
    torch.manual_seed(0)
    network = BertForSequenceClassification(config).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    with torch.inference_mode():
        encoded = [tokenizer(clean_tweet(text), return_tensors="pt") for text in texts[:64]]
        logits = torch.cat([network(**inputs).logits for inputs in encoded])
    with torch.no_grad():
        spread = logits.std(dim=0)
        network.classifier.weight /= spread[:, None]
        network.classifier.bias.copy_((network.classifier.bias - logits.mean(dim=0)) / spread)
    torch.save(network.state_dict(), folder / "pytorch_model.bin")
    return folder


def _write_vocabulary(texts: list[str], folder: Path) -> int:
    """A cased vocabulary of at most 1,500 word pieces, as the hub has it; how many there are."""
    wordpiece = BertWordPieceTokenizer(lowercase=False, strip_accents=False)
    # Ties between pairs of pieces go to the lower numbers, and the trainer numbers inner letters as a hash table has
    # them: told beforehand, they come in the same order in every run.
    inner_letters = sorted({f"##{letter}" for text in texts for letter in text if not letter.isspace()})
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", *inner_letters]
    wordpiece.train_from_iterator(texts, vocab_size=1500, special_tokens=special, show_progress=False)
    wordpiece.save_model(str(folder))
    (folder / "tokenizer_config.json").write_text('{"do_lower_case": false, "max_len": 512}')
    return wordpiece.get_vocab_size()


@pytest.fixture
def hub_copy(hub_folder: Path, tmp_path: Path) -> Path:
    """A copy that a test may damage."""
    return Path(shutil.copytree(hub_folder, tmp_path / "copy"))


@pytest.fixture(scope="session")
def tiny_model(hub_folder: Path) -> SentimentModel:
    return load_model(hub_folder, device="cpu")


@pytest.fixture(scope="module", autouse=True)
def _shared_answers(request: pytest.FixtureRequest):
    """Tests of what is made of the demo's answers share them; those of the answers themselves compute theirs."""
    if Path(str(request.path)).name not in SHARING:
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ANSWERS_FOLDER, str(Path(os.environ["JUPYTER_PATH"]) / "answers"))
        yield


@pytest.fixture(scope="session", params=BACKENDS)
def any_model(request: pytest.FixtureRequest, hub_folder: Path) -> SentimentModel:
    """The same checkpoint through each back end."""
    return load_backend(hub_folder, device="cpu", backend=request.param)


@pytest.fixture(scope="session")
def demo_model() -> SentimentModel:
    return load_model("demo", device="cpu")


@pytest.fixture(autouse=True)
def _close_figures():
    yield
    plt.close("all")


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, str, str]]:
    """The command in this process: exit code, stdout, stderr."""

    def call(*arguments):
        monkeypatch.setattr(sys, "argv", ["sentiment-kit", *map(str, arguments)])
        with pytest.raises(SystemExit) as stop:
            cli.main()
        printed = capsys.readouterr()
        return stop.value.code or 0, printed.out, printed.err

    return call


# Labels for tests of scores


NEG, NEU, POS = LABELS


def series(*labels: str | None) -> pd.Series:
    return pd.Series(labels, dtype=label_dtype)


GOLD = series(NEG, NEG, NEU, POS, POS)
PREDICTED = series(NEG, NEU, NEU, POS, NEG)


def drawn(n: int, seed: int = 0, right: float = 0.5) -> tuple[pd.Series, pd.Series]:
    """Gold labels, and predictions that are right at least with that probability."""
    generator = np.random.default_rng(seed)
    gold = pd.Series(generator.choice(LABELS, n), dtype=label_dtype)
    return gold, gold.where(generator.random(n) < right, pd.Series(generator.choice(LABELS, n), dtype=label_dtype))
