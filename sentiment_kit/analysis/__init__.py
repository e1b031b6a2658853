"""Where is it wrong, and why? Topics, slices, probes, words; what one may claim of all that.

- `tag_football`, `tag_topics`, `tagger_counts`: is a tweet about football, or what else? How often is that wrong?
- `sentipolc_football`: how much of SENTIPOLC is
- `football_cues`: by which words is it, without a model?
- `tag_phenomena`: what stands in a tweet, from negation to shouting
- `near_duplicates`: which tweets say nearly the same
- `scores_by_slice`, `scores_by_group`: a score inside a part of the data and outside of it
- `label_gaps`, `corrected_gaps`, `confidence_gaps`, `largest_gaps`: every label inside and outside, with a verdict
- `worst_errors`: the errors themselves, worst first
- `load_pairs`, `score_pairs`, `family_effects`, `compare_effects`, `worst_pairs`: does only the subject matter?
- `load_fillings`, `token_fairness`, `name_effects`, `name_contrasts`: does the name matter?
- `load_cases`, `judge_cases`, `failure_rates`, `failures`: does it change its mind when it should not?
- `contamination`: was it trained on these tweets?
- `attribute_words`, `highlighted_text`, `deletion`: which words made it so
- `judge_claims`: supported, contradicted, or not to be told from this data
- `judge_effects`: is an effect there, and is it as large as matters?
"""

from .claims import judge_claims, judge_effects
from .duplicates import near_duplicates
from .explain import attribute_words, deletion, highlighted_text
from .fillings import load_fillings, name_contrasts, name_effects, token_fairness
from .lexicon import football_cues
from .phenomena import tag_phenomena
from .probes import (
    IDENTITY_PAIRS,
    compare_effects,
    contamination,
    failure_rates,
    failures,
    family_effects,
    judge_cases,
    load_cases,
    load_pairs,
    score_pairs,
    worst_pairs,
)
from .slices import (
    confidence_gaps,
    corrected_gaps,
    label_gaps,
    largest_gaps,
    scores_by_group,
    scores_by_slice,
    worst_errors,
)  # fmt: skip
from .topics import sentipolc_football, tag_football, tag_topics, tagger_counts
