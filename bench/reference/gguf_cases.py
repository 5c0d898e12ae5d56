"""Tiny models as GGUF files, made by llama.cpp's own converter, with the logits that transformers computes for them.

    pip download llama-cpp-python==0.3.36 --no-binary :all: --no-deps && tar xzf llama_cpp_python-0.3.36.tar.gz
    python bench/reference/gguf_cases.py llama_cpp_python-0.3.36/vendor/llama.cpp engine-ffm/src/test/resources/gguf/families [CASE...]

Each folder holds model.gguf and expected.safetensors. What the converter drops has no case: Mistral's window, GPT-2's
n_inner, any query_pre_attn_scalar but head_dim. Expected logits are those of the model before conversion, in F32; where the
file is quantized, of the same model with its weights replaced by what gguf-py reads from the quantized blocks. llama.cpp
itself (xllamacpp) then reads the file, and how far its probabilities after each prompt are apart is printed: 1e-2 at most in
plain types (its keys and values are F16), more where it quantizes activations too, and for Phi-3, whose window it leaves out.
"""
import json
import pathlib
import shutil
import sys
import tempfile

# The converter goes with the gguf-py beside it, which is ahead of the published one.
sys.path[:0] = [sys.argv[1], str(pathlib.Path(sys.argv[1]) / "gguf-py")]

import gguf
import numpy as np
import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

import family_cases as family
from gguf_quantize import quantize

logging.disable_progress_bar()
PROMPTS = family.PROMPTS
VOCAB = family.VOCAB

WIDE = dict(hidden_size=64, intermediate_size=96, num_attention_heads=4, num_key_value_heads=2, head_dim=32)
F = family.FAMILIES
GPT2 = dict(F["gpt2"], n_embd=64, n_inner=None, scale_attn_by_inverse_layer_idx=False, n_ctx=64)

# case: (config, what the converter writes, what matrices are quantized to afterwards)
CASES = {
    "llama": (F["llama-biased"], "f32", None),
    "llama31": (F["llama31"], "f32", None),
    "llama-linear": (F["llama-linear"], "f32", None),
    "llama-yarn": (F["llama-yarn"], "f32", None),
    "llama-f16": (F["llama31"] | WIDE, "f16", None),
    "llama-bf16": (F["llama31"] | WIDE, "bf16", None),
    "qwen2": (dict(F["qwen2"], use_sliding_window=False, head_dim=8), "f32", None),
    "qwen3": (F["qwen3"], "f32", None),
    "smollm3": (dict(F["smollm3"], no_rope_layers=[1, 1, 1, 0], no_rope_layer_interval=4), "f32", None),
    "olmo2": (F["olmo2"], "f32", None),
    "phi3": (F["phi3"], "f32", None),
    "gemma2": (dict(F["gemma2"], query_pre_attn_scalar=12), "f32", None),
    "gemma3": (dict(F["gemma3"], query_pre_attn_scalar=12, sliding_window_pattern=6, num_hidden_layers=7), "f32", None),
    "gpt2": (GPT2, "f32", None),
}
CASES |= {f"llama-{t.lower()}": (F["llama31"] | WIDE, "f32", t) for t in ["Q8_0", "Q4_0", "Q4_1", "Q5_0", "Q5_1"]}
BIG = dict(hidden_size=256, intermediate_size=256, num_attention_heads=4, num_key_value_heads=2, head_dim=64, num_hidden_layers=1)
CASES |= {f"qwen2-{t.lower()}": (dict(F["qwen2"], use_sliding_window=False, max_window_layers=3) | BIG, "f32", t)
          for t in ["Q2_K", "Q3_K", "Q4_K", "Q5_K", "Q6_K"]}
CASES["gemma3-q8_0"] = (dict(F["gemma3"], query_pre_attn_scalar=32, sliding_window_pattern=6) | WIDE, "f32", "Q8_0")
CASES["gpt2-q8_0"] = (GPT2, "f32", "Q8_0")


def converter():
    from conversion import get_model_class
    return get_model_class


def set_vocab(model):
    """Numbered tokens: these models have no vocabulary of their own."""
    tokens = ["<unk>", "<s>", "</s>"] + [f"t{i}" for i in range(3, VOCAB)]
    writer = model.gguf_writer
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * VOCAB)
    writer.add_token_types([2, 3, 3] + [1] * (VOCAB - 3))
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)


def convert(get_model_class, folder, config, out, ftype):
    """What convert_hf_to_gguf.py does, but for the vocabulary."""
    kinds = {"f32": gguf.LlamaFileType.ALL_F32, "f16": gguf.LlamaFileType.MOSTLY_F16, "bf16": gguf.LlamaFileType.MOSTLY_BF16}
    kind = get_model_class(config["architectures"][0])
    kind = type(kind.__name__, (kind,), {"set_vocab": set_vocab, "model_arch": kind.model_arch})
    if config["architectures"][0].startswith("Gemma3"):
        # It cuts the embedding to the tokenizer's size, which it reads from a file.
        (folder / "tokenizer.json").write_text(json.dumps(
            {"model": {"vocab": {str(i): i for i in range(VOCAB)}}, "added_tokens": []}))
    model = kind(folder, kinds[ftype], out, eager=True)
    model.write()


def requantized(out, type_name):
    """Quantizes the file in place; what gguf-py reads from its blocks, by name."""
    quantize(out, out.with_suffix(".q"), type_name)
    out.with_suffix(".q").rename(out)
    read = {t.name: gguf.quants.dequantize(t.data, t.tensor_type).reshape(tuple(reversed(t.shape.tolist())))
            for t in gguf.GGUFReader(out).tensors if t.tensor_type != gguf.GGMLQuantizationType.F32}
    return read


