"""Expected tokens of a byte-level BPE folder, by Hugging Face's tokenizers.

Usage: tokenizer_cases.py MODEL_DIR OUT.json        (pip install tokenizers==0.23.3)

Writes seeded strings with their ids, for the plain pipeline, with a prefix space, and with added tokens of every kind,
and rows of random ids with the text they decode to. Special tokens are neither added nor kept.
"""
import json
import os
import random
import sys

import tokenizers
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers

SEED = 20261123
WORDS = ("the a span trace token cache prefill decode once upon time fox Ada don't I'll we've they're it's he'd I'm 'tis rock'n'roll "
         "O'Neill 'S 'LL ''s ' \" return def int[] i++; {} () => != :: // # $x @y \\n %d <s> </s> <pad> <unk> <|im_start|> 3.14 1,000 2026 "
         "0x1F 1e-9 foo_bar fooBar café naïve Zürich Straße Ærøskøbing").split(" ")
# Scripts, marks, numbers of other kinds, white space of all kinds, controls, private use, noncharacters, emoji parts.
RANGES = [(0x20, 0x7e), (0xa0, 0x17f), (0x300, 0x36f), (0x370, 0x52f), (0x590, 0x6ff), (0x900, 0x97f), (0xe00, 0xe7f), (0x1100, 0x11ff),
          (0x1680, 0x1680), (0x2000, 0x206f), (0x2070, 0x209c), (0x2150, 0x218b), (0x2460, 0x24ff), (0x3000, 0x30ff), (0x4e00, 0x4eff),
          (0xac00, 0xacff), (0xe000, 0xe00f), (0xfe00, 0xfe0f), (0xff00, 0xffef), (0xfff0, 0xffff), (0x10140, 0x1018e), (0x1d7ce, 0x1d7ff),
          (0x1f1e6, 0x1f1ff), (0x1f3fb, 0x1f3ff), (0x1f600, 0x1f64f), (0x20000, 0x200ff), (0xe0100, 0xe01ef), (0x10fffe, 0x10ffff)]
SPACES = [" ", "  ", "   ", "\t", "\n", "\r\n", "\n\n", " \n", "\n ", "\x0b", "\x0c", "\x85", "\xa0", "\u1680", "\u2003", "\u2028", "\u2029",
          "\u202f", "\u205f", "\u3000", "\u200b", "\u200d", "\ufeff", "\x1c", "\x1f", "\x00", "\x7f"]
EMOJI = ["🙂", "👍🏽", "👩‍👩‍👧‍👦", "🇩🇪", "☕️", "1️⃣", "e\u0301", "a\u0308\u0323", "नि", "각", "ﷺ", "Ⅷ", "½", "①", "٣", "東京"]


def text(rng):
    def piece():
        kind = rng.random()
        if kind < 0.30:
            return rng.choice(WORDS)
        if kind < 0.55:
            return rng.choice(SPACES) * rng.choice([1, 1, 1, 2, 3])
        if kind < 0.65:
            return rng.choice(EMOJI)
        if kind < 0.72:
            return rng.choice("'\"`.,;:!?-_/\\|<>[]{}()*&^%$#@~+=") * rng.choice([1, 1, 2, 4])
        if kind < 0.78:
            return str(rng.randrange(10 ** rng.randrange(1, 9)))
        if kind < 0.82:
            return chr(rng.randrange(0x20))
        low, high = rng.choice(RANGES)
        return "".join(chr(rng.randint(low, high)) for _ in range(rng.choice([1, 1, 2, 3])))
    return "".join(piece() for _ in range(rng.choice([1, 2, 3, 4, 5, 7, 9])))


def pipeline(folder, prefix_space, added=()):
    model = models.BPE.from_file(os.path.join(folder, "vocab.json"), os.path.join(folder, "merges.txt"))
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([AddedToken("</s>", special=True, normalized=False), AddedToken("<pad>", special=True, normalized=False)])
    for token in added:
        (tokenizer.add_special_tokens if token.special else tokenizer.add_tokens)([token])
    return tokenizer


def encoded(tokenizer, texts):
    return [[t, tokenizer.encode(t, add_special_tokens=False).ids] for t in texts]


def main():
    folder, out = sys.argv[1], sys.argv[2]
    rng = random.Random(SEED)
    plain = pipeline(folder, False)
    added = [AddedToken("<|im_start|>", special=True, normalized=False), AddedToken("<|im", normalized=False), AddedToken("<L>", lstrip=True, normalized=False),
             AddedToken("<R>", rstrip=True, normalized=False), AddedToken("<B>", lstrip=True, rstrip=True, special=True, normalized=False),
             AddedToken("fox", single_word=True), AddedToken("foxglove"), AddedToken("é", normalized=True), AddedToken("🙂!", single_word=True, normalized=False)]
    more = pipeline(folder, False, added)
    parts = [a.content for a in added] + ["</s>", "fox", "foxes", "a fox", " ", "  ", "\n", "\u3000", "_", "é", "e\u0301", "x", "!", "<", "<|", "the"]
    rows = [[rng.randrange(2048) if rng.random() < 0.5 else rng.randrange(4, 260) for _ in range(rng.randrange(1, 9))] for _ in range(400)]
    cases = {
        "made_by": f"bench/reference/tokenizer_cases.py, tokenizers {tokenizers.__version__}, seed {SEED}",
        "plain": encoded(plain, [text(rng) for _ in range(2000)]),
        "prefix_space": encoded(pipeline(folder, True), [text(rng) for _ in range(100)] + [""]),
        "added_tokens": {str(more.token_to_id(a.content)): {"content": a.content, "lstrip": a.lstrip, "rstrip": a.rstrip, "single_word": a.single_word,
                                                            "normalized": a.normalized, "special": a.special} for a in added},
        "added": encoded(more, ["".join(rng.choice(parts) for _ in range(rng.randrange(1, 7))) for _ in range(300)]),
        "decoded": [[row, plain.decode(row, skip_special_tokens=True)] for row in rows],
    }
    with open(out, "w", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=True, separators=(",", ":"))
        file.write("\n")


if __name__ == "__main__":
    main()
