"""The drawings of the course: well formed, small, readable in both themes, and right in their numbers."""

import math
import re
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from sentiment_kit.cleaning import clean_tweet
from sentiment_kit.inference import predict
from sentiment_kit.labels import LABELS
from sentiment_kit.report.plots import LABEL_COLOURS, SINGLE_COLOUR

FOLDER = Path(__file__).parents[2] / "notebooks" / "drawings"
NAMES = [
    "batch_padding",
    "bootstrap",
    "confusion_rows_columns",
    "counterfactual_pair",
    "tagger_errors",
    "text_to_label",
]
SVG = "{http://www.w3.org/2000/svg}"


def source_of(name):
    return (FOLDER / f"{name}.svg").read_text(encoding="utf-8")


def root_of(name):
    return ElementTree.fromstring(source_of(name))


def style_of(name):
    return root_of(name).findtext(f"{SVG}style")


def words_of(name):
    """The text that a reader sees, piece by piece."""
    return ["".join(text.itertext()) for text in root_of(name).iter(f"{SVG}text")]


def colours():
    """The variables, light and dark."""
    light, dark = re.split("@media", style_of(NAMES[0]))
    light = dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", light))
    return {"light": light, "dark": light | dict(re.findall(r"--(\w+): (#[0-9a-f]{6})", dark))}


def contrast(first, second):
    """Contrast ratio of the Web Content Accessibility Guidelines."""
    luminances = []
    for colour in (first, second):
        channels = np.array([int(colour[at : at + 2], 16) for at in (1, 3, 5)]) / 255
        linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
        luminances.append(linear @ [0.2126, 0.7152, 0.0722])
    return (max(luminances) + 0.05) / (min(luminances) + 0.05)


def test_there_are_these_and_no_others():
    assert sorted(path.name for path in FOLDER.iterdir()) == [f"{name}.svg" for name in NAMES]


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_is_small_and_says_what_it_shows(name):
    root = root_of(name)
    assert len(source_of(name).encode()) < 12_000
    assert (root.tag, root.get("class")) == (f"{SVG}svg", "drawing")
    left, top, width, height = map(float, root.get("viewBox").split())
    assert (left, top, width) == (0, 0, 720)
    assert height <= 420
    assert [child.tag for child in root][:3] == [f"{SVG}title", f"{SVG}desc", f"{SVG}style"]
    assert len(root.findtext(f"{SVG}title")) > 10
    assert len(root.findtext(f"{SVG}desc")) > 50
    paper = root[3]
    assert (paper.get("class"), paper.get("width"), paper.get("height")) == ("paper", "720", f"{height:g}")


@pytest.mark.parametrize("name", NAMES)
def test_a_drawing_needs_nothing_from_elsewhere(name):
    source = source_of(name)
    assert re.findall(r"https?://[^\"]+", source) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import|@font-face|<script|<image|<foreignObject|\son\w+=", source)
    assert not re.search("[\u2600-\u27bf\ufe0f\U0001f000-\U0001faff]", source)  # an emoji needs a font


def test_drawings_may_stand_on_one_page():
    """What is inlined shares one space of names and of styles: the same style is in all, and touches nothing else."""
    ids = [element.get("id") for name in NAMES for element in root_of(name).iter() if element.get("id")]
    assert len(ids) == len(set(ids))
    styles = {style_of(name) for name in NAMES}
    assert len(styles) == 1
    selectors = re.findall(r"([^{}]+)\{", styles.pop().replace("@media (prefers-color-scheme: dark) {", ""))
    assert all(selector.strip().startswith("svg.drawing") and "," not in selector for selector in selectors)


@pytest.mark.parametrize("name", NAMES)
def test_text_is_large_enough_for_a_telephone(name):
    sizes = [float(size) for size in re.findall(r'font-size[=:]\s?"?(\d+)', source_of(name))]
    assert sizes
    assert min(sizes) >= 17


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_text_and_shapes_can_be_told_from_what_they_lie_on(theme):
    colour = colours()[theme]
    for text in ("ink", "faint"):
        for ground in ("paper", "fill"):
            assert contrast(colour[text], colour[ground]) >= 4.5
    assert contrast("#ffffff", colour["mark"]) >= 4.5
    for shape in ("neg", "neu", "pos", "mark"):
        assert contrast(colour[shape], colour["paper"]) >= 3


def test_contrast_of_black_and_white():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)


def test_colours_are_those_of_the_figures():
    for colour in colours().values():
        labels = {label: colour[label[:3]].upper() for label in LABEL_COLOURS}
        assert labels == LABEL_COLOURS
        assert colour["mark"].upper() == SINGLE_COLOUR


