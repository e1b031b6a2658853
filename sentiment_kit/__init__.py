"""Use, measure and question an Italian tweet-sentiment model.

Import from the modules (`from sentiment_kit.inference import predict`): the import says which file to open. In reading
order: labels, cleaning, football, phenomena, duplicates, files, data, hub, readers, backends, model, batching,
inference, intervals, evaluation, protocols, confusion, calibration, slices, probes, claims, explain, baseline,
training, benchmark, parts, cluster, bulk, plots, score_plots, scorecard, report, commands, cli.
"""

import warnings

# In a notebook without ipywidgets, libraries that draw bars warn at import; plain bars will do.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"
