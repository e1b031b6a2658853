"""Use, measure and question an Italian tweet-sentiment model.

Import from the modules (`from sentiment_kit.inference import predict`): the import says which file to open. Their
reading order, with what each is for, is in docs/package.md.
"""

import warnings

# In a notebook without ipywidgets, libraries that draw bars warn at import; plain bars will do.
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"
