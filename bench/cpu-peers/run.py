"""Runs both sides of bench/cpu-peers in turn and prints the table: ours, the peer's, the ratio. See run.sh."""

import argparse
import pathlib
import statistics
import subprocess

from sides import Side, say, spread, take_turns

HERE = pathlib.Path(__file__).resolve().parent
OURS = {"f32": "f32", "bf16": "bf16", "q8_0": "int8", "q4_0": "int4", "q8_0-a8": "int8-a8", "q4_0-a8": "int4-a8"}
"""What ours makes of random BF16 weights, with -a8 its activations rounded to int8, as the peer's always are; other types are read
from the peer's own file."""
WORK = ["decode-1", "decode-32", "prefill-512"]
PARAMETERS = {"a": 134_478_720, "b": 493_961_216, "c": 188_743_680}
"""Those of the matrices, each read once for a token; the table of embeddings is the head."""
BYTES = {"f32": 4, "bf16": 2, "q8_0": 1, "q4_0": 18 / 32, "q2_k": 84 / 256, "q3_k": 110 / 256,
         "q4_k": 144 / 256, "q5_k": 176 / 256, "q6_k": 210 / 256}  # fmt: skip


def limits(options, what):
    """What the machine can do at most now, by name."""
    done = subprocess.run([options.limits, str(options.threads), what], capture_output=True, text=True, check=True)
    return {words[1]: float(words[2]) for words in map(str.split, done.stdout.splitlines()) if words[0] == "limit"}


def java(options):
    return [options.java, "--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED", "-Xmx4g",
            *options.jvm.split(), f"-Dtokenizer={options.tokenizer}", "-cp", options.classpath]  # fmt: skip


def measure(options, row):
    """Prints one row of the table for each piece of work."""
    shape, kind = row.split(":")
    stored = kind.removesuffix("-a8")
    threads = str(options.threads)
    peer = Side(
        "peer", [options.python, str(HERE / "peer.py"), "run", options.models, shape, stored, threads]
    )
    ours = Side("ours", [*java(options), "CpuPeersBench", options.models, shape, OURS.get(kind, kind), threads])
    for _ in range(options.warm_up):
        for work in options.work:
            ours.measure(work)
    for work in options.work:
        peer.measure(work)
        shares = []

        def share(mine):
            read = limits(options, "read")["read-GB/s"]
            shares.append(100 * mine * PARAMETERS[shape] * BYTES[stored] / (read * 1e9))
            return f", reading {read:.1f} GB/s at most"

        say(row)
        mine, theirs = take_turns(ours, peer, work, options.rounds, share if work == "decode-1" else lambda _: "")
        ratio = statistics.median(mine) / statistics.median(theirs)
        text = spread(shares) + " %" if shares else "–"
        print(f"| {shape}, {kind} | {work} | {spread(mine)} | {spread(theirs)} | {ratio:.2f} | {text} |", flush=True)
    ours.close()
    peer.close()


def measure_products(options):
    """The matrices of a step by themselves, as shares of what F32's multiply-add can do in registers."""
    before = limits(options, "peaks")
    done = subprocess.run(
        [*java(options), "GemmBench", str(options.threads), "512", "f32"], capture_output=True, text=True, check=True
    )
    peak = (before["f32-GFLOP/s"] + limits(options, "peaks")["f32-GFLOP/s"]) / 2
    for words in map(str.split, done.stdout.splitlines()):
        print(f"| F32, 512 rows | {words[4]} | {words[5]} | {100 * float(words[5]) / peak:.0f} % of {peak:.0f} |", flush=True)


def main():
    parser = argparse.ArgumentParser(prog="bench/cpu-peers/run.sh", description=__doc__)
    for name in ["--python", "--java", "--classpath", "--models", "--tokenizer", "--limits"]:
        parser.add_argument(name, required=True, help=argparse.SUPPRESS)
    parser.add_argument("--rows", nargs="+", default=["a:f32", "a:bf16", "a:q8_0", "a:q4_0", "a:q8_0-a8", "a:q4_0-a8", "b:f32", "b:bf16"],
                        help="shape a (135M) or b (0.5B), and f32, bf16, q8_0 or q4_0; or shape c (0.2B) and q2_k, q3_k, q4_k,"
                             " q5_k or q6_k; quantized types also with -a8: activations of ours rounded to int8: %(default)s")  # fmt: skip
    parser.add_argument("--work", nargs="+", default=WORK, help="decode-N or prefill-N: %(default)s")
    parser.add_argument("--rounds", type=int, default=5, help="measurements of each side, in turn: %(default)s")
    parser.add_argument("--warm-up", type=int, default=3, help="rounds of ours before, for the JIT: %(default)s")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--jvm", default="", help="more options of our JVM, such as -Damx=false")
    parser.add_argument("--no-products", action="store_true", help="leave out the table of the matrices by themselves")
    parser.add_argument("--quick", action="store_true", help="a minute to see that it runs: one row, one round")
    options = parser.parse_args()
    if options.quick:
        options.rows, options.rounds, options.warm_up, options.no_products = ["a:bf16"], 1, 1, True
    for row in options.rows:
        shape, kind = row.split(":")
        stored = kind.removesuffix("-a8")
        subprocess.run([options.python, str(HERE / "peer.py"), "make", options.models, shape, stored], check=True)
    for name, value in limits(options, "all").items():
        print(f"limit {name} {value:.1f}", flush=True)
    print("\n| shape, weights | work | ours, tok/s | llama.cpp, tok/s | ratio | share of read bandwidth |")
    print("|---|---|---|---|---|---|", flush=True)
    for row in options.rows:
        measure(options, row)
    if not options.no_products:
        print("\n| product | matrix | GFLOP/s | share of the multiply-add peak |\n|---|---|---|---|", flush=True)
        measure_products(options)


if __name__ == "__main__":
    main()
