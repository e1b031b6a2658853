"""Whether a progress bar has someone to see it."""

from __future__ import annotations

import os
import sys


def show_progress(wanted: bool | None) -> bool:
    """Whether a bar has someone to see it: asked for, or a terminal, or a notebook, unless tqdm is to be silent."""
    if wanted is not None:
        return wanted
    if os.environ.get("TQDM_DISABLE", "0") not in ("", "0"):
        return False
    shell = sys.modules.get("IPython") and sys.modules["IPython"].get_ipython()
    return sys.stderr.isatty() or type(shell).__name__ == "ZMQInteractiveShell"
