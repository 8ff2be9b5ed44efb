"""botocore against a server that answers as AWS does, with botocore's own retries off."""

import json

import botocore.config
import botocore.exceptions
import botocore.session
import pytest
from server import Server, answer, closed_port

import undaunted
from undaunted import Policy

POLICY = Policy(attempts=3, jitter="none")
SESSION = botocore.session.Session()


def client_of(service, url):
    config = botocore.config.Config(retries={"total_max_attempts": 1}, read_timeout=0.1, connect_timeout=5, s3={"addressing_style": "path"})
    where = {"endpoint_url": url, "region_name": "us-east-1", "aws_access_key_id": "a", "aws_secret_access_key": "b"}
    return SESSION.create_client(service, config=config, **where)


def put_item(url, policy=POLICY):
    client = client_of("dynamodb", url)
    return policy(lambda: client.put_item(TableName="t", Item={"a": {"S": "b"}}))()


def get_object(url, policy=POLICY):
    client = client_of("s3", url)
    return policy(lambda: client.get_object(Bucket="bucket", Key="key")["Body"].read())()


def dynamodb(status, code, **headers):
    return answer(status, json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "m"}).encode(), **headers)


def s3(status, code, **headers):
    return answer(status, f"<?xml version='1.0'?><Error><Code>{code}</Code><Message>m</Message></Error>".encode(), **headers)


@pytest.mark.parametrize(
    ("call", "failure", "seen"),
    [
        (put_item, dynamodb(400, "ThrottlingException"), ("throttle", "rejected", "aws ThrottlingException")),
        (put_item, dynamodb(400, "RequestLimitExceeded"), ("throttle", "rejected", "aws RequestLimitExceeded")),
        (put_item, dynamodb(500, "InternalServerError"), ("transient", "maybe", "http 500")),
        (get_object, s3(503, "SlowDown"), ("throttle", "rejected", "aws SlowDown")),
        (get_object, s3(400, "RequestTimeout"), ("timeout", "maybe", "aws RequestTimeout")),
        (get_object, s3(500, "InternalError"), ("transient", "maybe", "http 500")),
        (put_item, answer(502, b"<html>a proxy's</html>"), ("transient", "maybe", "http 502")),
        (put_item, "close", ("transient", "maybe", "os ECONNRESET")),
        (put_item, "reset", ("transient", "maybe", "os ECONNRESET")),
        (put_item, "cut", ("transient", "maybe", "os ECONNRESET")),
        (get_object, "truncate", ("transient", "maybe", "os UNEXPECTED_EOF")),
        (get_object, "cut", ("transient", "maybe", "os ECONNRESET")),
        (put_item, "hang", ("timeout", "maybe", "os ETIMEDOUT")),
    ],
)
def test_what_is_retried(call, failure, seen):
    success = answer(200, b"{}")
    with undaunted.testing(), Server([failure, success]) as server:
        assert call(server.url) is not None
    assert 2 == len(server.requests)
    with undaunted.testing(), Server([failure]) as server, pytest.raises(Exception) as caught:
        call(server.url)
    history = undaunted.history(caught.value)
    assert [seen] * 3 == [(attempt.class_, attempt.sent, attempt.code) for attempt in history]
    assert (3, "attempts") == (len(server.requests), history.reason)
    with undaunted.testing(), Server([failure]) as server, pytest.raises(Exception) as caught:
        call(server.url, POLICY.replace(idempotent=False))
    assert (1 if seen[1] == "maybe" else 3) == len(server.requests)


@pytest.mark.parametrize(
    ("call", "failure", "code"),
    [
        (get_object, s3(400, "ExpiredToken"), "ExpiredToken"),
        (put_item, dynamodb(400, "ExpiredTokenException"), "ExpiredTokenException"),
        (put_item, dynamodb(400, "ConditionalCheckFailedException"), "ConditionalCheckFailedException"),
        (get_object, s3(404, "NoSuchKey"), "NoSuchKey"),
        (get_object, s3(403, "SignatureDoesNotMatch"), "SignatureDoesNotMatch"),
    ],
)
def test_what_repeating_cannot_help_is_not_retried(call, failure, code):
    with undaunted.testing(), Server([failure]) as server, pytest.raises(botocore.exceptions.ClientError) as caught:
        call(server.url)
    assert (1, "permanent", code) == (len(server.requests), undaunted.history(caught.value).reason, caught.value.response["Error"]["Code"])


def test_a_wait_that_the_service_asks_for_is_kept():
    with undaunted.testing() as t, Server([s3(503, "SlowDown", Retry_After="7"), answer(200, b"yes")]) as server:
        assert b"yes" == get_object(server.url)
    assert [7.0] == t.waits


def test_an_endpoint_that_is_not_there_is_tried_again_whatever_was_to_be_sent():
    with undaunted.testing(), pytest.raises(botocore.exceptions.EndpointConnectionError) as caught:
        put_item(f"http://127.0.0.1:{closed_port()}", POLICY.replace(idempotent=False))
    assert [("connect", "not_sent", "os ECONNREFUSED")] * 3 == [(a.class_, a.sent, a.code) for a in undaunted.history(caught.value)]
