"""Decode of one sequence in PyTorch with a captured CUDA graph: the same shapes, BF16, random weights, KV at 2,048 tokens.

TORCH_DEVICE=cpu runs the same steps without a graph, to try the script; its times mean nothing.
"""

import os
import sys
import time

import torch
import torch.nn.functional as F

SHAPES = {
    # name: hidden, inner, layers, heads, kv heads, head dim, vocabulary; kv heads 0 is OPT
    "rehearsal": (64, 128, 2, 4, 2, 16, 512),
    "opt-125m": (768, 3072, 12, 12, 0, 64, 50272),
    "llama-1b": (2048, 8192, 16, 32, 8, 64, 128256),
    "llama-8b": (4096, 14336, 32, 32, 8, 128, 128256),
}
CONTEXT = 2048
STEPS = 64
DEVICE = os.environ.get("TORCH_DEVICE", "cuda")


def weight(rows, columns):
    return torch.randn(rows, columns, device=DEVICE, dtype=torch.bfloat16) * 0.02


def build(name):
    hidden, inner, layers, heads, kv_heads, dim, vocab = SHAPES[name]
    opt = kv_heads == 0
    kv = kv_heads or heads
    layer = lambda: {
        "qkv": weight((heads + 2 * kv) * dim, hidden),
        "out": weight(hidden, heads * dim),
        "up": weight(inner if opt else 2 * inner, hidden),
        "down": weight(hidden, inner),
        "norm1": torch.ones(hidden, device=DEVICE, dtype=torch.bfloat16),
        "norm2": torch.ones(hidden, device=DEVICE, dtype=torch.bfloat16),
        "keys": torch.zeros(1, kv, CONTEXT, dim, device=DEVICE, dtype=torch.bfloat16),
        "values": torch.zeros(1, kv, CONTEXT, dim, device=DEVICE, dtype=torch.bfloat16),
    }
    stack = [layer() for _ in range(layers)]
    head = weight(vocab, hidden)
    token = torch.zeros(1, device=DEVICE, dtype=torch.long)

    def norm(x, w):
        return F.layer_norm(x, (hidden,), w) if opt else F.rms_norm(x, (hidden,), w)

    def step():
        x = head[token]
        for l in stack:
            q, k, v = F.linear(norm(x, l["norm1"]), l["qkv"]).split([heads * dim, kv * dim, kv * dim], -1)
            l["keys"][:, :, -1] = k.view(1, kv, dim)
            l["values"][:, :, -1] = v.view(1, kv, dim)
            a = F.scaled_dot_product_attention(q.view(1, heads, 1, dim), l["keys"], l["values"], enable_gqa=kv != heads)
            x = x + F.linear(a.reshape(1, heads * dim), l["out"])
            u = F.linear(norm(x, l["norm2"]), l["up"])
            if opt:
                u = F.relu(u)
            else:
                gate, up = u.chunk(2, -1)
                u = F.silu(gate) * up
            x = x + F.linear(u, l["down"])
        token.copy_(F.linear(x, head).argmax(-1))

    return step


def record(step):
    """One step as a CUDA graph, after some on a stream of their own, as PyTorch's manual has it."""
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(stream)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return graph.replay


def main():
    print("torch", torch.__version__)
    for name in sys.argv[1:] or [name for name in SHAPES if name != "rehearsal"]:
        with torch.no_grad():
            step = build(name)
            run = record(step) if DEVICE == "cuda" else step
            wait = torch.cuda.synchronize if DEVICE == "cuda" else lambda: None
            times = []
            for i in range(STEPS + 16):
                wait()
                begin = time.perf_counter()
                run()
                wait()
                if i >= 16:
                    times.append(time.perf_counter() - begin)
            times.sort()
            print(f"PyTorch, {name} decode, 1 sequence at {CONTEXT} tokens: {1 / times[len(times) // 2]:.1f} tok/s")
            del step, run
            if DEVICE == "cuda":
                torch.cuda.empty_cache()


if __name__ == "__main__":
    main()
