"""A short conversation with a tool on Bedrock through boto3: `sdk_boto3.py [sync] [threads]`.

The provider is at AWS_ENDPOINT_URL_BEDROCK_RUNTIME; requests are signed with the keys of the
environment. boto3 has no async half: programs put it in threads. Prints what came back.
"""

import json
import sys
from concurrent.futures import ThreadPoolExecutor

import boto3

MODEL = "us.amazon.nova-micro-v1:0"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"toolSpec": {"name": "weather", "inputSchema": {"json": SCHEMA}}}
ASKED = {
    "modelId": MODEL,
    "system": [{"text": "Be brief."}],
    "toolConfig": {"tools": [WEATHER]},
}


def question(part):
    return [{"role": "user", "content": [{"text": f"What is the weather like, asks {part}?"}]}]


def with_results(messages, message):
    """Answer the calls of a message."""
    uses = [block["toolUse"] for block in message["content"] if "toolUse" in block]
    results = [
        {"toolResult": {"toolUseId": use["toolUseId"], "content": [{"json": {"sky": "rain"}}]}}
        for use in uses
    ]
    return [*messages, message, {"role": "user", "content": results or [{"text": "Go on."}]}]


def told(part, answer):
    metadata = answer.pop("ResponseMetadata")
    print(
        part, metadata.get("RequestId"), metadata["HTTPStatusCode"], json.dumps(answer, default=str)
    )


def conversation(client, part):
    messages = question(part)
    first = client.converse(messages=messages, **ASKED)
    lines = [(part, dict(first))]
    messages = with_results(messages, first["output"]["message"])
    answer = client.converse_stream(messages=messages, **ASKED)
    lines.append((part, {**answer, "stream": list(answer["stream"])}))
    return lines


def main():
    parts = sys.argv[1:] or ["sync", "threads"]
    client = boto3.client("bedrock-runtime")
    if "sync" in parts:
        for line in conversation(client, "sync"):
            told(*line)
    if "threads" in parts:
        with ThreadPoolExecutor(3) as pool:
            names = [f"thread {number}" for number in range(3)]
            for lines in pool.map(lambda name: conversation(client, name), names):
                for line in lines:
                    told(*line)


if __name__ == "__main__":
    main()
