"""Use AWS clients as programs do.

`python -m tests.programs.family_aws`, with a `StorageServer` at BASE_URL.
"""

import io
import os

import botocore.config
import botocore.session
from botocore.exceptions import BotoCoreError, ClientError

URL = os.environ["BASE_URL"]


def client(service, **options):
    return botocore.session.Session().create_client(
        service,
        region_name="us-east-1",
        endpoint_url=URL,
        aws_access_key_id="AKIDEXAMPLE",
        aws_secret_access_key="not-a-secret",
        config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=20, **options),
    )


def told(call):
    try:
        return call()
    except (ClientError, BotoCoreError) as error:
        return type(error).__name__, str(error)


def main():
    s3 = client("s3", s3={"addressing_style": "path"})
    put = s3.put_object
    print(told(lambda: put(Bucket="bucket", Key="a", Body=b"bytes")["ETag"]))
    print(told(lambda: put(Bucket="bucket", Key="b", Body=io.BytesIO(b"f" * 100_000))["ETag"]))
    print(told(lambda: put(Bucket="bucket", Key="refused", Body=b"never sent")))
    print(told(lambda: put(Bucket="bucket", Key="silent", Body=b"sent at last")["ETag"]))
    print(told(s3.get_object(Bucket="bucket", Key="a")["Body"].read))
    pieces = s3.get_object(Bucket="bucket", Key="b")["Body"].iter_chunks(30_000)
    print([len(piece) for piece in pieces])
    print(told(lambda: s3.get_object(Bucket="bucket", Key="none")))
    bedrock = client("bedrock-runtime")
    answer = bedrock.invoke_model_with_response_stream(modelId="m", body=b"{}")
    print([event["chunk"]["bytes"] for event in answer["body"]])
    answer = bedrock.invoke_model_with_response_stream(modelId="m", body=b"{}")
    print(next(iter(answer["body"])))
    answer["body"].close()


if __name__ == "__main__":
    main()
