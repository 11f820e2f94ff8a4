"""What is refused, and whether the message tells a user what to write."""

from __future__ import annotations

import pytest

from elasticjob_cloud.cron import CronExpression, InvalidCronError


def refusal(text: str) -> InvalidCronError:
    with pytest.raises(InvalidCronError) as caught:
        CronExpression.parse(text)
    return caught.value


@pytest.mark.parametrize(
    "text, field, hint",
    [
        ("", "expression", "is empty"),
        ("0", "expression", "has 1 field:"),
        ("*/5 * * * *", "expression", "to a Unix expression add '0' in front"),
        ("0 0 12 * * ? 2026 x", "expression", "has 8 fields"),
        ("60 * * * * ?", "seconds", "'60', which is not between 0 and 59"),
        ("0 a * * * ?", "minutes", "'A', which is not a number"),
        ("0 0/30/2 * * * ?", "minutes", "'0/30/2', which is not a value"),
        ("0 0-30/70 * * * ?", "minutes", "the step '70', which is not between 1 and 59"),
        ("0 5/0 * * * ?", "minutes", "the step '0'"),
        ("0 0 *5 * * ?", "hours", "nothing may follow '*'"),
        ("0 0 *-5 * * ?", "hours", "nothing may follow '*'"),
        ("0 0 -5 * * ?", "hours", "'-5', which is not a value"),
        ("0 0 ? * * ?", "hours", "'?', which is only for day of month or day of week"),
        ("0 0 0 1,,5 * ?", "day of month", "remove the comma"),
        ("0 0 0 00001 * ?", "day of month", "write 1, without the leading zeros"),
        ("0 0 0 1,15W * ?", "day of month", "stand alone: use a second job"),
        ("0 0 0 L-31 * ?", "day of month", "the offset L-'31', which is not between 0 and 30"),
        ("0 0 0 0W * ?", "day of month", "'0', which is not between 1 and 31"),
        ("0 0 0 L-3/2 * ?", "day of month", "only known as 'L'"),
        ("0 0 0 1 JAN#1 ?", "month", "'#' is only for day of week"),
        ("0 0 0 1 JANUARY ?", "month", "'JANUARY', which is not a name: write JAN"),
        ("0 0 0 1 XYZ ?", "month", "use JAN to DEC, or 1 to 12"),
        ("0 0 0 1 JAN/3 ?", "month", "write 1/3"),
        ("0 0 0 1 2-MAY ?", "month", "write 2-5"),
        ("0 0 0 ? * MON-FRI/2", "day of week", "write 2-6/2"),
        ("0 0 0 ? * MON#6", "day of week", "the count #'6', which is not between 1 and 5"),
        ("0 0 0 ? * 2-6L", "day of week", "with one weekday before them"),
        ("0 0 0 ? * MON#1,WED", "day of week", "stand alone: use a second job"),
        ("0 0 0 ? * 0", "day of week", "'0', which is not between 1 and 7"),
        ("0 0 0 * * *", "day of week", "write '?' in the one"),
        ("0 0 0 ? * ?", "day of week", "write '*' in one of them"),
        ("0 0 0 ? * MON;TUE", "day of week", "write it with letters, digits and"),
        ("0 0 12 * * ?\n", "day of week", r"'\n'"),
        ("0 0 0 1 1 ? 2200", "year", "'2200', which is not between 1970 and 2099"),
        ("0 0 0 1 1 ? 2030-2020", "year", "write 2020-2030"),
        ("0 0 0 1 1 ? 2000-2147483647", "year", "'2147483647', which is not between"),
    ],
)
def test_message_names_the_field_and_says_what_to_write(text: str, field: str, hint: str) -> None:
    error = refusal(text)
    assert error.field == field
    assert field in str(error)
    assert hint in str(error)


@pytest.mark.parametrize(
    "text",
    [
        "x" * 2**20,
        " " * 2**20,
        "0 " * 2**19,
        "1," * 2**19,
        "0 0 0 " + "9" * 2**20 + " * ?",
        "0 0 0 " + "9" * 900 + " * ?",
        "0 0 0 1 1 ? " + "/1," * 300,
    ],
    ids=["letters", "blanks", "fields", "list", "digits", "longest digits", "longest list"],
)
def test_huge_text_is_refused_with_a_short_message(text: str) -> None:
    assert len(str(refusal(text))) < 250


@pytest.mark.parametrize("text", ["\ud83d", "\x00", "0 0 0 \ud83d * ?", "0 0 \x00 * * ?", "٣ 0 0 * * ?"])
def test_foreign_characters_are_refused_in_plain_ascii(text: str) -> None:
    assert str(refusal(text)).isascii()


def test_letters_that_only_turn_ascii_in_upper_case_are_refused() -> None:
    assert refusal("0 0 0 ? * \u017fat").field == "day of week"


