"""Train the tagger of topics again: `python experiments/topic_tagger.py`, after `make demo-model`.

An adapter (LoRA) of the embedded model with a head of its own. It learns from the domains of the demo's training split,
from `topic_tweets.csv`, and from `hard_cases.csv`, by many hands: what misleads (other sports, other senses of
football's words, football as a figure of speech), football that names nothing or only a surname, and tweets clipped as
people clip them. Where SENTIPOLC's training file is given, it sees real tweets, too: political ones are politics; those
of its football sample that were not held out are football or not; and of the others nothing is known but that a broad
list of keywords found no football in them. A twelfth of all says which epoch is kept.
"""

from __future__ import annotations

import argparse
import re
import shutil
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from heads import fit_head
from jinja2 import Environment, FileSystemLoader
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy
from torch.nn.utils import parametrize
from transformers import (
    AutoConfig,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    PreTrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    get_linear_schedule_with_warmup,
)

from sentiment_kit.analysis.topics import THRESHOLD, TOPICS, TOPICS_FOLDER, tag_football, tag_topics
from sentiment_kit.cleaning import clean_tweets
from sentiment_kit.data import load_demo, load_sentipolc
from sentiment_kit.evaluation import proportions
from sentiment_kit.hub import DEMO_FOLDER, DEMO_MODEL
from sentiment_kit.model import quiet_transformers

LABELLED = Path(__file__).parents[1] / "tests" / "analysis" / "data"
WRITTEN = [Path(__file__).parent / name for name in ("topic_tweets.csv", "hard_cases.csv")]
SEED = 2018
RECIPE = {"learning_rate": 4e-4, "epochs": 4, "batch_size": 32, "smoothing": 0.05}
TIMES = 4
"""How often in an epoch a real tweet comes whose topic somebody read: else the few drown among the written ones."""
LORA = {
    "r": 32, "lora_alpha": 32, "modules_to_save": ["classifier", "pooler"],
    "target_modules": r".*encoder\.layer\..*\.(query|key|value|dense)",
}  # fmt: skip
NOT_FOOTBALL = "not football"
"""In place of a topic: some other, nobody knows which."""
REAL = {"political": 600, "generic": 1400}
"""Tweets of SENTIPOLC beside the labelled ones; fewer gave the same recall on real tweets and less precision."""


def training_texts(sentipolc: Path | None) -> pd.DataFrame:
    """`text` and `topic` of all there is to learn from, and `times`, how often in an epoch."""
    parts = [load_demo("train", mixed="keep"), *map(pd.read_csv, WRITTEN)]
    texts = pd.concat([part[["text", "domain"]].set_axis(["text", "topic"], axis=1) for part in parts]).assign(times=1)
    if sentipolc is not None:
        tweets = load_sentipolc(sentipolc, mixed="keep").set_index("id")
        labelled = pd.read_csv(LABELLED / "sentipolc_football.csv", dtype={"id": str}).set_index("id")
        seen = labelled[labelled["held_out"] == 0]["football"].map({1: "football", 0: NOT_FOOTBALL})
        others = tweets.drop(labelled.index)
        drawn = pd.concat([others[others["topic"] == name].sample(n, random_state=SEED) for name, n in REAL.items()])
        topics = drawn["topic"].map({"political": "politics", "generic": NOT_FOOTBALL})
        real = pd.DataFrame({"text": tweets["text"], "topic": pd.concat([seen, topics])}).dropna()
        texts = pd.concat([texts, real.assign(times=np.where(real.index.isin(seen.index), TIMES, 1))])
    return texts.astype({"text": str, "topic": str}).drop_duplicates("text").reset_index(drop=True)


