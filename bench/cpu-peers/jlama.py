"""Writes the weights that bench/cpu-peers gives to Jlama, and runs both sides in turn. See jlama.sh."""

import argparse
import json
import os
import pathlib
import statistics
import subprocess

import numpy as np

TYPES = {"f32": "F32", "bf16": "BF16"}
WORK = {"prefill": "prefill-512", "decode": "decode-1-511-128"}


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


def lines(command):
    done = subprocess.run(command, capture_output=True, text=True)
    if done.returncode != 0:
        raise SystemExit(f"{command[0]} ended with {done.returncode}:\n{done.stderr[-2000:]}")
    return [line.split() for line in done.stdout.splitlines()]


def run(options):
    print("| weights | work | ours, tok/s | Jlama, tok/s | ratio |\n|---|---|---|---|---|")
    rounds = options.rounds
    java = [options.java, "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx6g"]
    for kind, type in TYPES.items():
        ours = lines(
            java
            + [f"-Dtokenizer={options.tokenizer}", "-cp", options.classpath, "CpuPeersBench", options.models, "a", kind, "2"]
            + list(WORK.values()) * rounds
        )
        theirs = lines(
            java
            + ["--enable-preview", "-Djlama.force_panama_tensor_operations=true", "-cp"]
            + [f"{options.folder}/classes:{options.folder}/lib/*", "com.github.tjake.jlama.model.JlamaBench"]
            + [f"{options.folder}/{kind}", type, "2", str(rounds)]
        )
        for what, work in WORK.items():
            mine = [float(line[4]) for line in ours if line[0] == "ours" and line[3] == work]
            other = [float(line[3]) for line in theirs if line[0] == "jlama" and line[2] == what]
            a, b = statistics.median(mine), statistics.median(other)
            spread = f"{min(mine):.0f} to {max(mine):.0f}"
            print(f"| {kind} | {what} | {a:.0f} ({spread}) | {b:.1f} ({min(other):.1f} to {max(other):.1f}) | {a / b:.1f} |")


def main():
    parser = argparse.ArgumentParser()
    commands = parser.add_subparsers(dest="command", required=True)
    making = commands.add_parser("make")
    making.add_argument("source", type=pathlib.Path)
    making.add_argument("folder", type=pathlib.Path)
    running = commands.add_parser("run")
    for name in ["--java", "--folder", "--models", "--classpath", "--tokenizer"]:
        running.add_argument(name, required=True)
    running.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if options.command == "make":
        make(options.source, options.folder)
    else:
        run(options)


if __name__ == "__main__":
    main()
