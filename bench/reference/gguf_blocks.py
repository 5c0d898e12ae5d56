"""Blocks of every quantized type of GGUF, and what gguf-py reads from them.

Usage: gguf_blocks.py OUTPUT_FOLDER; writes TYPE.blocks (as they lie in a file) and TYPE.f32 (little-endian floats).
Simple types are quantized from Gaussian values. For the K types gguf-py has a reader only: their blocks are random bytes,
all of which mean something, with scales of a usual size.
"""

import pathlib
import sys

import gguf
import numpy as np

ELEMENTS = 3 * 256
SIMPLE = ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]
# Where the F16 scales lie in a block. New types come last, so that those before keep their random bytes.
K_SCALES = {"Q4_K": [0, 2], "Q5_K": [0, 2], "Q6_K": [208], "Q2_K": [80, 82], "Q3_K": [108]}


def random_blocks(random, name):
    elements, size = gguf.GGML_QUANT_SIZES[gguf.GGMLQuantizationType[name]]
    blocks = random.integers(0, 256, size=(ELEMENTS // elements, size), dtype=np.uint8)
    for at in K_SCALES[name]:
        scales = random.normal(0, 0.01, size=(len(blocks), 1)).astype("<f2")
        blocks[:, at : at + 2] = scales.view(np.uint8)
    return blocks.reshape(1, -1)


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(20261125)
    for name in SIMPLE + list(K_SCALES):
        kind = gguf.GGMLQuantizationType[name]
        if name in SIMPLE:
            blocks = gguf.quants.quantize(random.normal(size=(1, ELEMENTS)).astype(np.float32), kind)
        else:
            blocks = random_blocks(random, name)
        (folder / f"{name}.blocks").write_bytes(blocks.tobytes())
        (folder / f"{name}.f32").write_bytes(gguf.quants.dequantize(blocks, kind).astype("<f4").tobytes())


main()
