"""Expected texts of chat templates, by transformers' own way of rendering them (Jinja2 in a sandbox).

Usage: chat_template_cases.py TEMPLATE_DIR MODEL_DIR OUT.json        (pip install transformers==5.23.0 jinja2==3.1.6)

Renders every *.jinja of TEMPLATE_DIR and the template of MODEL_DIR with a set of conversations; where a template raises,
the message is kept instead of the text. The day of strftime_now is 23 November 2026.
"""
import datetime
import json
import os
import sys

import jinja2
import transformers
from transformers.utils.chat_template_utils import _compile_jinja_template

CONVERSATIONS = [
    [("user", "Hello!")],
    [("system", "Be brief."), ("user", "What is a span?")],
    [("user", "Hi"), ("assistant", "  Hello. "), ("user", " And\nnow? ")],
    [("system", " "), ("user", ""), ("assistant", ""), ("user", "Zürich 東京 🙂 <b>&amp;</b> \"quoted\" it's {{ not }} {% code %} \\n \t")],
    [("user", "a"), ("user", "b")],
    [("assistant", "I begin")],
    [("user", "x"), ("tool", "{\"y\": 1}")],
    [("user", "2+2?"), ("assistant", "<think>\nhm\n</think>\n\n4"), ("user", "sure?"), ("assistant", "<think>yes</think>Yes")],
]


def render(source, messages):
    template = _compile_jinja_template(source)
    try:
        text = template.render(messages=[{"role": r, "content": c} for r, c in messages], add_generation_prompt=True, bos_token="<s>", eos_token="</s>",
                               strftime_now=lambda form: datetime.datetime(2026, 11, 23).strftime(form))
        return {"text": text}
    except jinja2.exceptions.TemplateError as error:
        return {"error": str(error)}


def main():
    folder, model, out = sys.argv[1:]
    sources = {name: open(os.path.join(folder, name), encoding="utf-8").read() for name in sorted(os.listdir(folder)) if name.endswith(".jinja")}
    sources["bundled"] = json.load(open(os.path.join(model, "tokenizer_config.json"), encoding="utf-8"))["chat_template"]
    cases = {"made_by": f"bench/reference/chat_template_cases.py, transformers {transformers.__version__}, Jinja2 {jinja2.__version__}",
             "conversations": CONVERSATIONS,
             "templates": {name: [render(source, messages) for messages in CONVERSATIONS] for name, source in sources.items()}}
    with open(out, "w", encoding="utf-8") as file:
        json.dump(cases, file, ensure_ascii=False, indent=1)
        file.write("\n")


if __name__ == "__main__":
    main()
