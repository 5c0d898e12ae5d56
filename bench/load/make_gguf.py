"""Writes a GGUF file of a gigabyte, Llama's shape, whose matrices are random blocks of one type: for loading alone.

Usage: make_gguf.py TYPE FILE, TYPE being Q4_K, Q6_K or another that GGUF quantizes; needs gguf and numpy.
"""

import sys

import gguf
import numpy as np

HIDDEN, FFN, KV, VOCAB, BYTES = 2048, 8192, 512, 32000, 1e9


def main():
    kind = gguf.GGMLQuantizationType[sys.argv[1]]
    elements, size = gguf.GGML_QUANT_SIZES[kind]
    layer = {"attn_q": (HIDDEN, HIDDEN), "attn_k": (KV, HIDDEN), "attn_v": (KV, HIDDEN), "attn_output": (HIDDEN, HIDDEN),
             "ffn_gate": (FFN, HIDDEN), "ffn_up": (FFN, HIDDEN), "ffn_down": (HIDDEN, FFN)}  # fmt: skip
    layers = round(BYTES / size * elements / sum(rows * columns for rows, columns in layer.values()))
    writer = gguf.GGUFWriter(sys.argv[2], "llama", use_temp_file=True)
    writer.add_context_length(2048)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(FFN)
    writer.add_head_count(HIDDEN // 64)
    writer.add_head_count_kv(KV // 64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_vocab_size(VOCAB)
    random = np.random.default_rng(1)

    def matrix(name, rows, columns):
        blocks = random.integers(0, 64, size=(rows, columns // elements * size), dtype=np.uint8)
        writer.add_tensor(name + ".weight", blocks, raw_dtype=kind)

    def ones(name):
        writer.add_tensor(name + ".weight", np.ones(HIDDEN, dtype=np.float32))

    matrix("token_embd", VOCAB, HIDDEN)
    ones("output_norm")
    for i in range(layers):
        ones(f"blk.{i}.attn_norm")
        ones(f"blk.{i}.ffn_norm")
        for name, (rows, columns) in layer.items():
            matrix(f"blk.{i}.{name}", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


main()
