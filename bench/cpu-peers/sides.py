"""Processes that measure one piece of work after another as they are asked: a line in names it, a line out ends with the value."""

import statistics
import subprocess
import sys


class Side:
    """One side of a comparison, kept between measurements so that both can take turns."""

    def __init__(self, name, command):
        self.name = name
        self.command = command
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def measure(self, work):
        """The value of one piece of work; what else the process prints is passed over."""
        try:
            self.process.stdin.write(work + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
        for line in self.process.stdout:
            words = line.split()
            if len(words) > 2 and words[0] == self.name and words[-2] == work:
                return float(words[-1])
        tail = self.process.stderr.read()[-2000:]
        raise SystemExit(f"{self.command[0]} ended with {self.process.wait()} instead of measuring {work}:\n{tail}")

    def close(self):
        self.process.stdin.close()
        self.process.stdout.read()
        self.process.wait()


def say(text):
    """Progress goes to standard error, results to standard output."""
    print(text, file=sys.stderr, flush=True)


def spread(values, digits=0):
    """The median, and the least and the most."""
    median, least, most = statistics.median(values), min(values), max(values)
    return f"{median:.{digits}f} ({least:.{digits}f} to {most:.{digits}f})"
