"""`shardingItemParameters`: `0=Beijing,1=Shanghai`, a parameter for each sharding item."""


class ShardingParameterError(ValueError):
    """A `shardingItemParameters` text that cannot be read, or that names an item outside the count."""


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
