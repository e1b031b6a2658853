"""Answers kept for other processes: sixteen notebooks of a report ask one model about the same tweets.

Only where the environment variable SENTIMENT_KIT_ANSWERS names a folder, as the report does for its notebooks, and only
for scoring as it is by default: whoever chooses a batch size or a back end wants to see what it does.
"""

from __future__ import annotations

import hashlib
import os
import uuid
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm import tqdm

from .batching import Scores, score
from .files.writing import whole_file
from .hub import ANSWERS_FOLDER
from .model import SentimentModel

_PROBES = ["Che bella giornata, non me l'aspettavo proprio!", "Il treno delle 7.42 è soppresso", "Mah. Vabbè 😡"]


def score_or_remember(model: SentimentModel, texts: list[str], *, batch_size: int | None, bar: tqdm) -> Scores:
    """What `batching.score` says of texts, computed for those only that nobody has asked about."""
    folder = os.environ.get(ANSWERS_FOLDER)
    if not folder or batch_size is not None or model.backend != "torch":
        return score(model, texts, batch_size=batch_size, bar=bar)
    place = Path(folder) / _fingerprint(model)
    known = _read(place)
    new = [text for text in texts if text not in known.index]
    bar.update(len(texts) - len(new))
    if new:
        scores = score(model, new, bar=bar)
        found = pd.DataFrame(scores.probabilities, index=new, columns=list(map(str, range(len(model.labels)))))
        found = found.assign(n_tokens=scores.n_tokens, truncated=scores.truncated)
        place.mkdir(parents=True, exist_ok=True)
        with whole_file(place / f"{uuid.uuid4().hex}.pickle") as path:
            found.to_pickle(path)
        known = pd.concat([known, found])
    asked = known.loc[texts]
    counts = asked["n_tokens"].to_numpy(np.int64), asked["truncated"].to_numpy(bool)
    return Scores(asked.drop(columns=["n_tokens", "truncated"]).to_numpy(np.float32), *counts)


def _fingerprint(model: SentimentModel) -> str:
    """What the answers depend on: settings, and the weights by what they say of three texts, to the last bit."""
    told = score(model, _PROBES)
    settings = repr((model.labels, str(model.device), str(model.dtype), model.max_tokens, told.n_tokens.tolist()))
    return hashlib.sha256(settings.encode() + told.probabilities.tobytes()).hexdigest()[:24]


def _read(place: Path) -> pd.DataFrame:
    """The answers so far, by text; of a text that two processes were asked about at once, the first."""
    parts = [pd.read_pickle(path) for path in sorted(place.glob("*.pickle"))]
    known = pd.concat(parts) if parts else pd.DataFrame({"n_tokens": [], "truncated": []})
    return known[~known.index.duplicated()]
