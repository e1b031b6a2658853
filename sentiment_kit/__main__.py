"""`python -m sentiment_kit` is `sentiment-kit`."""

from .cli import main

main()
