"""Tiny random models of every family with the logits that transformers computes for them.

    python bench/reference/family_cases.py engine-ffm/src/test/resources/families [FAMILY...]

Each folder holds config.json, model.safetensors and expected.safetensors. Sizes are such that every feature shows in the
logits: a window of 8, an original context of 16, prompts of 5, 21 and 40 tokens, fewer key heads than heads, heads wider than
hidden/heads, biases that are not zero, logits wide enough for a cap. config.json is written in the spelling given here and
read back by transformers before anything is computed, so old spellings are judged by it too.
"""
import json
import pathlib
import shutil
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.utils import logging

logging.disable_progress_bar()

VOCAB = 96
PROMPTS = [5, 21, 40]
GREEDY = 8

SMALL = dict(
    vocab_size=VOCAB, hidden_size=32, intermediate_size=44, num_hidden_layers=3, num_attention_heads=4,
    num_key_value_heads=2, head_dim=12, max_position_embeddings=64, rms_norm_eps=1e-5, hidden_act="silu",
    bos_token_id=1, eos_token_id=2, pad_token_id=0, tie_word_embeddings=False)


def llama(**more):
    return dict(SMALL, architectures=["LlamaForCausalLM"], model_type="llama", rope_theta=10000.0, torch_dtype="float32",
                attention_bias=False, mlp_bias=False) | more


def rope(**parameters):
    return dict(rope_theta=10000.0, **parameters)


def gemma(**more):
    return dict(SMALL, hidden_act="gelu_pytorch_tanh", hidden_activation="gelu_pytorch_tanh", tie_word_embeddings=True,
                torch_dtype="float32", num_hidden_layers=4, sliding_window=8) | more


FAMILIES = {
    "opt-125m": dict(
        architectures=["OPTForCausalLM"], model_type="opt", vocab_size=VOCAB, hidden_size=32, word_embed_proj_dim=32,
        ffn_dim=44, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=64, do_layer_norm_before=True,
        activation_function="relu", torch_dtype="float32", bos_token_id=2, eos_token_id=2, pad_token_id=1),
    "opt-350m": dict(
        architectures=["OPTForCausalLM"], model_type="opt", vocab_size=VOCAB, hidden_size=32, word_embed_proj_dim=20,
        ffn_dim=44, num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=64, do_layer_norm_before=False,
        activation_function="relu", torch_dtype="float32", bos_token_id=2, eos_token_id=2, pad_token_id=1),
    "gpt2": dict(
        architectures=["GPT2LMHeadModel"], model_type="gpt2", vocab_size=VOCAB, n_embd=32, n_layer=3, n_head=4, n_inner=44,
        n_positions=64, activation_function="gelu_new", layer_norm_epsilon=1e-5, bos_token_id=2, eos_token_id=2,
        scale_attn_by_inverse_layer_idx=True),
    "llama2": {k: v for k, v in llama(num_key_value_heads=None, head_dim=None).items() if v is not None},
    "llama-biased": llama(attention_bias=True, mlp_bias=True, tie_word_embeddings=True),
    "llama-linear": llama(rope_scaling=dict(type="linear", factor=4.0)),
    "llama-dynamic": llama(max_position_embeddings=16, rope_scaling=dict(type="dynamic", factor=2.0)),
    "llama31": llama(rope_scaling=dict(
        rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0, original_max_position_embeddings=16)),
    "llama-yarn": llama(dtype="float32", rope_parameters=rope(
        rope_type="yarn", factor=4.0, original_max_position_embeddings=16, beta_fast=32.0, beta_slow=1.0)),
    "llama-longrope": llama(dtype="float32", rope_parameters=rope(
        rope_type="longrope", original_max_position_embeddings=16, factor=4.0,
        short_factor=[1.0, 1.05, 1.1, 1.2, 1.3, 1.5], long_factor=[1.0, 1.5, 2.0, 3.0, 5.0, 8.0])),
    "mistral": dict(llama(), architectures=["MistralForCausalLM"], model_type="mistral", sliding_window=8),
    "qwen2": dict(llama(), architectures=["Qwen2ForCausalLM"], model_type="qwen2", use_sliding_window=True,
                  sliding_window=8, max_window_layers=1),
    "qwen3": dict(llama(), architectures=["Qwen3ForCausalLM"], model_type="qwen3", tie_word_embeddings=True,
                  use_sliding_window=False, sliding_window=None, max_window_layers=3),
    "olmo2": dict(llama(), architectures=["Olmo2ForCausalLM"], model_type="olmo2", head_dim=8),
    "smollm3": dict(llama(), architectures=["SmolLM3ForCausalLM"], model_type="smollm3", num_hidden_layers=4,
                    no_rope_layers=[1, 0, 1, 0], no_rope_layer_interval=2, use_sliding_window=False),
    "phi3": dict(llama(), architectures=["Phi3ForCausalLM"], model_type="phi3", head_dim=8, partial_rotary_factor=0.75,
                 original_max_position_embeddings=16, sliding_window=8, rope_scaling=dict(
                     type="longrope", short_factor=[1.0, 1.1, 1.3], long_factor=[1.0, 2.0, 6.0])),
    "gemma2": gemma(architectures=["Gemma2ForCausalLM"], model_type="gemma2", rope_theta=10000.0,
                    query_pre_attn_scalar=10, attn_logit_softcapping=5.0, final_logit_softcapping=3.0),
    "gemma3": gemma(architectures=["Gemma3ForCausalLM"], model_type="gemma3_text", rope_theta=1000000.0,
                    rope_local_base_freq=10000.0, query_pre_attn_scalar=10, sliding_window_pattern=3,
                    rope_scaling=dict(rope_type="linear", factor=8.0)),
}


