import numpy as np
import pandas as pd
import pytest
import torch

from sentiment_kit.labels import label_dtype
from sentiment_kit.training.trainer import TargetTrainer, learning_curve, row_weights, targets

TABLE = pd.DataFrame({"label": ["positive", "negative", "negative", "neutral"]}).astype({"label": label_dtype})


def test_targets_by_hand():
    assert targets(TABLE).tolist() == [[0, 0, 1], [1, 0, 0], [1, 0, 0], [0, 1, 0]]
    np.testing.assert_allclose(targets(TABLE, smoothing=0.3)[0], [0.1, 0.1, 0.8], rtol=1e-6)
    probabilities = pd.DataFrame({"negative": [0.2], "neutral": [0.3], "positive": [0.5]})
    np.testing.assert_allclose(targets(probabilities), [[0.2, 0.3, 0.5]], rtol=1e-6)


def test_weights_have_mean_1():
    assert row_weights(TABLE, class_weights=False).tolist() == [1, 1, 1, 1]
    # Four rows, three labels: each label counts as 4/3 rows.
    np.testing.assert_allclose(row_weights(TABLE, class_weights=True), [4 / 3, 2 / 3, 2 / 3, 4 / 3], rtol=1e-6)
    np.testing.assert_allclose(row_weights(TABLE.assign(weight=[6, 2, 0, 0]), class_weights=False), [3, 1, 0, 0])
    both = row_weights(TABLE.assign(weight=[1, 1, 3, 2]), class_weights=True)
    np.testing.assert_allclose([both[0], both[1] + both[2], both[3]], [4 / 3] * 3, rtol=1e-6)


def test_the_loss_is_the_mean_of_weighted_cross_entropies():
    class Fixed(torch.nn.Module):
        def forward(self, logits):
            return type("Output", (), {"logits": logits})()

    trainer = TargetTrainer.__new__(TargetTrainer)
    logits = torch.tensor([[0.0, 0.0, 0.0], [2.0, 0.0, -1.0]])
    wanted = torch.tensor([[0.0, 0.0, 1.0], [0.5, 0.5, 0.0]]) * torch.tensor([[0.5], [1.5]])
    loss = trainer.compute_loss(Fixed(), {"logits": logits, "labels": wanted})
    logs = torch.log_softmax(logits, dim=1)
    by_hand = -(0.5 * logs[0, 2] + 0.75 * logs[1, 0] + 0.75 * logs[1, 1]) / 2
    assert loss.item() == pytest.approx(by_hand.item())


def test_a_learning_curve_of_a_log():
    log = [
        {"loss": 0.9, "epoch": 1.0, "grad_norm": 1.0},
        {"eval_loss": 0.8, "eval_accuracy": 0.6, "epoch": 1.0},
        {"loss": 0.7, "epoch": 2.0},
        {"eval_loss": 0.85, "eval_accuracy": 0.5, "epoch": 2.0},
        {"train_runtime": 3.0, "epoch": 2.0},
    ]
    expected = pd.DataFrame(
        {"train_loss": [0.9, 0.7], "validation_loss": [0.8, 0.85], "validation_accuracy": [0.6, 0.5]},
        index=pd.Index([1, 2], name="epoch"),
    )
    pd.testing.assert_frame_equal(learning_curve(log), expected)
    assert learning_curve([]).empty
