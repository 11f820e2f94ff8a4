"""Lists are answered item by item, long ones in a thread."""

import asyncio
import json
import threading

from elasticjob_cloud.api.answers.responses import encoded_list


def test_short_and_long_lists_are_answered_alike() -> None:
    threads: set[int] = set()

    def view(number: int) -> dict[str, int]:
        threads.add(threading.get_ident())
        return {"number": number}

    async def run() -> None:
        for count, elsewhere in ((0, False), (1, False), (100, False), (101, True)):
            threads.clear()
            answer = await encoded_list(view, range(count))
            assert json.loads(bytes(answer)) == [{"number": number} for number in range(count)]
            assert threads.isdisjoint({threading.get_ident()}) == (elsewhere or not count)

    asyncio.run(run())