# Weights in half precision; logits are those of F32 arithmetic on them, which is what the engine computes.
FAMILIES |= {
    "llama31-bf16": FAMILIES["llama31"] | dict(torch_dtype="bfloat16"),
    "gemma3-f16": FAMILIES["gemma3"] | dict(torch_dtype="float16"),
    # In several files with an index.
    "llama-shards": FAMILIES["llama-biased"],
    "qwen2-bf16-shards": FAMILIES["qwen2"] | dict(torch_dtype="bfloat16"),
    "gemma2-f16-shards": FAMILIES["gemma2"] | dict(torch_dtype="float16"),
    # Saved without a head, which is the embedding.
    "opt-base": FAMILIES["opt-125m"] | dict(architectures=["OPTModel"]),
    "gpt2-base": FAMILIES["gpt2"] | dict(architectures=["GPT2Model"]),
    # Beside a vision tower, whose tensors are in the file and stay there.
    "gemma3-vision": dict(
        architectures=["Gemma3ForConditionalGeneration"], model_type="gemma3", torch_dtype="float32",
        mm_tokens_per_image=4, boi_token_index=90, eoi_token_index=91, image_token_index=92,
        text_config={k: v for k, v in FAMILIES["gemma3"].items() if k != "architectures"},
        vision_config=dict(model_type="siglip_vision_model", hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                           num_attention_heads=2, image_size=28, patch_size=14)),
}


def randomize(model):
    """Wide enough that attention is sharp and logits differ; norms and biases away from their initial values."""
    generator = torch.Generator().manual_seed(20261123)
    for name, parameter in model.named_parameters():
        if "vision" in name or "multi_modal" in name:
            continue
        noise = torch.randn(parameter.shape, generator=generator)
        if parameter.ndim == 1:
            is_norm = "norm" in name or "ln_" in name
            parameter.data = (noise * 0.3 + (0.0 if "bias" in name or "gemma" in model.config.model_type else 1.0)
                              if is_norm else noise * 0.3)
        elif "embed" in name or "wte" in name or "wpe" in name or "lm_head" in name:
            parameter.data = noise * 0.5
        else:
            parameter.data = noise * 0.25


def rope_type(config):
    return (getattr(config, "rope_parameters", None) or {}).get("rope_type")


def steps(model, ids):
    """Logits of each token, given one at a time; with longrope all at once, since its factors are those of the length."""
    if rope_type(model.config) == "longrope":
        return model(torch.tensor([ids])).logits[0]
    cache, rows = None, []
    for i in range(len(ids)):
        out = model(torch.tensor([[ids[i]]]), past_key_values=cache, use_cache=True,
                    position_ids=torch.tensor([[i]]))
        cache = out.past_key_values
        rows.append(out.logits[0, -1])
    return torch.stack(rows)


def main(target, only):
    for family, config in FAMILIES.items():
        if only and family not in only:
            continue
        folder = pathlib.Path(target) / family
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        model = AutoModelForCausalLM.from_config(
            AutoConfig.from_pretrained(folder), dtype=torch.float32, attn_implementation="eager")
        randomize(model)
        model.tie_weights()
        if "16" in config.get("torch_dtype", ""):
            model.to(getattr(torch, config["torch_dtype"]))
        saved = model.base_model if family.endswith("-base") else model
        saved.save_pretrained(folder, max_shard_size="40KB" if family.endswith("-shards") else "1GB")
        (folder / "generation_config.json").unlink(missing_ok=True)
        (folder / "config.json").write_text(json.dumps(config, indent=1) + "\n")
        expected, margins = {}, []
        for number, length in enumerate(PROMPTS):
            # Loaded anew: some rotary embeddings remember the longest sequence they saw.
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager").eval()
            generator = torch.Generator().manual_seed(1000 + number)
            ids = torch.randint(3, VOCAB, (length,), generator=generator).tolist()
            expected[f"{number}.ids"] = torch.tensor(ids, dtype=torch.int32).float()
            expected[f"{number}.prefill"] = model(torch.tensor([ids])).logits[0]
            model = AutoModelForCausalLM.from_pretrained(
                folder, dtype=torch.float32, attn_implementation="eager").eval()
            whole = list(ids)
            rows = steps(model, whole)
            for _ in range(GREEDY):
                best = rows[-1].topk(2)
                margins.append(float(best.values[0] - best.values[1]))
                whole.append(int(best.indices[0]))
                fresh = AutoModelForCausalLM.from_pretrained(
                    folder, dtype=torch.float32, attn_implementation="eager").eval()
                rows = steps(fresh, whole)
            expected[f"{number}.steps"] = rows
            expected[f"{number}.greedy"] = torch.tensor(whole[length:], dtype=torch.int32).float()
        save_file({k: v.contiguous() for k, v in expected.items()}, folder / "expected.safetensors")
        size = sum(f.stat().st_size for f in folder.iterdir())
        apart = max(float((expected[f"{n}.prefill"] - expected[f"{n}.steps"][:l]).norm() / expected[f"{n}.prefill"].norm())
                    for n, l in enumerate(PROMPTS))
        print(f"{family:16} {size:8} bytes, margin {min(margins):.4f}, widest {expected['2.prefill'].abs().max():.1f}, "
              f"prefill and steps apart {apart:.1e}")


if __name__ == "__main__":
    with torch.no_grad():
        torch.set_num_threads(1)
        main(sys.argv[1], sys.argv[2:])
