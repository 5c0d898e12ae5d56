"""Tokenizers trained in each family's own pipeline, and what Hugging Face's tokenizers makes of 2,000 strings with each.

    python bench/reference/tokenizer_kinds.py engine-ffm/src/test/resources/tokenizers

Each folder holds tokenizer.json and ids.json (ids of strings.json, one row each; then rows of random ids and their text).
"""
import json
import pathlib
import random
import sys

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from tokenizer_cases import SEED, text

LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+"
          r"|\s+(?!\S)|\s+")
QWEN2 = LLAMA3.replace(r"\p{N}{1,3}", r"\p{N}")
O200K = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+")
BYTES = [f"<0x{b:02X}>" for b in range(256)]
SPECIAL = ["<unk>", "<s>", "</s>"]


def byte_level(tokenizer, split):
    tokenizer.pre_tokenizer = split
    tokenizer.decoder = decoders.ByteLevel()
    return tokenizer, trainers.BpeTrainer(
        vocab_size=600, special_tokens=SPECIAL, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), show_progress=False)


def regex(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def sentencepiece(normalizer, split, strip):
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    if normalizer:
        tokenizer.normalizer = normalizer
    if split:
        tokenizer.pre_tokenizer = split
    parts = [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    tokenizer.decoder = decoders.Sequence(parts + ([decoders.Strip(" ", 1, 0)] if strip else []))
    return tokenizer, trainers.BpeTrainer(vocab_size=700, special_tokens=SPECIAL + BYTES, limit_alphabet=120, show_progress=False)


def unigram(byte_fallback):
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace(prepend_scheme="always")
    return tokenizer, trainers.UnigramTrainer(
        vocab_size=600, special_tokens=SPECIAL + (BYTES if byte_fallback else []), unk_token="<unk>", show_progress=False)


def kinds():
    yield "llama3", byte_level(Tokenizer(models.BPE(ignore_merges=True)), regex(LLAMA3))
    qwen = Tokenizer(models.BPE())
    qwen.normalizer = normalizers.NFC()
    yield "qwen2", byte_level(qwen, regex(QWEN2))
    yield "o200k", byte_level(Tokenizer(models.BPE()), regex(O200K))
    yield "smollm", byte_level(Tokenizer(models.BPE()), pre_tokenizers.Sequence([
        pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]))
    yield "llama2", sentencepiece(
        normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]), None, True)
    yield "mistral", sentencepiece(None, pre_tokenizers.Metaspace("▁", prepend_scheme="first", split=False), True)
    yield "gemma", sentencepiece(normalizers.Replace(" ", "▁"), pre_tokenizers.Split(" ", "merged_with_previous"), False)
    yield "unigram", unigram(False)
    yield "unigram-bytes", unigram(True)


def main(target):
    rng = random.Random(SEED + 5)
    strings = [text(rng) for _ in range(1988)] + [
        "", " ", "a", " a", "a ", "Hello world", "  two  spaces  ", "line\nline\r\n\n", "1234567", "don'T DON'T'S'ſ", "▁ ▁▁a▁", "İıſK"]
    # Words enough that merges happen; strings enough that their bytes are known.
    corpus = strings[:900] + ["the cache of the trace is the prefill and the decode of tokens upon a time "] * 60
    for name, (tokenizer, trainer) in kinds():
        folder = pathlib.Path(target) / name
        folder.mkdir(parents=True, exist_ok=True)
        # Unigram's trainer wants room for every character it sees.
        seen = [s for s in corpus if s.isascii() or len(set(s)) == 1] if name.startswith("unigram") else corpus
        tokenizer.train_from_iterator(seen, trainer)
        tokenizer.add_special_tokens(["<|eot|>"])
        tokenizer.add_tokens([AddedToken("fox cub", normalized=True), AddedToken("<tool>", normalized=False, lstrip=True)])
        if name == "unigram-bytes":
            model = json.loads(tokenizer.to_str())
            model["model"]["byte_fallback"] = True
            model["decoder"] = {"type": "Sequence", "decoders": [
                {"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True}]}
            tokenizer = Tokenizer.from_str(json.dumps(model))
        (folder / "tokenizer.json").write_text(tokenizer.to_str() + "\n", encoding="utf-8")
        more = ["a fox cub, a <tool> b<|eot|> c", "fox cub<tool>", "<|eot|>fox  cub <s>", " <|eot|> x"]
        whole = [s for s in strings[::4] if "\ufffd" not in s]
        cases = {
            "ids": [tokenizer.encode(s, add_special_tokens=False).ids for s in strings],
            "added": [[s, tokenizer.encode(s, add_special_tokens=False).ids] for s in more],
            "decoded": [[tokenizer.encode(s, add_special_tokens=False).ids,
                         tokenizer.decode(tokenizer.encode(s, add_special_tokens=False).ids)] for s in whole[:300]],
        }
        (folder / "ids.json").write_text(json.dumps(cases, separators=(",", ":")) + "\n")
        print(name, tokenizer.get_vocab_size(), sum(map(len, cases["ids"])))
    (pathlib.Path(target) / "strings.json").write_text(json.dumps(strings, separators=(",", ":")) + "\n")


main(sys.argv[1])
