"""How fast, and what of more than memory or one machine holds? Bulk files, clusters, ONNX Runtime, the benchmark.

- `score_files`, `read_scored`: files of any size to a folder, taken up again after a crash
- `on_ray`: the same on many cores, GPUs or machines
- `load_backend`: the model through ONNX Runtime, in float32 or int8
- `run_benchmark`, `batch_plans`, `CARD`: how fast on this machine, beside the ordinary ways
"""

from .benchmark import CARD, batch_plans, run_benchmark
from .bulk import read_scored, score_files
from .cluster import on_ray
from .onnx import load_backend

__all__ = ["CARD", "batch_plans", "load_backend", "on_ray", "read_scored", "run_benchmark", "score_files"]
