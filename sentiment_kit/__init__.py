"""Use, measure and question an Italian tweet-sentiment model.

Import from the modules (`from sentiment_kit.inference import predict`): the import says which file to open. In reading
order: labels, cleaning, files, data, model, inference, evaluation, baseline, training, plots, cli.
"""

__version__ = "0.1.0"
