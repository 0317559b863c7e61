"""gRPC calls of every shape: `grpc_calls.py CASE ADDRESS`."""

import asyncio
import os
import sys

import grpc

sys.path.insert(0, os.environ.get("REPOSITORY", ""))


def blocking(address):
    with grpc.insecure_channel(address) as channel:
        say = channel.unary_unary("/demo.Echo/Say")
        print(say(b"one"), say.with_call(b"two")[0], say.future(b"three").result(), flush=True)
        print(list(channel.unary_stream("/demo.Echo/Many")(b"one")))
        print(channel.stream_unary("/demo.Echo/Join")(iter([b"one", b"two"])))
        print(channel.stream_unary("/demo.Echo/Join").with_call(iter([b"one"]))[0])
        print(list(channel.stream_stream("/demo.Echo/Chat")(iter([b"one", b"two"]))))


async def awaited(address):
    async with grpc.aio.insecure_channel(address) as channel:
        print(await channel.unary_unary("/demo.Echo/Say")(b"one"), flush=True)
        print([one async for one in channel.unary_stream("/demo.Echo/Many")(b"one")])
        print(await channel.stream_unary("/demo.Echo/Join")(iter([b"one", b"two"])))
        print([one async for one in channel.stream_stream("/demo.Echo/Chat")(iter([b"one"]))])


def only_a_channel(address):
    """Making a channel, and asking whether it is up, says nothing to anybody."""
    with grpc.insecure_channel(address) as channel:
        channel.unary_unary("/demo.Echo/Say")
        print("made")


def of_its_own(_):
    from tests.support.grpc_server import EchoServer

    with EchoServer() as server:
        blocking(server.address)


def telemetry(address):
    """As the OTLP exporter does: a failure is looked at, and the program goes on."""
    with grpc.insecure_channel(address) as channel:
        try:
            export = channel.unary_unary("/opentelemetry.proto.collector.trace.v1/Export")
            export(b"spans", timeout=5)
        except grpc.RpcError as error:
            print(error.code().name, dict(error.trailing_metadata()))


async def telemetry_awaited(address):
    async with grpc.aio.insecure_channel(address) as channel:
        try:
            await channel.unary_unary("/opentelemetry.proto.collector.trace.v1/Export")(b"spans")
        except grpc.aio.AioRpcError as error:
            print(error.code().name)


if __name__ == "__main__":
    case = globals()[sys.argv[1]]
    if asyncio.iscoroutinefunction(case):
        asyncio.run(case(sys.argv[2]))
    else:
        case(sys.argv[2])
