"""A short run of `fuzz.py`; `make fuzz` runs it for longer."""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest


@pytest.mark.long
def test_a_few_seconds_of_fuzzing_find_nothing(tmp_path):
    if find_spec("atheris") is None:
        pytest.skip("atheris is not installed; it has no build for this system")
    limits = ["-max_total_time=5", "-timeout=20", "-rss_limit_mb=6000", f"-artifact_prefix={tmp_path}/"]
    command = [sys.executable, str(Path(__file__).with_name("fuzz.py")), *limits]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-3000:]
    assert "DONE" in done.stderr
