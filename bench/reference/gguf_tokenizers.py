"""Tokenizers of tokenizer_kinds.py inside GGUF files, and what Hugging Face's libraries make of 2,000 strings with them.

    python bench/reference/gguf_tokenizers.py engine-ffm/src/test/resources/tokenizers engine-ffm/src/test/resources/gguf/tokenizers

Byte-level kinds must give the ids in the folder they come from. SentencePiece kinds have scores here in place of merges, so
their ids are those of the model that transformers builds from the very file.
"""
import json
import pathlib
import sys

import gguf
from tokenizers import Tokenizer, pre_tokenizers
from transformers import AutoTokenizer

# kind: GGUF's model, its pre, architecture that transformers reads
KINDS = {
    "llama3": ("gpt2", "llama-bpe", "llama"),
    "qwen2": ("gpt2", "qwen2", "qwen2"),
    "o200k": ("gpt2", "gpt-4o", "phi3"),
    "smollm": ("gpt2", "smollm", "llama"),
    "llama2": ("llama", "default", "llama"),
    "gemma": ("llama", "default", "gemma2"),
}
TEMPLATE = "{% for m in messages %}{{ bos_token }}{{ m.role }}: {{ m.content }}{{ eos_token }}{% endfor %}"


def kind_of(token, special, added):
    types = gguf.TokenType
    if token == "<unk>":
        return types.UNKNOWN
    if token in added:
        return types.CONTROL if special[token] else types.USER_DEFINED
    if token.startswith("<0x") and len(token) == 6:
        return types.BYTE
    return types.NORMAL


def write(source, out, model, pre, arch):
    vocab = dict(source["model"]["vocab"])
    special = {a["content"]: a["special"] for a in source["added_tokens"]}
    for each in source["added_tokens"]:
        # Not <tool>: GGUF has no place for lstrip.
        if each["content"] != "<tool>":
            vocab[each["content"]] = each["id"]
    tokens = sorted(vocab, key=vocab.get)
    assert [vocab[t] for t in tokens] == list(range(len(tokens)))
    writer = gguf.GGUFWriter(out, arch)
    writer.add_tokenizer_model(model)
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(tokens)
    writer.add_token_types([kind_of(t, special, special) for t in tokens])
    merges = [m if isinstance(m, str) else " ".join(m) for m in source["model"]["merges"]]
    if model == "gpt2":
        writer.add_token_merges(merges)
    else:
        ranks = {m.replace(" ", ""): -float(i) for i, m in reversed(list(enumerate(merges)))}
        writer.add_token_scores([ranks.get(t, -1e6) for t in tokens])
        writer.add_add_space_prefix(arch == "llama")
        writer.add_unk_token_id(0)
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(True)
    writer.add_chat_template(TEMPLATE)
    # What transformers wants before it looks at the tokenizer.
    writer.add_block_count(1)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def main(kinds, target):
    strings = json.loads((pathlib.Path(kinds) / "strings.json").read_text())
    for kind, (model, pre, arch) in KINDS.items():
        folder = pathlib.Path(target) / kind
        folder.mkdir(parents=True, exist_ok=True)
        source = json.loads((pathlib.Path(kinds) / kind / "tokenizer.json").read_text())
        write(source, folder / "tokenizer.gguf", model, pre, arch)
        if model == "llama":
            theirs = AutoTokenizer.from_pretrained(folder, gguf_file="tokenizer.gguf")
            backend = theirs.backend_tokenizer
            # Its model, in the pipeline of the family: a space goes before every text, as SentencePiece and the
            # tokenizer.json of Llama 2 have it; transformers leaves it out before a text that begins with one.
            own = Tokenizer.from_file(str(pathlib.Path(kinds) / kind / "tokenizer.json"))
            if own.normalizer:
                backend.normalizer = own.normalizer
                backend.pre_tokenizer = own.pre_tokenizer or pre_tokenizers.Sequence([])
            cases = {"ids": [backend.encode(s, add_special_tokens=False).ids for s in strings],
                     # transformers takes the text <pad> for a token of its own.
                     "decoded": [[ids, backend.decode(ids)] for ids in
                                 (backend.encode(s, add_special_tokens=False).ids for s in strings[::7]
                                  if "<pad>" not in s)]}
            (folder / "ids.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
            print(kind, backend.normalizer, backend.pre_tokenizer, backend.decoder)
        print(kind, (folder / "tokenizer.gguf").stat().st_size)


main(sys.argv[1], sys.argv[2])
