"""How was it trained, and can another be? The card's recipe on any labelled tweets, and remedies against a bias.

- `split_tweets`, `without_copies`: training, validation and test split, copies on one side
- `fine_tune`, `fine_tune_seeds`: the card's recipe, one seed or several
- `balancing_weights`, `clubs_in`, `mask_clubs`, `swap_clubs`, `counterfactual_tweets`, `split_frames`: weights, masks,
  swaps and pairs against a bias of the subject
- `read_record`: what a trained model says of itself
"""

from .fine_tuning import fine_tune, fine_tune_seeds
from .mitigation import balancing_weights, clubs_in, counterfactual_tweets, mask_clubs, split_frames, swap_clubs
from .model_card import read_record
from .splits import split_tweets, without_copies
