"""A tiny random model in the layout of facebook/opt-125m: pytorch_model.bin, vocab.json and merges.txt, no tokenizer.json, no
safetensors; and the text that transformers continues a prompt with.

    python bench/reference/opt_layout.py server/src/test/resources/opt-125m
"""
import json
import pathlib
import re
import shutil
import sys

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoConfig, AutoModelForCausalLM

CONFIG = dict(
    architectures=["OPTForCausalLM"], model_type="opt", vocab_size=286, hidden_size=32, word_embed_proj_dim=32, ffn_dim=64,
    num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=128, do_layer_norm_before=True,
    activation_function="relu", torch_dtype="float16", bos_token_id=2, eos_token_id=2, pad_token_id=1)
PROMPT = "Hello, I'm am conscious and"
TOKENS = 12


def answer(folder, tokenizer, seed):
    model = AutoModelForCausalLM.from_config(
        AutoConfig.from_pretrained(folder), dtype=torch.float32, attn_implementation="eager")
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in model.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        scale = 1.5 if "position" in name else 0.5 if "embed" in name else 0.25
        parameter.data = noise * 0.1 + 1 if "layer_norm.weight" in name else noise * scale
    # Bytes that are no letters have small logits, so that the answer can be read.
    quiet = [i for i in range(CONFIG["vocab_size"]) if not re.fullmatch("[A-Za-zĠ,.']+", tokenizer.id_to_token(i))]
    model.model.decoder.embed_tokens.weight.data[quiet] *= 0.05
    model.tie_weights()
    state = {k: v.half() for k, v in model.state_dict().items()}
    model.load_state_dict({k: v.float() for k, v in state.items()})
    ids = [2] + tokenizer.encode(PROMPT).ids
    margins = []
    for _ in range(TOKENS):
        best = model.eval()(torch.tensor([ids])).logits[0, -1].topk(2)
        margins.append(float(best.values[0] - best.values[1]))
        ids.append(int(best.indices[0]))
    return ids, margins, state


def main(target):
    folder = pathlib.Path(target)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / "config.json").write_text(json.dumps(CONFIG, indent=1) + "\n")
    (folder / "generation_config.json").write_text(json.dumps(dict(bos_token_id=2, eos_token_id=2, pad_token_id=1)) + "\n")
    (folder / "tokenizer_config.json").write_text(json.dumps(dict(
        errors="replace", unk_token="</s>", bos_token="</s>", eos_token="</s>", pad_token="<pad>", add_prefix_space=False,
        add_bos_token=True, tokenizer_class="GPT2Tokenizer")) + "\n")
    (folder / "special_tokens_map.json").write_text(json.dumps(dict(
        bos_token="</s>", eos_token="</s>", unk_token="</s>", pad_token="<pad>")) + "\n")
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator([PROMPT, "the conscious and the hello of I am"] * 20, trainers.BpeTrainer(
        vocab_size=CONFIG["vocab_size"], special_tokens=["<s>", "<pad>", "</s>", "<unk>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet()))
    tokenizer.model.save(str(folder))

    # The first seed whose answer says something.
    for seed in range(1000):
        ids, margins, state = answer(folder, tokenizer, seed)
        new = ids[-TOKENS:]
        text = tokenizer.decode(new)
        if min(new) > 3 and len(set(new)) >= 7 and min(margins) > 0.05 and text.isascii() and text.isprintable():
            break
    torch.save(state, folder / "pytorch_model.bin")
    prompt = len(ids) - TOKENS
    (folder.parent / "opt-125m-expected.json").write_text(json.dumps(dict(
        prompt=PROMPT, prompt_tokens=prompt, completion_tokens=TOKENS, text=text)) + "\n")
    print(tokenizer.get_vocab_size(), prompt, min(margins), seed, repr(text))


with torch.no_grad():
    torch.set_num_threads(1)
    main(sys.argv[1])
