"""The server that one writes with FastAPI and transformers: the same bundle, one text for each request.

    python peer.py BUNDLE --port 8000 --threads 2 [--pool]

The endpoint is a coroutine, so that one text is predicted at a time with all threads; with `--pool` it is a function, for
which FastAPI takes a thread of its pool, and the texts compete.
"""

import argparse

import fastapi
import pydantic
import torch
import transformers
import uvicorn


class Request(pydantic.BaseModel):
    inputs: str


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("bundle")
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--pool", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    tokenizer = transformers.AutoTokenizer.from_pretrained(arguments.bundle, trust_remote_code=True)
    model = transformers.AutoModelForSequenceClassification.from_pretrained(
        arguments.bundle, trust_remote_code=True
    )
    model.eval()
    labels = model.config.id2label
    app = fastapi.FastAPI()

    def answer(request: Request):
        tokens = tokenizer(request.inputs, truncation=True, return_tensors="pt")
        with torch.inference_mode():
            scores = torch.softmax(model(**tokens).logits[0], dim=-1).tolist()
        ranked = sorted(enumerate(scores), key=lambda pair: -pair[1])
        return [{"score": score, "label": labels[number]} for number, score in ranked]

    async def answer_in_turn(request: Request):
        return answer(request)

    @app.get("/health")
    async def health():
        return {}

    app.post("/predict")(answer if arguments.pool else answer_in_turn)
    uvicorn.run(app, host="127.0.0.1", port=arguments.port, log_level="warning")


main()
