import pandas as pd
from noise import noisy_copies


def test_noisy_copies_keep_labels_and_change_some_words():
    train = pd.DataFrame({"text": ["@a Che bella partita #forza", "no"], "label": ["positive", "negative"]})
    copies = noisy_copies(train, 20, seed=0)
    assert len(copies) == 42
    assert copies["text"][0] == "Che bella partita #forza"
    assert copies["label"].tolist() == ["positive", "negative"] * 21
    noisy = copies["text"][2::2]
    assert noisy.nunique() > 10
    assert noisy.str.contains("#forza").mean() > 0.7
    pd.testing.assert_frame_equal(copies, noisy_copies(train, 20, seed=0))
    assert not copies["text"].eq("").any()
