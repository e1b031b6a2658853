"""What do tweets say that nobody labelled? Shares of labels, counted and corrected by a labelled sample.

- `shares`, `shares_over_time`, `share_differences`: what share of tweets has which label, and how wrong may that be?
- `labels_needed`: how many must I label?
- `agreement`, `agreement_by`, `disagreements`: do people agree on the labels?
"""

from .agreement import agreement, agreement_by, disagreements
from .estimates import share_differences, shares, shares_over_time
from .quantification import labels_needed