def train(base: Path, texts: pd.DataFrame, output: Path, *, seed: int = SEED) -> None:
    """Write the adapter of the epoch with the lowest loss on a twelfth of the texts."""
    torch.manual_seed(seed)
    order = np.random.default_rng(seed).permutation(len(texts))
    held_back, rest = texts.iloc[order[: len(texts) // 12]], texts.iloc[order[len(texts) // 12 :]]
    network, tokenizer, config = _network(base)
    known = rest[rest["topic"] != NOT_FOOTBALL]
    fit_head(network, tokenizer, known["text"], _targets(known).numpy())
    changes = _make_low_rank(network)
    weights = [weight for weight in network.parameters() if weight.requires_grad]
    rest = rest.loc[rest.index.repeat(rest["times"])]
    steps = RECIPE["epochs"] * (len(rest) // RECIPE["batch_size"])
    optimizer = torch.optim.AdamW(weights, lr=RECIPE["learning_rate"], weight_decay=0.01)
    schedule = get_linear_schedule_with_warmup(optimizer, steps // 10, steps)
    best, kept = np.inf, {}
    print(f"head alone: right {_measured(network.eval(), tokenizer, held_back)[1]:.3f}", flush=True)
    for epoch in range(RECIPE["epochs"]):
        network.train()
        for batch in _batches(rest, seed + epoch):
            loss = _losses(_logits(network, tokenizer, batch), _targets(batch), RECIPE["smoothing"]).mean()
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(weights, 1.0)
            optimizer.step()
            schedule.step()
        loss, right = _measured(network.eval(), tokenizer, held_back)
        print(f"epoch {epoch + 1}: loss {loss:.3f}, right {right:.3f}", flush=True)
        if loss < best:
            best, kept = loss, {name: value.clone() for name, value in network.state_dict().items()}
    network.load_state_dict(kept)
    _write_adapter(_network(base)[0], network, changes, output)
    config.save_pretrained(output)


class LowRank(torch.nn.Module):
    """A weight and a change of it of low rank, as LoRA learns it, but added to the weight and not to each output.

    The product of the two matrices costs far less than the passes of all tokens through them (measured: 88 tweets/s in
    place of 32).
    """

    def __init__(self, linear: torch.nn.Linear, rank: int) -> None:
        super().__init__()
        self.a = torch.nn.Parameter(torch.randn(rank, linear.in_features) / linear.in_features**0.5)
        self.b = torch.nn.Parameter(torch.zeros(linear.out_features, rank))

    def forward(self, weight: torch.Tensor) -> torch.Tensor:
        return weight + self.b @ self.a


def _network(base: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, PreTrainedConfig]:
    config = AutoConfig.from_pretrained(base, num_labels=len(TOPICS))
    config.id2label, config.label2id = dict(enumerate(TOPICS)), {topic: number for number, topic in enumerate(TOPICS)}
    config.attention_probs_dropout_prob = 0.0  # PyTorch's fast attention knows none; the other dropouts stay
    with quiet_transformers():
        network = AutoModelForSequenceClassification.from_pretrained(
            base, config=config, dtype=torch.float32, ignore_mismatched_sizes=True
        )
        return network, AutoTokenizer.from_pretrained(base), config


def _make_low_rank(network: PreTrainedModel) -> dict[str, LowRank]:
    """Let nothing be learned but the head and a `LowRank` for each linear layer of the encoder; these, by its name."""
    network.requires_grad_(False)
    network.bert.pooler.requires_grad_(True)
    network.classifier.requires_grad_(True)
    changes = {}
    for name, module in list(network.named_modules()):
        if re.fullmatch(LORA["target_modules"], name) and isinstance(module, torch.nn.Linear):
            changes[name] = LowRank(module, LORA["r"])
            parametrize.register_parametrization(module, "weight", changes[name])
    return changes


def _write_adapter(plain: PreTrainedModel, trained: PreTrainedModel, changes: dict[str, LowRank], output: Path) -> None:
    """What was learned as PEFT saves it, in float16."""
    adapted = get_peft_model(plain, LoraConfig(task_type="SEQ_CLS", **LORA))
    parts = dict(adapted.base_model.model.named_modules())
    with torch.no_grad():
        for name, change in changes.items():
            parts[f"{name}.lora_A.default"].weight.copy_(change.a)
            parts[f"{name}.lora_B.default"].weight.copy_(change.b)
        for name, own in (("classifier", trained.classifier), ("bert.pooler", trained.bert.pooler)):
            parts[f"{name}.modules_to_save.default"].load_state_dict(own.state_dict())
    adapted.peft_config["default"].base_model_name_or_path = DEMO_MODEL
    adapted.half().save_pretrained(output)


def _batches(texts: pd.DataFrame, seed: int) -> list[pd.DataFrame]:
    """In an order of the seed's, with texts of like length together."""
    generator, size = np.random.default_rng(seed), RECIPE["batch_size"]
    shuffled = texts.iloc[generator.permutation(len(texts))]
    pools = [shuffled.iloc[start : start + 16 * size] for start in range(0, len(shuffled), 16 * size)]
    sorted_pools = pd.concat([pool.iloc[pool["text"].str.len().argsort()] for pool in pools])
    batches = [sorted_pools.iloc[start : start + size] for start in range(0, len(sorted_pools) - size + 1, size)]
    return [batches[number] for number in generator.permutation(len(batches))]


def _logits(model: torch.nn.Module, tokenizer: AutoTokenizer, batch: pd.DataFrame) -> torch.Tensor:
    texts = clean_tweets(batch["text"]).tolist()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        return model(**tokenizer(texts, padding=True, truncation=True, return_tensors="pt")).logits.float()


def _targets(texts: pd.DataFrame) -> torch.Tensor:
    """(n,) numbers of the topics, -1 for one that is only known not to be football."""
    return torch.tensor([-1 if topic == NOT_FOOTBALL else TOPICS.index(topic) for topic in texts["topic"]])


def _losses(logits: torch.Tensor, targets: torch.Tensor, smoothing: float = 0.0) -> torch.Tensor:
    """(n,) in nats: of the topic, or of all topics but football together."""
    of_topic = cross_entropy(logits, targets.clamp(min=0), label_smoothing=smoothing, reduction="none")
    others = torch.logsumexp(logits, dim=1) - torch.logsumexp(logits[:, 1:], dim=1)
    return torch.where(targets >= 0, of_topic, others)


def _measured(model: torch.nn.Module, tokenizer: AutoTokenizer, texts: pd.DataFrame) -> tuple[float, float]:
    """Mean loss in nats, and the share of topics that are right."""
    with torch.inference_mode():
        batches = _batches(texts, 0)
        logits = torch.cat([_logits(model, tokenizer, batch) for batch in batches])
    wanted = torch.cat([_targets(batch) for batch in batches])
    right = torch.where(wanted >= 0, logits.argmax(1) == wanted, logits.argmax(1) != 0)
    return float(_losses(logits, wanted).mean()), float(right.float().mean())


# What it scores where


def write_readme(folder: Path, sentipolc: Path | None) -> None:
    """README.md of the adapter: precision and recall of football with counts, and what other topics are taken for."""
    rows = {}
    tweets = load_demo("test", mixed="keep").assign(football=lambda table: table["domain"] == "football")
    read_as = pd.read_csv(LABELLED / "demo_topics.csv").set_index("id")["read_as"]
    seen = ~tweets["football"] | (tweets["id"].map(read_as) == "football")
    found = tag_topics(tweets["text"])
    football = found["football"] >= THRESHOLD
    rows["demo, test split, football that a reader can see"] = _counts(football[seen], tweets["football"][seen])
    rows["demo, test split, all of it"] = _counts(football, tweets["football"])
    traps = pd.read_csv(LABELLED / "football_traps.csv")
    rows["traps, by another hand"] = _counts(tag_football(traps["text"])["football"], traps["football"] == 1)
    labelled = pd.read_csv(LABELLED / "sentipolc_football.csv", dtype={"id": str}).set_index("id")
    agreed = labelled["read_again"] == labelled["football"]
    if sentipolc is not None:
        texts = load_sentipolc(sentipolc, mixed="keep").set_index("id")["text"].loc[labelled.index]
        tagged, gold, half = tag_football(texts)["football"], labelled["football"] == 1, labelled["held_out"] == 1
        rows["SENTIPOLC, tweets read by hand"] = _counts(tagged, gold)
        rows["SENTIPOLC, tweets on which two readers agree"] = _counts(tagged[agreed], gold[agreed])
        rows["SENTIPOLC, the half of them that nobody looked at"] = _counts(tagged[half], gold[half])
        rows["SENTIPOLC, that half where two readers agree"] = _counts(tagged[half & agreed], gold[half & agreed])
    confusion = pd.crosstab(tweets["domain"], found["topic"]).reindex(columns=list(TOPICS), fill_value=0)
    confusion = confusion.loc[[topic for topic in TOPICS if topic in confusion.index]]
    right = int((found["topic"].astype(str) == tweets["domain"]).sum())
    share = proportions(pd.Series({"": right}), len(tweets)).iloc[0]
    environment = Environment(loader=FileSystemLoader(Path(__file__).parent), keep_trailing_newline=True)
    text = environment.get_template("topic_card.md.j2").render(
        rows=rows,
        confusion=confusion,
        right=right,
        share=share,
        agreement=agreed.mean(),
        texts=training_texts(sentipolc),
        real=len(training_texts(sentipolc)) - len(training_texts(None)),
        LORA=LORA,
    )
    (folder / "README.md").write_text(text, encoding="utf-8")


def _counts(tagged: pd.Series, football: pd.Series) -> dict[str, pd.Series]:
    """Precision and recall, shares with Wilson intervals."""
    right = pd.Series({"precision": int((tagged & football).sum()), "recall": int((tagged & football).sum())})
    shares = proportions(right, pd.Series({"precision": int(tagged.sum()), "recall": int(football.sum())}))
    return {name: shares.loc[name] for name in shares.index}


def main() -> None:
    """Train, and replace the embedded adapter."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--base", type=Path, default=DEMO_FOLDER)
    parser.add_argument("--output", type=Path, default=TOPICS_FOLDER)
    parser.add_argument("--sentipolc", type=Path, help="SENTIPOLC's training file; without it nothing real is seen.")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as workplace:
        new = Path(workplace) / "adapter"
        train(arguments.base, training_texts(arguments.sentipolc), new)
        shutil.rmtree(arguments.output, ignore_errors=True)
        shutil.copytree(new, arguments.output)
    write_readme(arguments.output, arguments.sentipolc)


if __name__ == "__main__":
    main()