@pytest.mark.parametrize(
    "text, named, line",
    [
        ("0 0\xa012 * * ?", "'\\xa0' (no-break space, U+00A0)", "0 0 12 * * ?"),
        ("0\u30000\u300012\u3000*\u3000*\u3000?", "'\\u3000' (ideographic space, U+3000)", "0 0 12 * * ?"),
        ("0 0 12\u2003* * ?", "(em space, U+2003)", "0 0 12 * * ?"),
        ("0\n0\n12\n*\n*\n?", "'\\n' (line feed, U+000A)", "0 0 12 * * ?"),
        (
            "0 0 12 * * ?\r\n",
            "'\\r' (carriage return, U+000D); separate fields by plain spaces",
            "0 0 12 * * ?",
        ),
        ("\ufeff0 0 12 * * ?", "(zero width no-break space, U+FEFF); remove it", "0 0 12 * * ?"),
        ("0 0 12 * * ?\u200b", "(zero width space, U+200B); remove it", "0 0 12 * * ?"),
        ("0 0 12 * * \uff1f", "'\\uff1f' (fullwidth question mark, U+FF1F); write '?'", "0 0 12 * * ?"),
        ("\uff10 0/\uff15 \uff0a * * ?", "(fullwidth digit zero, U+FF10); write '0'", "0 0/5 * * * ?"),
        ("0 0 9\uff0c17 * * ?", "(fullwidth comma, U+FF0C); write ','", "0 0 9,17 * * ?"),
        ("0 0 0 ? * MON\u3001TUE", "(ideographic comma, U+3001); write ','", "0 0 0 ? * MON,TUE"),
        ("0 0 9 ? * MON\u2013FRI", "(en dash, U+2013); write '-'", "0 0 9 ? * MON-FRI"),
        ("\u201c0 0 12 * * ?\u201d", "(left double quotation mark, U+201C); remove it", "0 0 12 * * ?"),
        ("'0 0 12 * * ?'", "(apostrophe, U+0027); remove it", "0 0 12 * * ?"),
        ("*/5\u3000*\u3000*\u3000*\u3000*", "(ideographic space, U+3000)", "0 */5 * * * ?"),
    ],
)
def test_odd_characters_are_named_and_the_line_is_given_without_them(
    text: str, named: str, line: str
) -> None:
    message = str(refusal(text))
    assert named in message
    assert message.endswith(f"; here: '{line}'.")
    assert message.isascii()
    CronExpression.parse(line)


@pytest.mark.parametrize(
    "text, line",
    [
        ("@yearly", "0 0 0 1 1 ?"),
        ("@annually", "0 0 0 1 1 ?"),
        ("@monthly", "0 0 0 1 * ?"),
        ("@weekly", "0 0 0 ? * SUN"),
        (" @Daily ", "0 0 0 * * ?"),
        ("@midnight", "0 0 0 * * ?"),
        ("@hourly", "0 0 * * * ?"),
        ("@every 30s", "0/30 * * * * ?"),
        ("@every 5m", "0 0/5 * * * ?"),
        ("@every 2h", "0 0 0/2 * * ?"),
    ],
)
def test_nicknames_of_other_crons_get_their_quartz_line(text: str, line: str) -> None:
    assert str(refusal(text)).endswith(f"which Quartz does not know; here: '{line}'.")
    CronExpression.parse(line)


@pytest.mark.parametrize("text", ["@reboot", "@every 7m", "@every 90s", "@every 60m", "@fortnightly"])
def test_nicknames_without_a_line_get_none(text: str) -> None:
    assert str(refusal(text)).endswith("which Quartz does not know.")


@pytest.mark.parametrize(
    "text, lines",
    [
        ("*/5 * * * *", "'0 */5 * * * ?'"),
        ("0/5 * * * ?", "'0 0/5 * * * ?'"),
        ("30 2 1,15 * *", "'0 30 2 1,15 * ?'"),
        ("0 9 * * 1-5", "'0 0 9 ? * MON-FRI'"),
        ("0 9 ? jan mon-fri", "'0 0 9 ? jan MON-FRI'"),
        ("0 0 * * 0", "'0 0 0 ? * SUN'"),
        ("0 0 * * 7", "'0 0 0 ? * SUN'"),
        ("0 0 * * 5-7", "'0 0 0 ? * FRI-SUN'"),
        ("0 0 * * 0,6", "'0 0 0 ? * SAT,SUN'"),
        ("0 0 * * 0-6", "'0 0 0 * * ?'"),
        ("0 0 * * */2", "'0 0 0 ? * TUE,THU,SAT,SUN'"),
        ("0 0 * * 1-5/2", "'0 0 0 ? * MON,WED,FRI'"),
        ("0 0 * * sun-tue", "'0 0 0 ? * MON,TUE,SUN'"),
        ("0 9 1 * 1", "'0 0 9 1 * ?' and '0 0 9 ? * MON'"),
    ],
)
def test_crontab_lines_get_their_quartz_lines(text: str, lines: str) -> None:
    message = str(refusal(text))
    assert "has 5 fields" in message
    assert message.endswith(f"; here: {lines}.")


@pytest.mark.parametrize(
    "text",
    ["0 9 */2 * 1", "0 9 1 * */2", "0 9 * * 1/2", "0 9 * * 8", "0 9 * * XYZ", "61 9 * * 1", "0 9 * * XYZ-1"],
)
def test_crontab_lines_without_a_quartz_line_get_none(text: str) -> None:
    message = str(refusal(text))
    assert "has 5 fields" in message
    assert "here" not in message


@pytest.mark.parametrize(
    "text, line",
    [
        ("0 0 12 * * *", "'0 0 12 * * ?'"),
        ("0 0 12 1 * *", "'0 0 12 1 * ?'"),
        ("0 0 9 * * MON-FRI", "'0 0 9 ? * MON-FRI'"),
        ("0 0 9 * * 1-5", "'0 0 9 ? * 1-5' (1-5 is SUN-THU)"),
        ("0 0 12 * * * 2030", "'0 0 12 * * ? 2030'"),
    ],
)
def test_line_of_a_cron_that_knows_no_question_mark_gets_one(text: str, line: str) -> None:
    assert str(refusal(text)).endswith(f"; here: {line}.")
