"""llama.cpp's side of bench/cpu-peers: writes random weights as GGUF and measures them by the low-level batch interface of
llama-cpp-python. Prints one line per measurement: name, value.

  peer.py make FOLDER SHAPE TYPE...       writes FOLDER/SHAPE-TYPE.gguf unless it is there
  peer.py run FOLDER SHAPE TYPE THREADS   measures what lines of standard input say

SHAPE is a or b, TYPE f32, bf16, q8_0 or q4_0; for q2_k to q6_k, whose blocks are 256 wide, SHAPE is c. A line is decode-N
or prefill-N.
"""

import ctypes
import pathlib
import sys
import time

import numpy as np

SHAPES = {
    "a": dict(hidden=576, layers=30, heads=9, kv=3, ffn=1536, vocab=49152),
    "b": dict(hidden=896, layers=24, heads=14, kv=2, ffn=4864, vocab=151936),
    "c": dict(hidden=768, layers=24, heads=12, kv=4, ffn=2048, vocab=49152),
}


def make(folder, shape, kind):
    import gguf

    sys.path.append(str(pathlib.Path(__file__).resolve().parent.parent / "reference"))
    import gguf_quantize

    path = folder / f"{shape}-{kind}.gguf"
    if path.exists():
        return
    print(f"writing {path}", file=sys.stderr, flush=True)
    s = SHAPES[shape]
    types = gguf.GGMLQuantizationType
    wanted = types[kind.upper()]
    part = path.with_suffix(".part")
    writer = gguf.GGUFWriter(part, "llama")
    writer.add_context_length(8192)
    writer.add_embedding_length(s["hidden"])
    writer.add_block_count(s["layers"])
    writer.add_feed_forward_length(s["ffn"])
    writer.add_head_count(s["heads"])
    writer.add_head_count_kv(s["kv"])
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(64)
    writer.add_rope_freq_base(10000.0)
    writer.add_vocab_size(s["vocab"])
    writer.add_tokenizer_model("no_vocab")
    random = np.random.default_rng(1)

    def matrix(name, rows, columns):
        values = random.standard_normal((rows, columns), dtype=np.float32) * np.float32(0.03)
        if wanted == types.F32:
            writer.add_tensor(name, values)
        else:
            writer.add_tensor(name, gguf_quantize.blocks(values, wanted), raw_dtype=wanted)

    def ones(name):
        writer.add_tensor(name, np.ones(s["hidden"], dtype=np.float32))

    matrix("token_embd.weight", s["vocab"], s["hidden"])
    ones("output_norm.weight")
    for i in range(s["layers"]):
        block = f"blk.{i}."
        ones(block + "attn_norm.weight")
        ones(block + "ffn_norm.weight")
        matrix(block + "attn_q.weight", s["heads"] * 64, s["hidden"])
        matrix(block + "attn_k.weight", s["kv"] * 64, s["hidden"])
        matrix(block + "attn_v.weight", s["kv"] * 64, s["hidden"])
        matrix(block + "attn_output.weight", s["hidden"], s["heads"] * 64)
        matrix(block + "ffn_gate.weight", s["ffn"], s["hidden"])
        matrix(block + "ffn_up.weight", s["ffn"], s["hidden"])
        matrix(block + "ffn_down.weight", s["hidden"], s["ffn"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    part.rename(path)


class Peer:
    def __init__(self, path, threads):
        import llama_cpp

        self.l = llama_cpp
        quiet = llama_cpp.llama_log_callback(lambda level, text, data: None)
        self.quiet = quiet
        llama_cpp.llama_log_set(quiet, ctypes.c_void_p(0))
        llama_cpp.llama_backend_init()
        params = llama_cpp.llama_model_default_params()
        params.use_mmap = False
        self.model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
        if not self.model:
            sys.exit(f"llama.cpp cannot load {path}")
        self.threads = threads
        self.context = None
        self.batch = llama_cpp.llama_batch_init(2048, 0, 1)
        self.vocab = llama_cpp.llama_vocab_n_tokens(llama_cpp.llama_model_get_vocab(self.model))

    def open(self, sequences, tokens):
        """A context for so many sequences of so many tokens."""
        if self.context:
            self.l.llama_free(self.context)
        context = self.l.llama_context_default_params()
        context.n_ctx = sequences * max(256, tokens)
        context.n_batch = 2048
        context.n_ubatch = 512
        context.n_seq_max = sequences
        context.n_threads = self.threads
        context.n_threads_batch = self.threads
        self.context = self.l.llama_init_from_model(self.model, context)
        if not self.context:
            sys.exit("llama.cpp gives no context")

    def decode(self, rows):
        """rows: (token, position, sequence, wants logits)"""
        batch = self.batch
        batch.n_tokens = len(rows)
        for i, (token, position, sequence, logits) in enumerate(rows):
            batch.token[i] = token
            batch.pos[i] = position
            batch.n_seq_id[i] = 1
            batch.seq_id[i][0] = sequence
            batch.logits[i] = logits
        if self.l.llama_decode(self.context, batch) != 0:
            sys.exit("llama_decode failed")

    def greedy(self, index):
        logits = self.l.llama_get_logits_ith(self.context, index)
        return int(np.argmax(np.ctypeslib.as_array(logits, shape=(self.vocab,))))

    def measure_prefill(self, tokens):
        self.open(1, tokens)
        self.decode([(7 + i, i, 0, i == 31) for i in range(32)])
        self.l.llama_memory_clear(self.l.llama_get_memory(self.context), True)
        start = time.perf_counter()
        self.decode([(7 + i % 1000, i, 0, i == tokens - 1) for i in range(tokens)])
        self.greedy(tokens - 1)
        return tokens / (time.perf_counter() - start)

    def measure_decode(self, sequences, prompt, steps):
        self.open(sequences, prompt + steps)
        for s in range(sequences):
            self.decode([(7 + (i + s) % 1000, i, s, i == prompt - 1) for i in range(prompt)])
        tokens = [7 + s for s in range(sequences)]
        start = time.perf_counter()
        for step in range(steps):
            self.decode([(tokens[s], prompt + step, s, True) for s in range(sequences)])
            tokens = [self.greedy(s) for s in range(sequences)]
        return sequences * steps / (time.perf_counter() - start)


def main():
    command, folder, shape = sys.argv[1], pathlib.Path(sys.argv[2]), sys.argv[3]
    if command == "make":
        folder.mkdir(parents=True, exist_ok=True)
        for kind in sys.argv[4:]:
            make(folder, shape, kind)
        return
    kind, threads = sys.argv[4], int(sys.argv[5])
    peer = Peer(folder / f"{shape}-{kind}.gguf", threads)
    peer.measure_prefill(64)
    for work in map(str.strip, sys.stdin):
        what, count = work.split("-")
        if what == "prefill":
            value = peer.measure_prefill(int(count))
        elif int(count) == 1:
            value = peer.measure_decode(1, 16, 48)
        else:
            value = peer.measure_decode(int(count), 64, 24)
        print(f"peer {shape} {kind} {work} {value:.1f}", flush=True)


if __name__ == "__main__":
    main()
