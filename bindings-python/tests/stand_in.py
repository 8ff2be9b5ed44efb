"""A server that speaks as much of Redis's protocol as a store needs, and answers when the test says so."""

import contextlib
import socket
import threading
import time


class StandIn:
    """Grants what it is asked for. `delay` is what it waits before it answers what it read at once; while `is_frozen` it answers nothing.

    `commands` has the words of those that ran scripts.
    """

    def __init__(self, delay=0.0):
        self.delay = delay
        self.commands = []
        self.connections = 0
        self._goes_on = threading.Event()
        self._goes_on.set()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self._listener.getsockname()[1]
        self._open = []
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}"

    def freeze(self):
        self._goes_on.clear()

    def go_on(self):
        self._goes_on.set()

    def close(self):
        # Shut down first: what is only closed goes on accepting in the thread that waits for it.
        for each in (self._listener, *self._open):
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        self.go_on()

    def _accept(self):
        try:
            while True:
                connection, _ = self._listener.accept()
                connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                self._open.append(connection)
                self.connections += 1
                threading.Thread(target=self._talk, args=(connection,), daemon=True).start()
        except OSError:
            return

    def _talk(self, connection):
        try:
            text = b""
            while data := connection.recv(1 << 20):
                text += data
                commands, text = parsed(text)
                if not commands:
                    continue
                time.sleep(self.delay)
                self._goes_on.wait()
                connection.sendall(b"".join(map(self._answer, commands)))
        except OSError:
            return

    def _answer(self, words):
        if words[0] not in (b"EVALSHA", b"EVAL"):
            return b"+OK\r\n"
        self.commands.append(words)
        # All that is asked for is granted, with fifty tokens left, one process.
        return b"*3\r\n:%b\r\n:50000000\r\n:1\r\n" % words[-1]


def parsed(text):
    """The commands that are there as a whole, and what is left."""
    commands = []
    while True:
        lines, at = text.split(b"\r\n", 1), 0
        if len(lines) < 2:
            return commands, text
        words, at = [], len(lines[0]) + 2
        for _ in range(int(lines[0][1:])):
            end = text.find(b"\r\n", at)
            if end < 0:
                return commands, text
            size = int(text[at + 1 : end])
            if len(text) < end + 2 + size + 2:
                return commands, text
            words.append(text[end + 2 : end + 2 + size])
            at = end + 2 + size + 2
        commands.append(words)
        text = text[at:]
