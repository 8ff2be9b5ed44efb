"""The backend of the fleets that are tried here, as those who call it have it."""

import asyncio
from collections import deque


class Backend:
    """One connection; answers come in the order of the attempts."""

    def __init__(self, reader, writer):
        self._reader, self._writer = reader, writer
        self._waiting = deque()
        self._listening = asyncio.create_task(self._listen())

    async def _listen(self):
        while line := await self._reader.readline():
            answer = self._waiting.popleft()
            if not answer.done():
                answer.set_result(line == b"ok\n")

    async def works(self, number):
        """Makes an attempt of this number; whether it succeeds."""
        answer = asyncio.get_running_loop().create_future()
        self._waiting.append(answer)
        self._writer.write(f"python {number}\n".encode())
        return await answer
