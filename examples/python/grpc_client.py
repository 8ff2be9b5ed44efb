"""A gRPC client: `python grpc_client.py` starts a server in this process that is unavailable at first, and calls it.

Look at the channel's option: gRPC retries by itself, and only one place should. Look at `deadline`: what is left of the policy's `timeout`
goes along as the call's own, so that the server stops when the client does.
"""

from concurrent.futures import ThreadPoolExecutor

import grpc

import undaunted

POLICY = undaunted.Policy(attempts=4, timeout="5s", initial="20ms", name="greeter")


def greet(channel: grpc.Channel, name: bytes) -> bytes:
    hello = channel.unary_unary("/greeter/hello")
    for attempt in undaunted.retry_context(POLICY):
        with attempt:
            answer = hello(name, timeout=attempt.remaining)
    return answer


class Greeter(grpc.GenericRpcHandler):
    """Unavailable twice, busy once and says for how long, then kind; never to nobody."""

    def __init__(self) -> None:
        self.failures = [
            (grpc.StatusCode.UNAVAILABLE, ()),
            (grpc.StatusCode.UNAVAILABLE, ()),
            (grpc.StatusCode.UNAVAILABLE, (("grpc-retry-pushback-ms", "30"),)),
        ]

    def service(self, details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler:
        return grpc.unary_unary_rpc_method_handler(self.hello)

    def hello(self, name: bytes, context: grpc.ServicerContext) -> bytes:
        if self.failures:
            code, metadata = self.failures.pop(0)
            context.set_trailing_metadata(metadata)
            context.abort(code, "not now")
        if not name:
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, "nobody")
        return b"hello " + name


def main() -> None:
    server = grpc.server(ThreadPoolExecutor(2), handlers=[Greeter()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    with grpc.insecure_channel(f"127.0.0.1:{port}", options=[("grpc.enable_retries", 0)]) as channel:
        print(greet(channel, b"Ada"))  # b'hello Ada'
        try:
            greet(channel, b"")
        except grpc.RpcError as error:
            print(undaunted.history(error)[0].code, undaunted.history(error).reason)  # grpc 3 permanent
    server.stop(None).wait()


if __name__ == "__main__":
    main()
