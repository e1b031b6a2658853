"""How fast, and what of more than memory or one machine holds? Bulk files, clusters, ONNX Runtime, the benchmark.

- `score_files`, `read_scored`: files of any size to a folder, taken up again after a crash
- `on_ray`: the same on many cores, GPUs or machines
- `predict_on_devices`: `predict` by a process a device, for texts in memory
- `load_backend`: the model through ONNX Runtime, in float32 or int8
- `run_benchmark`, `batch_plans`, `random_base_checkpoint`, `CARD`: how fast on this machine, beside the ordinary ways;
  a model as slow as BERT base, to measure without a download
"""

from .benchmark import CARD, batch_plans, random_base_checkpoint, run_benchmark
from .bulk import read_scored, score_files
from .cluster import on_ray
from .devices import predict_on_devices
from .onnx import load_backend
