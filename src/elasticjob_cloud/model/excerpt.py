"""What is kept of a text that is too long: its beginning and its end, which most often names the reason."""

# The detail of a failure: the same text in the SDK, the agent, the store and the API.
DETAIL_CHARACTERS = 16_000
# Its summary: one line.
SUMMARY_CHARACTERS = 500


def excerpt(text: str, limit: int = DETAIL_CHARACTERS) -> str:
    """Give the text in at most `limit` characters (100 or more), its middle replaced by a line that tells how much is missing."""
    if len(text) <= limit:
        return text
    # The line takes 30 characters and the digits of a number.
    half = (limit - 53) // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"


def one_line(text: str, limit: int = SUMMARY_CHARACTERS) -> str:
    """Give the text as one line of at most `limit` characters: its lines joined by spaces, its middle left out."""
    line = " ".join(excerpt(text).split())
    if len(line) <= limit:
        return line
    half = (limit - 5) // 2
    return f"{line[:half]} ... {line[-half:]}"
