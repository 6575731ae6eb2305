"""The OpenAI and Ollama clients as their makers publish them, against the worker whose address is given."""

import sys

import ollama
import openai

address = sys.argv[1]
hello = [{"role": "user", "content": "Say hello."}]

client = openai.OpenAI(base_url=f"{address}/v1", api_key="unused", max_retries=0, timeout=120)
name = client.models.list().data[0].id
assert client.models.retrieve(name).id == name
said = client.chat.completions.create(model=name, messages=hello, max_tokens=8, seed=1, temperature=0)
text = said.choices[0].message.content
assert text and said.usage.completion_tokens > 0, said
chunks = list(client.chat.completions.create(
    model=name, messages=hello, max_tokens=8, seed=1, temperature=0, stream=True, stream_options={"include_usage": True},
))
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == text, chunks
assert chunks[-1].usage == said.usage, chunks[-1]
try:
    client.chat.completions.create(model="gpt-9", messages=hello)
    raise SystemExit("an unknown model was served")
except openai.NotFoundError as error:
    assert error.code == "model_not_found" and name in error.message, error
try:
    client.chat.completions.create(model=name, messages=hello, temperature=-1)
    raise SystemExit("a temperature below zero was taken")
except openai.BadRequestError as error:
    assert error.param == "temperature", error
print(f"openai {openai.__version__}: {text!r}")

client = ollama.Client(host=address, timeout=120)
assert name in [model.model for model in client.list().models]
assert client.show(name).details.format == "gguf"
options = {"num_predict": 8, "seed": 1, "temperature": 0}
whole = client.chat(model=name, messages=hello, options=options)
assert whole.done and whole.message.content == text, whole
lines = list(client.chat(model=name, messages=hello, options=options, stream=True))
assert "".join(line.message.content or "" for line in lines) == text and lines[-1].eval_count > 0, lines
assert client.generate(model=name, prompt="Say hello.", options=options).response
assert [model.model for model in client.ps().models] == [name]
try:
    client.chat(model="gpt-9", messages=hello)
    raise SystemExit("an unknown model was served")
except ollama.ResponseError as error:
    assert error.status_code == 404 and name in error.error, error
print(f"ollama: {whole.message.content!r}")
