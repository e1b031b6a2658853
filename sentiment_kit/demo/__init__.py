"""The demo: corpus, model, and the command that trains the one on the other."""
