"""What Hugging Face's tokenizers makes of the ids of all 2,000 strings of every kind, at once and token by token.

    python bench/reference/decoded_strings.py engine-ffm/src/test/resources

Writes decoded.json beside each ids.json: per string null where its ids decode to the string itself, else the text. A GGUF
file's ids belong to the same vocabulary, so its kind's tokenizer.json decodes them.
"""
import json
import pathlib
import sys

from tokenizers import Tokenizer
from tokenizers.decoders import DecodeStream


def stream(tokenizer, ids):
    pieces = DecodeStream(skip_special_tokens=True)
    return "".join(pieces.step(tokenizer, i) or "" for i in ids)


def main(root):
    kinds = root / "tokenizers"
    strings = json.loads((kinds / "strings.json").read_text())
    for cases in sorted(kinds.glob("*/ids.json")) + sorted((root / "gguf/tokenizers").glob("*/ids.json")):
        tokenizer = Tokenizer.from_file(str(kinds / cases.parent.name / "tokenizer.json"))
        data = json.loads(cases.read_text())
        for ids, text in data["decoded"]:
            if tokenizer.decode(ids) != text:
                print("differs from what is there:", cases, repr(text), repr(tokenizer.decode(ids)))
        texts = [tokenizer.decode(ids) for ids in data["ids"]]
        held = sum(stream(tokenizer, ids) != text for ids, text in zip(data["ids"], texts))
        out = [None if text == s else text for s, text in zip(strings, texts)]
        (cases.parent / "decoded.json").write_text(json.dumps(out, separators=(",", ":")) + "\n")
        print(cases.parent, "other text:", sum(t is not None for t in out), "stream differs:", held)


main(pathlib.Path(sys.argv[1]))
