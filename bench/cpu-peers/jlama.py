"""Writes the weights that bench/cpu-peers gives to Jlama, and runs both sides in turn. See jlama.sh."""

import argparse
import json
import os
import pathlib
import statistics
import time

import numpy as np

from sides import Side, say, spread, take_turns

TYPES = {"f32": "F32", "bf16": "BF16"}
WORK = ["prefill-512", "decode-1-512-128"]
"""One sequence: a prompt, and tokens behind it."""


def make(source, folder):
    """Jlama reads one tokenizer.json, and F32 only from a file of F32."""
    for kind in TYPES:
        to = folder / kind
        to.mkdir(parents=True, exist_ok=True)
        config = json.loads((source / "config.json").read_text())
        config["bos_token_id"] = 1
        (to / "config.json").write_text(json.dumps(config))
        (to / "tokenizer_config.json").write_text("{}")
        merges = [line for line in (source / "merges.txt").read_text().splitlines() if line and not line.startswith("#")]
        model = {"type": "BPE", "vocab": json.loads((source / "vocab.json").read_text()), "merges": merges}
        (to / "tokenizer.json").write_text(json.dumps({"version": "1.0", "added_tokens": [], "model": model}))
        weights = to / "model.safetensors"
        if not weights.exists():
            if kind == "bf16":
                os.link(source / "model.safetensors", weights)
            else:
                widen(source / "model.safetensors", weights)


def widen(source, to):
    data = source.read_bytes()
    size = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + size])
    for entry in header.values():
        entry["dtype"] = "F32"
        entry["data_offsets"] = [2 * offset for offset in entry["data_offsets"]]
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    part = to.with_suffix(".part")
    with part.open("wb") as out:
        out.write(len(text).to_bytes(8, "little") + text)
        out.write((np.frombuffer(data, np.uint16, offset=8 + size).astype(np.uint32) << 16).tobytes())
    part.rename(to)


def run(options):
    print("| weights | work | ours, tok/s | Jlama, tok/s | ratio |\n|---|---|---|---|---|", flush=True)
    java = [options.java, "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx6g"]
    for kind in options.rows:
        ours = Side(
            "ours",
            java
            + [f"-Dtokenizer={options.tokenizer}", "-cp", options.classpath]
            + ["CpuPeersBench", options.models, "a", kind, "2"],
        )
        theirs = Side(
            "jlama",
            java
            + ["--enable-preview", "-Djlama.force_panama_tensor_operations=true", "-cp"]
            + [f"{options.folder}/classes:{options.folder}/lib/*", "com.github.tjake.jlama.model.JlamaBench"]
            + [f"{options.folder}/{kind}", TYPES[kind], "2"],
        )
        for side in (ours, theirs):
            warm_up(side, options)
        say(kind)
        for work in options.work:
            mine, others = take_turns(ours, theirs, work, options.rounds)
            ratio = statistics.median(mine) / statistics.median(others)
            print(f"| {kind} | {work} | {spread(mine)} | {spread(others, 1)} | {ratio:.1f} |", flush=True)
        ours.close()
        theirs.close()


def warm_up(side, options):
    """Both are Java: each gets the same time for its JIT, all of the work at least once."""
    end = time.monotonic() + options.warm_up
    while True:
        for work in options.work:
            say(f"warming up: {side.name} {work} {side.measure(work):.1f} tok/s")
        if time.monotonic() >= end:
            return


def main():
    parser = argparse.ArgumentParser(prog="bench/cpu-peers/jlama.sh", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("source", type=pathlib.Path)
    making.add_argument("folder", type=pathlib.Path)
    running = commands.add_parser("run")
    for name in ["--java", "--folder", "--models", "--classpath", "--tokenizer"]:
        running.add_argument(name, required=True, help=argparse.SUPPRESS)
    running.add_argument("--rows", nargs="+", choices=TYPES, default=list(TYPES), help="weights: %(default)s")
    running.add_argument("--rounds", type=int, default=5, help="measurements of each side, in turn: %(default)s")
    running.add_argument("--work", nargs="+", default=WORK, help="prefill-TOKENS or decode-1-PROMPT-STEPS: %(default)s")
    running.add_argument("--warm-up", type=int, default=20, help="seconds before, of each side, for the JIT: %(default)s")
    running.add_argument("--quick", action="store_true", help="to see that it runs: BF16, one round")
    options = parser.parse_args()
    if options.command == "run" and options.quick:
        options.rows, options.rounds, options.warm_up = ["bf16"], 1, 0
    if options.command == "make":
        make(options.source, options.folder)
    else:
        run(options)


if __name__ == "__main__":
    main()
