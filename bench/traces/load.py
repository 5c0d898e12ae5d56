"""Concurrent streams of completions by one thread, cheap enough to leave the processors to the server."""

import json
import random
import selectors
import socket
import time

EVENT = b"data: {"
END = b"0\r\n\r\n"


class Stream:
    """One connection that asks again as soon as its answer has ended."""

    def __init__(self, port, seed, max_tokens):
        self.chance = random.Random(seed)
        self.max_tokens = max_tokens
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.tail = b""
        self.busy = False

    def ask(self):
        body = json.dumps(
            {
                "prompt": f"Once upon a time there was a {self.chance.randrange(10**6)}",
                "max_tokens": self.max_tokens,
                "ignore_eos": True,
                "stream": True,
            }
        ).encode()
        head = f"POST /v1/completions HTTP/1.1\r\nHost: bench\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        self.socket.sendall(head + body)
        self.tail = b""
        self.busy = True

    def read(self):
        """Events that came."""
        data = self.socket.recv(1 << 16)
        if not data:
            raise ConnectionError("the server closed a stream")
        seen = self.tail + data
        # What a read cut in two is counted with the next.
        self.tail = seen[-(len(EVENT) - 1) :]
        if seen.endswith(END):
            self.busy = False
        return seen.count(EVENT)


def window(port, streams, seconds, max_tokens, seed):
    """Tokens per second that came within the time; returns when all answers have ended."""
    with selectors.DefaultSelector() as selector:
        all_streams = [Stream(port, seed * streams + i, max_tokens) for i in range(streams)]
        for stream in all_streams:
            selector.register(stream.socket, selectors.EVENT_READ, stream)
        begin = time.monotonic()
        for stream in all_streams:
            stream.ask()
        tokens, left = 0, streams
        while left:
            for key, _ in selector.select():
                stream = key.data
                events = stream.read()
                now = time.monotonic()
                if now < begin + seconds:
                    tokens += events
                if not stream.busy:
                    if now < begin + seconds:
                        stream.ask()
                    else:
                        selector.unregister(stream.socket)
                        stream.socket.close()
                        left -= 1
        return tokens / seconds
