"""`shardingItemParameters`: `0=Beijing,1=Shanghai`, a parameter for each sharding item."""

import re

# What people write in place of a comma: semicolons and bars, the commas and semicolons of other scripts, line ends, and
# any space but the plain one, because `id>0 AND 1=1` is one parameter.
_SEPARATORS = r";|\u060c\u061b\u3001\ufe10\ufe11\ufe14\ufe50\ufe51\ufe54\uff0c\uff1b\uff5c\uff64"
_NEXT_ITEM = re.compile(rf"(?:[{_SEPARATORS}]|[^\S ])\s*\d+\s*[=\ufe66\uff1d]")


class ShardingParameterError(ValueError):
    """A `shardingItemParameters` text that cannot be read, or that names an item outside the count."""


def check_sharding_item_parameters(text: str, total: int) -> str:
    """Check a text that somebody wrote; give it back, without a comma at its end.

    A parameter that holds what looks like further items is refused: item 0 would get all of them, and the others none.

    Raises:
        ShardingParameterError: the text cannot be read, or two items are not separated by a comma.
    """
    text = text.rstrip().removesuffix(",")
    for item, parameter in parse_sharding_item_parameters(text, total).items():
        found = _NEXT_ITEM.search(parameter)
        if found is not None:
            message = (
                f"the parameter of item {item} holds {found[0]!r}, which looks like another item. "
                "Separate items by ',' (U+002C): 0=Beijing,1=Shanghai."
            )
            raise ShardingParameterError(message)
    return text


def parse_sharding_item_parameters(text: str, total: int) -> dict[int, str]:
    """Read `0=Beijing,1=Shanghai` into a parameter for each item that has one.

    Raises:
        ShardingParameterError: a part is not `item=parameter`, an item is outside `0..total-1` or is given twice.
    """
    parameters: dict[int, str] = {}
    for part in text.split(",") if text.strip() else ():
        item, parameter = _parse_part(part, total)
        if item in parameters:
            message = f"item {item} is given twice."
            raise ShardingParameterError(message)
        parameters[item] = parameter
    return parameters


def _parse_part(part: str, total: int) -> tuple[int, str]:
    key, equals, parameter = part.partition("=")
    key = key.strip()
    # The length is bounded because int() of very long junk is slow.
    if not equals or not (key.isascii() and key.isdecimal()) or len(key) > 9:
        message = f"'{part[:60]}' is not of the form item=parameter, such as 0=Beijing,1=Shanghai."
        raise ShardingParameterError(message)
    item = int(key)
    if item >= total:
        message = (
            f"item {item} is outside the sharding items 0 to {total - 1} (shardingTotalCount is {total})."
        )
        raise ShardingParameterError(message)
    return item, parameter.strip()
