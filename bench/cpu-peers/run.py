"""Runs both sides of bench/cpu-peers in turn and prints the table: ours, the peer's, the ratio. See run.sh."""

import argparse
import os
import pathlib
import statistics
import subprocess

HERE = pathlib.Path(__file__).resolve().parent
OURS = {"f32": "f32", "bf16": "bf16", "q8_0": "int8", "q4_0": "int4"}


def lines(command, extra=None):
    done = subprocess.run(command, capture_output=True, text=True, env={**os.environ, **(extra or {})})
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return [line.split() for line in done.stdout.splitlines()]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--python", default="python3", help="a Python with llama-cpp-python, numpy and gguf")
    parser.add_argument("--java", required=True)
    parser.add_argument("--classpath", required=True)
    parser.add_argument("--models", required=True)
    parser.add_argument("--tokenizer", required=True)
    parser.add_argument("--limits", help="the compiled limits.c")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=5)
    parser.add_argument("--jvm", default="", help="more options of our JVM, such as -Damx=false")
    parser.add_argument("--rows", nargs="+", default=["a:f32", "a:bf16", "a:q8_0", "a:q4_0", "b:f32", "b:bf16"])
    parser.add_argument("--work", nargs="+", default=["decode-1", "decode-32", "prefill-512"])
    options = parser.parse_args()
    threads = str(options.threads)
    if options.limits:
        for line in lines([options.limits, threads]):
            print(" ".join(line), flush=True)
    print("| shape, weights | work | ours, tok/s | llama.cpp, tok/s | ratio |\n|---|---|---|---|---|")
    for row in options.rows:
        shape, kind = row.split(":")
        work = options.work * options.repeat
        peer = lines([options.python, str(HERE / "peer.py"), "run", options.models, shape, kind, threads, *work])
        ours = lines(
            [options.java, "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx4g"]
            + options.jvm.split()
            + [f"-Dtokenizer={options.tokenizer}", "-cp", options.classpath, "CpuPeersBench"]
            + [options.models, shape, OURS[kind], threads, *work]
        )
        for each in options.work:
            mine = [float(line[4]) for line in ours if line[0] == "ours" and line[3] == each]
            theirs = [float(line[4]) for line in peer if line[0] == "peer" and line[3] == each]
            a, b = statistics.median(mine), statistics.median(theirs)
            spread = f"{min(mine):.0f} to {max(mine):.0f}"
            other = f"{min(theirs):.0f} to {max(theirs):.0f}"
            print(f"| {shape}, {kind} | {each} | {a:.0f} ({spread}) | {b:.0f} ({other}) | {a / b:.2f} |", flush=True)


if __name__ == "__main__":
    main()
