import pytest

from satlib.figures import measured
from satlib.support.tables import table


def test_a_sentence_follows_the_voice_and_line_breaks_do_not_matter() -> None:
    assert measured("Half of\n   them.").text == "**Measured here.** Half of them."
    assert measured("Half.", voice="").text == "Half."


def test_tables_keep_their_lines_and_stand_apart() -> None:
    rows = table(("a", "b"), [(1, 2)])
    assert measured("Two.", rows).text == f"**Measured here.** Two.\n\n{rows}"
    assert measured(rows, voice="Computed here").text == f"**Computed here.**\n\n{rows}"


@pytest.mark.parametrize(("words", "voice"), [((), "Measured here"), ((" ",), ""), (("a",), "We say")])
def test_nothing_to_say_is_an_error(words: tuple[str, ...], voice: str) -> None:
    with pytest.raises(ValueError, match="needed|voice"):
        measured(*words, voice=voice)
