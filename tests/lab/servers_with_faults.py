"""The servers of the lab that misbehave: HTTP on port 8080, names on port 53, echo of datagrams on port 7.

`servers_with_faults.py FILE SCALE` says `ready`; told `{"heal": RUN}`, the faults of that run which last for a while are over.
A lane's address says its fault, as faults.py has them. Packets to lanes that refuse or have no route are the kernel's to answer.
"""

import asyncio
import json
import socket
import struct
import sys
from collections import Counter
from email.utils import formatdate
from pathlib import Path

from dnslib import A, QTYPE, RCODE, RR, DNSRecord

from faults import BAD_REQUESTS, RETRY_AFTER, SLOW, of_lane

BODY = Path(sys.argv[1]).read_bytes()
SCALE = float(sys.argv[2])
# HTTP knows no shorter one.
WHOLE_SECOND = 1

healed: set[int] = set()
asked: Counter[tuple[int, int]] = Counter()
asked_names: Counter[tuple[int, int]] = Counter()
resolved: dict[tuple[int, int], bool] = {}
echoed: dict[tuple[int, int], list[int]] = {}


def answer(status: str, body: bytes, *headers: str) -> bytes:
    always = [f"Date: {formatdate(usegmt=True)}", f"Content-Length: {len(body)}", "Connection: close"]
    return "\r\n".join([f"HTTP/1.1 {status}", *always, *headers, "", ""]).encode() + body


async def good(writer: asyncio.StreamWriter) -> None:
    writer.write(answer("200 OK", BODY, "Content-Type: application/json"))


async def reset(writer: asyncio.StreamWriter) -> None:
    """RST in the middle of the body."""
    writer.write(answer("200 OK", BODY)[: len(BODY) // 2])
    await writer.drain()
    writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


async def stall(writer: asyncio.StreamWriter, reader: asyncio.StreamReader) -> None:
    """Half of the body, and then nothing until the other side has had enough."""
    writer.write(answer("200 OK", BODY)[: len(BODY) // 2])
    await reader.read()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    run, lane = map(int, writer.get_extra_info("sockname")[0].split(".")[2:])
    try:
        await reader.readuntil(b"\r\n\r\n")
        number = asked[run, lane]
        asked[run, lane] += 1
        fault = of_lane(lane)
        if fault == "busy" and run not in healed:
            writer.write(answer("503 Service Unavailable", b"starting", f"Retry-After: {max(WHOLE_SECOND, round(RETRY_AFTER * SCALE))}"))
        elif fault == "slow start" and number < len(SLOW):
            await asyncio.wait([asyncio.ensure_future(reader.read())], timeout=SLOW[number] * SCALE)
            await good(writer)
        elif fault == "reset" and number < BAD_REQUESTS:
            await reset(writer)
        elif fault == "stall" and number < BAD_REQUESTS:
            await stall(writer, reader)
        elif fault == "wrong content" and number < BAD_REQUESTS:
            writer.write(answer("200 OK", BODY[: len(BODY) // 2], "Content-Type: application/json"))
        else:
            await good(writer)
        await writer.drain()
    except (ConnectionError, asyncio.IncompleteReadError):
        pass
    finally:
        writer.close()


class Names(asyncio.DatagramProtocol):
    """lane-L.run-R.test is 10.77.R.L; until the run is healed the server says that it cannot tell.

    A resolver asks two questions at once, A and then AAAA. Healed between them, a server would say of a name that it could not
    look up that it has no address, for good, which no client should repeat: so the second is answered as the first was.
    """

    def connection_made(self, transport: asyncio.DatagramTransport) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, address: tuple[str, int]) -> None:
        question = DNSRecord.parse(data)
        reply = question.reply()
        lane, run = (int(label.rsplit("-")[-1]) for label in str(question.q.qname).split(".")[:2])
        if question.q.qtype == QTYPE.A:
            asked_names[run, lane] += 1
            resolved[run, lane] = run in healed
        if not resolved.get((run, lane), run in healed):
            reply.header.rcode = RCODE.SERVFAIL
        elif question.q.qtype == QTYPE.A:
            reply.add_answer(RR(question.q.qname, QTYPE.A, rdata=A(f"10.77.{run}.{lane}"), ttl=0))
        self._transport.sendto(reply.pack(), address)


# Of Linux; Python names it from 3.14 on.
IP_PKTINFO = 8


def echo(loop: asyncio.AbstractEventLoop) -> None:
    """Sends datagrams back from the address that they came to, and remembers their numbers."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)
    server.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    server.setblocking(False)
    server.bind(("0.0.0.0", 7))

    def receive() -> None:
        data, information, _, address = server.recvmsg(64, 128)
        ((_, _, packet),) = information
        to = packet[8:12]
        echoed.setdefault((to[2], to[3]), []).append(int(data))
        server.sendmsg([data], [(socket.IPPROTO_IP, IP_PKTINFO, struct.pack("=I", 0) + to + b"\0" * 4)], 0, address)

    loop.add_reader(server, receive)


def obey(told: dict) -> dict:
    if "heal" in told:
        healed.add(told["heal"])
        return {}
    if "names" in told:
        return {lane: count for (run, lane), count in asked_names.items() if run == told["names"]}
    run, lane = told["echoed"]
    return {"numbers": echoed.pop((run, lane), [])}


async def main() -> None:
    loop = asyncio.get_running_loop()
    http = await asyncio.start_server(serve, "0.0.0.0", 8080, backlog=4096)
    await loop.create_datagram_endpoint(Names, ("0.0.0.0", 53))
    echo(loop)
    print("ready", flush=True)
    async with http:
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            print(json.dumps(obey(json.loads(line))), flush=True)


asyncio.run(main())
