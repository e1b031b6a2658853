"""The commands of `sentiment-kit`, one module each."""
