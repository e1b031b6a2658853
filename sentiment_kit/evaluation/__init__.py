"""How good is it, and how sure are we? Scores and their intervals, from gold labels and answers; never a model.

- `scores`, `scores_by_class`: how good, in all and by label
- `official_polarity_score`, `protocol_table`: the score of SENTIPOLC 2016, and one prediction under every protocol
- `compare_models`: is one better than the other, on the same rows?
- `confusion_table`, `confusion_difference`, `costly_confusions`, `confused_tweets`: what for what?
- `reliability_table`, `calibration_scores`, `fit_temperature`, `apply_temperature`, `risk_coverage`,
  `gold_losses`: when it says 90%, is it right 90% of the time?
- `fit_tfidf`, `predict_tfidf`, `crossvalidated_tfidf`, `learning_curve`: the model to beat
- `difference_from_intervals`: of two values of different rows
- `stratified_proportion`: a share of a whole of which some parts were read and others sampled
- `proportions`, `q_values`: shares with intervals, many tests
- `minimum_detectable_difference`, `power_of_gap`, `n_for_gap`: what n rows can show, and how many it takes
"""

from .baseline import crossvalidated_tfidf, fit_tfidf, learning_curve, predict_tfidf
from .calibration import (
    apply_temperature,
    calibration_scores,
    fit_temperature,
    gold_losses,
    reliability_table,
    risk_coverage,
)
from .comparison import compare_models
from .confusion import confused_tweets, confusion_difference, confusion_table, costly_confusions
from .intervals import (
    difference_from_intervals,
    minimum_detectable_difference,
    n_for_gap,
    power_of_gap,
    proportions,
    q_values,
    stratified_proportion,
)  # fmt: skip
from .protocols import protocol_table
from .scores import official_polarity_score, scores, scores_by_class
