"""A server that speaks S3 (moto), on this machine, with a bucket in it."""

from collections.abc import Iterator
from contextlib import contextmanager

import boto3
from moto.server import ThreadedMotoServer

NAME = "bucket"
KEYS = {
    "AWS_ACCESS_KEY_ID": "key",
    "AWS_SECRET_ACCESS_KEY": "secret",
    "AWS_EC2_METADATA_DISABLED": "true",
}


@contextmanager
def s3_server(port: int = 0) -> Iterator[str]:
    """Give the options that a URI of the bucket ends with; who uses it needs ``KEYS``.

    What is in the bucket outlives the server, as long as this process does.
    """
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=port, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="key",
        aws_secret_access_key="secret",  # noqa: S106
    ).create_bucket(Bucket=NAME)
    try:
        yield f"endpoint_override={host}:{port}&scheme=http"
    finally:
        server.stop()
