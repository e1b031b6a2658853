"""What does it look like? Figures and tables of finished tables; what needs a kernel or a browser.

- `probability_bars`, `share_bars`, `batch_bars`, `interval_dots`, `word_bars`,
  `learning_curves`, `LABEL_COLOURS`, `save_figure`: tables drawn
- `confusion_heatmap`, `confusion_difference_heatmap`, `reliability_diagram`, `coverage_curve`: scores drawn
- `share_dots`, `share_lines`: shares of labels, counted and corrected
- `labelling_box`: tweets to label, one at a time
- `compare_guess`: a guess made before the answer, beside it
- `neat`: a table as one prints it; `searchable`: one to search, sort and filter
- `answer`, `as_text`, `text_box`, `confusion_explorer`: to try and to look into
- `make_scorecard`, `write_scorecard`: all tables of one evaluation
"""

from importlib import import_module
from typing import Any

from .guesses import compare_guess
from .labelling import labelling_box
from .plots import (
    LABEL_COLOURS,
    batch_bars,
    interval_dots,
    learning_curves,
    probability_bars,
    save_figure,
    share_bars,
    word_bars,
)
from .score_plots import confusion_difference_heatmap, confusion_heatmap, coverage_curve, reliability_diagram
from .scorecard import make_scorecard, write_scorecard
from .share_plots import share_dots, share_lines
from .widgets import answer, as_text, confusion_explorer, text_box

_OF_THE_EXTRA = {"searchable": "tables", "neat": "tables"}


def __getattr__(name: str) -> Any:
    """What needs the extra `notebooks` is imported when it is asked for: figures do without."""
    if name not in _OF_THE_EXTRA:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f".{_OF_THE_EXTRA[name]}", __name__), name)
