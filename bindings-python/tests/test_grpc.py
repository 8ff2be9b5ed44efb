"""grpcio, synchronous and under asyncio, against a real server in this process."""

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio
import pytest
from server import closed_port

import undaunted
from undaunted import Policy

POLICY = Policy(attempts=3, jitter="none")
# Channels without the retries that gRPC makes by itself: one place retries.
CHANNEL = [("grpc.enable_retries", 0)]
# A google.rpc.Status with a google.rpc.RetryInfo of 3.5 s, as a server of Google's sends it.
DURATION = b"\x08\x03\x10\x80\xca\xb5\xee\x01"
RETRY_INFO = b"\x08\x08\x1a\x36\x0a\x28type.googleapis.com/google.rpc.RetryInfo\x12\x0a\x0a\x08" + DURATION


class Service(grpc.GenericRpcHandler):
    """Answers from a list, used up in turn, the last for ever: a status and its trailing metadata, or None for a success."""

    def __init__(self, answers):
        self.answers = list(answers)
        self.calls = 0

    def service(self, details):
        return grpc.unary_unary_rpc_method_handler(self.answer)

    def answer(self, request, context):
        self.calls += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if answer is None:
            return b"yes"
        code, metadata = answer
        context.set_trailing_metadata(metadata)
        context.abort(code, "no")


class Serving:
    def __init__(self, answers):
        self.service = Service(answers)
        self.server = grpc.server(ThreadPoolExecutor(2), handlers=[self.service])
        self.port = self.server.add_insecure_port("127.0.0.1:0")

    def __enter__(self):
        self.server.start()
        return self

    def __exit__(self, *error):
        self.server.stop(None).wait()


def by_grpc(port, policy, timeout=5):
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL) as channel:
        return policy(lambda: channel.unary_unary("/x/y")(b"", timeout=timeout))()


def by_asyncio(port, policy, timeout=5):
    async def main():
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=CHANNEL) as channel:

            @policy
            async def call():
                return await channel.unary_unary("/x/y")(b"", timeout=timeout)

            return await call()

    return asyncio.run(main())


@pytest.fixture(params=[by_grpc, by_asyncio])
def call(request):
    return request.param


def test_a_service_that_is_unavailable_is_called_again(call):
    with undaunted.testing() as t, Serving([(grpc.StatusCode.UNAVAILABLE, ()), None]) as serving:
        assert b"yes" == call(serving.port, POLICY)
    assert (2, [1.0]) == (serving.service.calls, t.waits)


@pytest.mark.parametrize(
    ("metadata", "wait"),
    [((("grpc-retry-pushback-ms", "2500"),), 2.5), ((("grpc-status-details-bin", RETRY_INFO),), 3.5)],
    ids=["pushback", "RetryInfo"],
)
@pytest.mark.parametrize("code", [grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED])
def test_a_wait_that_the_service_asks_for_is_kept(call, code, metadata, wait):
    with undaunted.testing() as t, Serving([(code, metadata), None]) as serving:
        assert b"yes" == call(serving.port, POLICY)
    assert (2, [wait]) == (serving.service.calls, t.waits)


def test_a_pushback_that_says_no_is_a_no(call):
    with undaunted.testing(), Serving([(grpc.StatusCode.UNAVAILABLE, (("grpc-retry-pushback-ms", "-1"),))]) as serving:
        with pytest.raises(grpc.RpcError) as caught:
            call(serving.port, POLICY)
    assert (1, "permanent") == (serving.service.calls, undaunted.history(caught.value).reason)


@pytest.mark.parametrize(
    ("code", "policy", "seen"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, POLICY, ["permanent", "maybe", 1]),
        (grpc.StatusCode.RESOURCE_EXHAUSTED, POLICY, ["throttle", "rejected", 1]),
        (grpc.StatusCode.ABORTED, POLICY, ["conflict", "rejected", 3]),
        (grpc.StatusCode.UNAVAILABLE, POLICY, ["transient", "maybe", 3]),
        (grpc.StatusCode.UNAVAILABLE, POLICY.replace(idempotent=False), ["transient", "maybe", 1]),
        (grpc.StatusCode.INTERNAL, POLICY, ["transient", "maybe", 1]),
    ],
)
def test_the_status_decides(call, code, policy, seen):
    with undaunted.testing(), Serving([(code, ())]) as serving, pytest.raises(grpc.RpcError) as caught:
        call(serving.port, policy)
    last = undaunted.history(caught.value)[-1]
    assert seen == [last.class_, last.sent, serving.service.calls]
    assert f"grpc {code.value[0]}" == last.code


def test_a_deadline_that_is_exceeded_is_late(call):
    over = threading.Event()

    def hang(request, context):
        over.wait(5)
        return b""

    with undaunted.testing(), Serving([None]) as serving:
        serving.service.answer = hang
        with pytest.raises(grpc.RpcError) as caught:
            call(serving.port, POLICY.replace(attempts=2), timeout=0.05)
        over.set()
    assert [("timeout", "maybe", "grpc 4")] * 2 == [(a.class_, a.sent, a.code) for a in undaunted.history(caught.value)]


def test_a_server_that_is_not_there_is_called_again_whatever_was_to_be_sent(call):
    with undaunted.testing(), pytest.raises(grpc.RpcError) as caught:
        call(closed_port(), POLICY.replace(idempotent=False))
    assert [("connect", "not_sent")] * 3 == [(attempt.class_, attempt.sent) for attempt in undaunted.history(caught.value)]
