"""The official Python SDK against a server: python client.py BASE_URL KEY"""

import sys

import openai

base_url, key = sys.argv[1:3]
client = openai.OpenAI(base_url=base_url, api_key=key, max_retries=0, timeout=60)
MESSAGES = [{"role": "user", "content": "What is a span?"}]


def check(condition, what):
    if not condition:
        raise SystemExit(f"python: {what}")


def raises(kind, call, what):
    try:
        call()
    except kind as error:
        return error
    raise SystemExit(f"python: {what}: no {kind.__name__}")


model = client.models.list().data[0].id

plain = client.completions.create(model=model, prompt="Once upon a time", max_tokens=24, temperature=0)
check(plain.choices[0].text and plain.choices[0].finish_reason == "length", "a completion")
check(plain.usage.completion_tokens == 24, "its usage")
stream = client.completions.create(
    model=model,
    prompt="Once upon a time",
    max_tokens=24,
    temperature=0,
    stream=True,
    stream_options={"include_usage": True},
)
chunks = list(stream)
check("".join(c.choices[0].text for c in chunks if c.choices) == plain.choices[0].text, "the stream says the same")
check(chunks[-1].usage.completion_tokens == 24, "the stream's usage")
several = client.completions.create(model=model, prompt=["One", "Two"], n=2, max_tokens=4, seed=1, temperature=1)
check([c.index for c in several.choices] == [0, 1, 2, 3], "two prompts, two choices each")
again = client.completions.create(model=model, prompt=["One", "Two"], n=2, max_tokens=4, seed=1, temperature=1)
check([c.text for c in several.choices] == [c.text for c in again.choices], "a seed gives the same again")

chat = client.chat.completions.create(model=model, messages=MESSAGES, max_tokens=24, temperature=0)
check(chat.choices[0].message.role == "assistant" and chat.choices[0].message.content, "a chat")
deltas = [
    chunk.choices[0].delta.content or ""
    for chunk in client.chat.completions.create(
        model=model, messages=MESSAGES, max_tokens=24, temperature=0, stream=True
    )
]
check("".join(deltas) == chat.choices[0].message.content, "the chat's stream says the same")

left = client.completions.create(
    model=model, prompt="Once", max_tokens=400, stream=True, extra_body={"ignore_eos": True}
)
next(iter(left))
left.close()

raises(openai.NotFoundError, lambda: client.completions.create(model="nobody", prompt="a"), "an unknown model")
error = raises(
    openai.BadRequestError,
    lambda: client.chat.completions.create(model=model, messages=MESSAGES, temperature=9),
    "a temperature of 9",
)
check(error.param == "temperature" and str(error.code) == "400", f"its param and code: {error.param}, {error.code}")
stranger = openai.OpenAI(base_url=base_url, api_key="wrong", max_retries=0)
raises(openai.AuthenticationError, stranger.models.list, "a wrong key")
print(f"python: openai {openai.__version__} ok")
