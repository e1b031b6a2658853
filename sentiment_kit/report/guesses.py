"""A guess made before the answer: a reader who has bet on something reads the result with other eyes."""

from __future__ import annotations

from numbers import Real


def compare_guess(
    guess: float | str | None,
    found: float | str,
    low: float | None = None,
    high: float | None = None,
    *,
    unit: str = "%",
) -> str:
    """What was guessed beside what was found, as one or two sentences to print.

    Parameters
    ----------
    guess : float or str, optional
        What a reader filled in; None for a cell left as it was.
    found : float or str
        The result. A str (a label, a name) is compared as it is.
    low, high : float, optional
        The 95% interval of `found`.
    unit : {"%", "points", ""} or str, default "%"
        "%" writes shares between 0 and 1 as percentages, "points" differences of shares as percentage points;
        any other is written behind the number.

    Returns
    -------
    str
        One line.

    Raises
    ------
    ValueError
        A guess in percent where a share is asked for.
    """
    if unit == "%" and isinstance(guess, Real) and not 0 <= float(guess) <= 1:
        raise ValueError(f"a guess must be a share between 0 and 1 (0.8 for 80%), but {guess!r} was passed")
    answer = f"It is {_written(found, unit)}"
    if low is not None and high is not None:
        first = _written(low, unit).removesuffix(f" {unit}")
        answer += f" (95% interval {first} to {_written(high, unit)})"
    if guess is None:
        return f"No guess was made. {answer}."
    begun = f"Your guess was {_written(guess, unit)}. {answer}"
    if isinstance(found, str) or isinstance(guess, str):
        return f"{begun}: {'just so' if str(guess).casefold() == str(found).casefold() else 'something else'}."
    if low is not None and high is not None and low <= guess <= high:
        return f"{begun}: your guess lies inside the interval."
    unit = "points" if unit == "%" else unit
    return f"{begun}: your guess is {_written(abs(guess - found), unit)} too {'low' if guess < found else 'high'}."


def _written(value: float | str, unit: str) -> str:
    if isinstance(value, str):
        return value
    if unit == "%":
        return f"{value:.1%}"
    if unit == "points":
        return f"{100 * value:.1f} points"
    return f"{value:,.0f} {unit}".strip() if float(value).is_integer() else f"{value:,.3g} {unit}".strip()