def test_padding_counts_what_it_shows():
    pitch, tokens, padding = 30, [], []
    for group in root_of("batch_padding").iter(f"{SVG}g"):
        rows = {"var(--mark)": tokens, "var(--faint)": padding}.get(group.get("stroke"))
        for path in group if rows is not None else []:
            rows.append([(int(length) + 4) // pitch for length in re.findall(r"h(\d+)", path.get("d"))])
    assert tokens[:2] == [[9, 3, 10, 4], [10, 9, 4, 3]]
    assert padding[:2] == [[6, 6], [1, 1]]
    shown = " ".join(words_of("batch_padding"))
    for drawn, empty in zip(tokens[:2], padding[:2], strict=True):
        assert f"{sum(empty)} of {sum(drawn) + sum(empty)} are padding" in shown


def test_resamples_are_drawn_from_the_test_set_and_their_accuracies_are_right():
    root = root_of("bootstrap")
    rows = [group for group in root.iter(f"{SVG}g") if group.find(f"{SVG}circle") is not None]
    shown = [int(text.rstrip("%")) for text in words_of("bootstrap") if re.fullmatch(r"\d+%", text)]
    wrong, accuracies = set(), []
    for row in rows:
        numbers = [int(text.text) for text in row.iter(f"{SVG}text")]
        right = [circle.get("class") == "mark" for circle in row.iter(f"{SVG}circle")]
        if not wrong:
            assert numbers == list(range(1, 11))
            wrong = {number for number, is_right in zip(numbers, right, strict=True) if not is_right}
        assert len(numbers) == 10
        assert right == [number not in wrong for number in numbers]
        accuracies.append(10 * sum(right))
    assert accuracies == [70, 80, 60, 70] == shown[:4]
    chances = [math.comb(10, right) * 0.7**right * 0.3 ** (10 - right) for right in range(11)]
    bars = [int(bar.get("height")) for bar in root.iter(f"{SVG}rect") if bar.get("class") == "mark"]
    assert bars == [height for height in (round(400 * chance) for chance in chances) if height]
    quantiles = np.searchsorted(np.cumsum(chances), [0.025, 0.975]) * 10
    assert "{}% to {}%".format(*quantiles) in words_of("bootstrap")


def test_recall_and_precision_are_those_of_the_counts():
    words = words_of("confusion_rows_columns")
    counts = np.array([int(word) for word in words if word.isdigit()]).reshape(3, 3)
    assert counts.sum() == 300
    of_row, of_column = counts[0].sum(), counts[:, 0].sum()
    shown = " ".join(words)
    assert f"of the {of_row} negative, {counts[0, 0]} are found recall {counts[0, 0] / of_row:.0%}" in shown
    called = f"of the {of_column} called negative, {counts[0, 0]} really are precision {counts[0, 0] / of_column:.0%}"
    assert called in shown


def test_the_pair_shifts_by_what_its_bars_show():
    shown = " ".join(words_of("counterfactual_pair"))
    bars = [int(share) / 100 for share in re.findall(r"(\d+)%", shown)]
    assert [sum(bars[:3]), sum(bars[3:])] == pytest.approx([1, 1])
    widths = [
        bar.get("width") for bar in root_of("counterfactual_pair").iter(f"{SVG}rect") if bar.get("height") == "34"
    ]
    assert [int(width) / 520 for width in widths] == pytest.approx(bars)
    first, second = bars[2] - bars[0], bars[5] - bars[3]
    assert [f"{score:+.2f}" for score in (first, second)] == re.findall(r"score (\S+)", shown)
    assert f"shift {second - first:.2f}".replace("-", "−") in shown


def test_the_measured_gap_is_the_mixture_of_the_true_slices():
    words = words_of("tagger_errors")
    assert [int(word) for word in words if word.isdigit()] == [80, 20, 20, 80]
    football, other = 90, 70
    inside, outside = (80 * football + 20 * other) / 100, (20 * football + 80 * other) / 100
    assert [word for word in words if word.endswith("right")] == [
        f"{share:.0f}% right" for share in (football, other, inside, outside)
    ]
    assert [word for word in words if word.endswith("points")] == [
        f"{gap:.0f} points" for gap in (inside - outside, football - other)
    ]


def test_the_tweet_goes_the_way_that_the_demo_model_sends_it(demo_model):
    words = words_of("text_to_label")
    tweet, cleaned = (word for word in words if "Che bel derby!" in word)
    assert clean_tweet(tweet) == cleaned
    tokens = demo_model.tokenizer.convert_ids_to_tokens(demo_model.tokenizer(cleaned)["input_ids"])
    at = words.index(tokens[0])
    assert words[at : at + len(tokens)] == tokens
    answer = predict(demo_model, tweet).iloc[0]
    assert [word for word in words if word.endswith("%")] == [f"{answer[label]:.0%}" for label in LABELS]
    assert words[-2:] == ["label", answer["label"]]
