import pytest

from sentiment_kit.report.guesses import compare_guess


@pytest.mark.parametrize(
    ("arguments", "options", "line"),
    [
        ((None, 0.876, 0.853, 0.895), {}, "No guess was made. It is 87.6% (95% interval 85.3% to 89.5%)."),
        (
            (0.8, 0.876, 0.853, 0.895),
            {},
            "Your guess was 80.0%. It is 87.6% (95% interval 85.3% to 89.5%): your guess is 7.6 points too low.",
        ),
        (
            (0.88, 0.876, 0.853, 0.895),
            {},
            "Your guess was 88.0%. It is 87.6% (95% interval 85.3% to 89.5%): your guess lies inside the interval.",
        ),
        (
            (0.1, 0.02),
            {"unit": "points"},
            "Your guess was 10.0 points. It is 2.0 points: your guess is 8.0 points too high.",
        ),
        (
            (None, 0.035, 0.01, 0.062),
            {"unit": "points"},
            "No guess was made. It is 3.5 points (95% interval 1.0 to 6.2 points).",
        ),
        (
            (512, 1024),
            {"unit": "tweets"},
            "Your guess was 512 tweets. It is 1,024 tweets: your guess is 512 tweets too low.",
        ),
        (("Neutral", "neutral"), {}, "Your guess was Neutral. It is neutral: just so."),
        (("negative", "neutral"), {}, "Your guess was negative. It is neutral: something else."),
    ],
)  # fmt: skip
def test_guess_and_result_in_one_line(arguments, options, line):
    assert compare_guess(*arguments, **options) == line


def test_percent_for_a_share_is_said():
    with pytest.raises(ValueError, match=r"0.8 for 80%"):
        compare_guess(80, 0.876)
