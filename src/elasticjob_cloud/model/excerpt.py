"""What is kept of a text that is too long: its beginning and its end, which most often names the reason."""

# The detail of a failure: the same text in the SDK, the agent, the store and the API.
DETAIL_CHARACTERS = 16_000


def excerpt(text: str, limit: int = DETAIL_CHARACTERS) -> str:
    """Give the text in at most `limit` characters (100 or more), its middle replaced by a line that tells how much is missing."""
    if len(text) <= limit:
        return text
    # The line takes 30 characters and the digits of a number.
    half = (limit - 53) // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters left out ...\n{text[-half:]}"
