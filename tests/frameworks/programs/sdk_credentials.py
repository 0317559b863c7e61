"""Ask with a key in each of the places where SDKs put one; the keys are made up here.

No variable holds a key, so that each is known by its place alone. They are written to `keys.json`.
Prints how many answers came.
"""

import json
import os
import pathlib
import random
import string

import anthropic
import boto3
import cohere
import httpx
import openai
from google import genai

BASE_URL = os.environ["BASE_URL"]
HELLO = [{"role": "user", "content": "Hello."}]
CONTENTS = {"contents": [{"role": "user", "parts": [{"text": "Hello."}]}]}
CONVERSE = {"messages": [{"role": "user", "content": [{"text": "Hello."}]}]}
MODEL = "us.amazon.nova-micro-v1:0"


def key(name, size=40):
    """Make a key up: the same in each run, and unlike a word."""
    return "".join(random.Random(name).choices(string.ascii_letters + string.digits, k=size))


KEYS = {
    "bearer": key("bearer"),
    "azure": key("azure"),
    "x-api-key": key("x-api-key"),
    "google header": key("google header"),
    "google query": key("google query"),
    "cohere": key("cohere"),
    "access key": "AKIA" + key("access key", 16).upper(),
    "secret": key("secret"),
    "session token": key("session token", 120),
}


def in_headers():
    yield openai.OpenAI(api_key=KEYS["bearer"]).chat.completions.create(model="m", messages=HELLO)
    azure = openai.AzureOpenAI(
        api_key=KEYS["azure"], azure_endpoint=BASE_URL, base_url=None, api_version="2026-01-01"
    )
    yield azure.chat.completions.create(model="m", messages=HELLO)
    claude = anthropic.Anthropic(api_key=KEYS["x-api-key"])
    yield claude.messages.create(model="m", max_tokens=9, messages=HELLO)
    google = genai.Client(api_key=KEYS["google header"], http_options={"base_url": BASE_URL})
    yield google.models.generate_content(model="m", contents="Hello.")
    yield cohere.ClientV2(api_key=KEYS["cohere"]).chat(model="m", messages=HELLO)


def in_addresses():
    url = f"{BASE_URL}/v1beta/models/m:generateContent"
    yield httpx.post(url, params={"key": KEYS["google query"]}, json=CONTENTS).json()


def signed():
    client = boto3.client(
        "bedrock-runtime",
        aws_access_key_id=KEYS["access key"],
        aws_secret_access_key=KEYS["secret"],
        aws_session_token=KEYS["session token"],
    )
    yield client.converse(modelId=MODEL, **CONVERSE)
    # The same in the address: X-Amz-Credential, X-Amz-Security-Token, X-Amz-Signature.
    url = client.generate_presigned_url("converse", Params={"modelId": MODEL, **CONVERSE})
    yield httpx.post(url, json=CONVERSE).json()


def main():
    for name in [name for name in os.environ if name.endswith(("_KEY", "_KEY_ID", "_TOKEN"))]:
        del os.environ[name]
    pathlib.Path("keys.json").write_text(json.dumps(KEYS))
    answers = [*in_headers(), *in_addresses(), *signed()]
    print(len(answers), "answers")


if __name__ == "__main__":
    main()