def apply(model, read, arch):
    """Weights by GGUF's names back into the model; the inverse of the converter for the architectures with such cases."""
    heads = model.config.num_attention_heads
    kv_heads = getattr(model.config, "num_key_value_heads", heads)
    blocks = model.transformer.h if arch == "gpt2" else model.model.layers
    for name, value in read.items():
        value = torch.from_numpy(np.array(value))
        part = name.split(".")
        if name == "token_embd.weight":
            model.get_input_embeddings().weight.data = value
            continue
        if name == "output.weight":
            model.get_output_embeddings().weight.data = value
            continue
        if name == "position_embd.weight":
            model.transformer.wpe.weight.data = value
            continue
        block, kind = blocks[int(part[1])], part[2]
        if arch == "gpt2":
            target = {"attn_qkv": block.attn.c_attn, "attn_output": block.attn.c_proj, "ffn_up": block.mlp.c_fc,
                      "ffn_down": block.mlp.c_proj}[kind]
            target.weight.data = value.T.contiguous()
            continue
        if arch == "llama" and kind in ("attn_q", "attn_k"):
            n = heads if kind == "attn_q" else kv_heads
            value = value.reshape(n, value.shape[0] // n // 2, 2, -1).swapaxes(1, 2).reshape(value.shape)
        target = {"attn_q": block.self_attn.q_proj, "attn_k": block.self_attn.k_proj, "attn_v": block.self_attn.v_proj,
                  "attn_output": block.self_attn.o_proj, "ffn_gate": block.mlp.gate_proj, "ffn_up": block.mlp.up_proj,
                  "ffn_down": block.mlp.down_proj}[kind]
        target.weight.data = value
    model.tie_weights()


def probabilities(path, prompts):
    """What llama.cpp says after each prompt, all tokens."""
    import xllamacpp as xlc
    params = xlc.CommonParams()
    params.model.path = str(path)
    params.n_ctx = 64
    params.n_parallel = 1
    params.warmup = False
    params.verbosity = -1
    params.cpuparams.n_threads = 1
    server = xlc.Server(params)
    rows = []
    for ids in prompts:
        answer = server.handle_completions({
            "prompt": ids, "max_tokens": 1, "n_predict": 1, "n_probs": VOCAB, "logprobs": VOCAB, "temperature": 1.0,
            "top_k": 0, "top_p": 1.0, "min_p": 0.0, "cache_prompt": False})
        if isinstance(answer, (str, bytes)):
            answer = json.loads(answer)
        row = np.full(VOCAB, -np.inf)
        for each in answer["choices"][0]["logprobs"]["content"][0]["top_logprobs"]:
            row[each["id"]] = each["logprob"]
        rows.append(row)
    del server
    return rows


def expected(make):
    values, lasts = {}, []
    for number, length in enumerate(PROMPTS):
        ids = torch.randint(3, VOCAB, (length,), generator=torch.Generator().manual_seed(1000 + number)).tolist()
        values[f"{number}.ids"] = torch.tensor(ids, dtype=torch.int32).float()
        values[f"{number}.prefill"] = make()(torch.tensor([ids])).logits[0]
        lasts.append((ids, torch.log_softmax(values[f"{number}.prefill"][-1].double(), -1).numpy()))
        whole = list(ids)
        for _ in range(family.GREEDY):
            rows = family.steps(make(), whole)
            whole.append(int(rows[-1].argmax()))
        values[f"{number}.steps"] = family.steps(make(), whole)
        values[f"{number}.greedy"] = torch.tensor(whole[length:], dtype=torch.int32).float()
    return {k: v.contiguous() for k, v in values.items()}, lasts


def main(target, only):
    get_model_class = converter()
    for case, (config, ftype, type_name) in CASES.items():
        if only and case not in only:
            continue
        config = {k: v for k, v in config.items() if v is not None}
        folder = pathlib.Path(target) / case
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as scratch:
            scratch = pathlib.Path(scratch)
            (scratch / "config.json").write_text(json.dumps(config))
            original = AutoModelForCausalLM.from_config(
                AutoConfig.from_pretrained(scratch), dtype=torch.float32, attn_implementation="eager")
            family.randomize(original)
            original.tie_weights()
            if ftype != "f32":
                original.to(dict(f16=torch.float16, bf16=torch.bfloat16)[ftype])
            original.save_pretrained(scratch)
            (scratch / "config.json").write_text(json.dumps(config))
            out = folder.resolve() / "model.gguf"
            convert(get_model_class, scratch, config, out, ftype)
            arch = config["model_type"].split("_")[0]
            read = requantized(out, type_name) if type_name else {}

            def make():
                model = AutoModelForCausalLM.from_pretrained(
                    scratch, dtype=torch.float32, attn_implementation="eager").eval()
                apply(model, read, arch)
                return model

            values, lasts = expected(make)
        save_file(values, folder / "expected.safetensors")
        theirs = probabilities(out, [ids for ids, _ in lasts])
        apart = max(float(np.abs(np.exp(mine) - np.exp(row)).max()) for (_, mine), row in zip(lasts, theirs))
        print(f"{case:14} {out.stat().st_size:8} bytes, llama.cpp's probabilities at most {apart:.1e} apart", flush=True)


if __name__ == "__main__":
    with torch.no_grad():
        torch.set_num_threads(1)
        main(sys.argv[2], sys.argv[3:])
