"""The weights of two family cases as torch.save writes them: new and old format, and in shards.

    python bench/reference/torch_cases.py engine-ffm/src/test/resources/families engine-ffm/src/test/resources/torch
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import load_file

source, target = map(pathlib.Path, sys.argv[1:])


def write(name, family, save):
    folder = target / name
    folder.mkdir(parents=True, exist_ok=True)
    weights = load_file(source / family / "model.safetensors")
    (folder / "config.json").write_text((source / family / "config.json").read_text())
    save(folder, weights)


def shards(folder, weights):
    names = list(weights)
    files = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    placement = {name: files[i % 2] for i, name in enumerate(names)}
    for file in files:
        torch.save({name: weights[name] for name in names if placement[name] == file}, folder / file)
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps({"metadata": {}, "weight_map": placement}))


def narrow(folder, weights, **how):
    """Half precision, a module's parameters, integer buffers, and tensors that share one storage at an offset."""
    base = torch.arange(48, dtype=torch.float32).reshape(6, 8)
    torch.save({
        "half": torch.tensor([1.5, -2.25, 65504.0], dtype=torch.float16),
        "bfloat": torch.tensor([[1.0, -3.0]], dtype=torch.bfloat16),
        "parameter": torch.nn.Parameter(torch.tensor([7.0])),
        "ids": torch.arange(3),
        "rows": base[2:4],
        "scalar": torch.tensor(4.0),
        "_extra": {"nested": [1, 2.5, True, None, "text"]},
    }, folder / "pytorch_model.bin", **how)


write("zip", "opt-125m", lambda folder, w: torch.save(w, folder / "pytorch_model.bin"))
write("legacy", "opt-350m",
      lambda folder, w: torch.save(w, folder / "pytorch_model.bin", _use_new_zipfile_serialization=False))
write("sharded", "opt-125m", shards)
write("narrow", "opt-125m", narrow)
write("narrow-legacy", "opt-125m", lambda folder, w: narrow(folder, w, _use_new_zipfile_serialization=False))
for dtype, name in ((torch.float16, "sharded-f16"), (torch.bfloat16, "sharded-bf16")):
    write(name, "opt-125m", lambda folder, w: shards(folder, {k: v.to(dtype) for k, v in w.items()}))
