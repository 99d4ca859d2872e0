"""The page under load: `python benchmarks/serving_load.py models/CORPUS/MODEL/REGIME/LOSS`.

Starts `xmlcore serve` there. Many clients ask for labels at once, as other programs do, and none may be lost; then come
hostile and malformed requests, none of which may be answered by a traceback or by a script. Prints latencies and the
memory of the server before and after.
"""

import json
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Annotated

import numpy as np
import requests
import typer

from xmlcore.common.cli import console, run

TEXT = "wheat exports fell as the corn harvest beat all records and the tanker left the harbour " * 9  # 144 words
MARK = "<script>alert(1)</script>"
SIGNS_OF_A_TRACEBACK = ("Traceback (most recent call last)", 'File "/', "site-packages")


def main(
    model: Path,
    asked: Annotated[int, typer.Option(help="Requests for labels.")] = 1000,
    clients: Annotated[int, typer.Option(help="That ask at once.")] = 20,
    hostile: Annotated[int, typer.Option(help="Requests that are hostile or malformed.")] = 10_000,
) -> None:
    """Ask the page of MODEL for labels, then for what it must refuse."""
    with _served(model) as (server, address), ThreadPoolExecutor(clients) as pool:
        _labels(address, 0)
        before = _memory(server)
        began = time.perf_counter()
        taken = [*pool.map(lambda number: _labels(address, number), range(asked))]
        seconds, between = time.perf_counter() - began, _memory(server)
        lost = sum(each is None for each in taken)
        milliseconds = np.percentile([1000 * each for each in taken if each is not None], [50, 99])
        console.print(f"{asked} requests by {clients} clients: {lost} lost, {asked / seconds:.0f} a second")
        console.print(f"median {milliseconds[0]:.0f} ms, 99th percentile {milliseconds[1]:.0f} ms")
        statuses = Counter(pool.map(lambda number: _hostile(address, number), range(hostile)))
        after = _memory(server)
        console.print(f"{hostile} hostile requests, by status: {dict(sorted(statuses.items()))}")
        console.print(f"memory of the server, MiB: {before:.0f}, after the load {between:.0f}, at the end {after:.0f}")
        if lost or statuses["bad"] or _labels(address, 0) is None:
            raise SystemExit(1)


@contextmanager
def _served(model: Path) -> Iterator[tuple[subprocess.Popen, str]]:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    command = [str(Path(sys.executable).with_name("xmlcore")), "serve", str(model), "--port", str(port)]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as server:
        try:
            address = f"http://127.0.0.1:{port}"
            while _status(address) != 200:
                if server.poll() is not None:
                    raise SystemExit(f"the server has ended: {' '.join(command)}")
                time.sleep(0.1)
            yield server, address
        finally:
            server.terminate()


def _status(address: str) -> int | None:
    try:
        return requests.get(address, timeout=5).status_code
    except requests.ConnectionError:
        return None


def _labels(address: str, number: int) -> float | None:
    """Return the seconds until the labels of a text were there, None where they were lost."""
    began = time.perf_counter()
    place = f"{address}/gradio_api/call/predict"
    try:
        event = requests.post(place, json={"data": [f"{TEXT} {number}", 5]}, timeout=60).json()["event_id"]
        told = requests.get(f"{place}/{event}", timeout=60).text
    except (requests.RequestException, ValueError, KeyError):
        return None
    return time.perf_counter() - began if "event: complete" in told else None


def _hostile(address: str, number: int) -> str:
    """Send one request of those below, and return its status, or `bad` for what must not be answered."""
    rng = Random(number)
    send = rng.choice([_body, _values, _path, _headers, _method])
    try:
        response = send(address, rng)
        told = response.text
        if response.ok and "event_id" in told:
            told += requests.get(f"{response.url}/{response.json()['event_id']}", timeout=60).text
    except requests.RequestException as error:
        return type(error).__name__
    html = "text/html" in response.headers.get("content-type", "")
    bad = any(sign in told for sign in SIGNS_OF_A_TRACEBACK) or (html and MARK in told)
    return "bad" if bad else str(response.status_code)


def _body(address: str, rng: Random) -> requests.Response:
    bodies: list[Callable[[], bytes]] = [
        lambda: rng.randbytes(rng.randrange(2000)),
        lambda: b"[" * rng.randrange(20_000),
        lambda: b'{"data": [' + b'"x",' * rng.randrange(5000),
        lambda: b"x" * 400_000,
        lambda: b'{"data": [1e999, NaN, "\\ud800"]}',
        lambda: b'{"data": {"text": null}, "fn_index": -1, "session_hash": 7}',
    ]
    name = rng.choice(["call/predict", "call/explain", "call/attack", "call/nothing", "queue/join", "call/v2/predict"])
    kind = rng.choice(["application/json", "text/plain", "multipart/form-data", ""])
    headers = {"content-type": kind}
    return requests.post(f"{address}/gradio_api/{name}", data=rng.choice(bodies)(), headers=headers, timeout=60)


def _values(address: str, rng: Random) -> requests.Response:
    odd = [None, -1, 10**30, 0.5, True, [], {}, "", MARK, "\u202e\u0000", "x" * 5000, ["lime"], {"a": MARK}]
    data = [rng.choice([*odd, "corn"]) for _ in range(rng.randrange(7))]
    name = rng.choice(["predict", "explain", "attack"])
    return requests.post(f"{address}/gradio_api/call/{name}", data=json.dumps({"data": data}), timeout=60)


def _path(address: str, rng: Random) -> requests.Response:
    paths = ["file=/etc/passwd", "file=../../etc/passwd", "upload", "proxy=http://127.0.0.1:22", f"call/{MARK}"]
    paths += ["../../etc/passwd", "%2e%2e/%2e%2e/etc/passwd", "queue/data?session_hash=" + MARK, "heartbeat/" + MARK]
    prefix = rng.choice(["/gradio_api/", "/", "/static/", "/assets/"])
    return requests.get(address + prefix + rng.choice(paths), timeout=5, stream=True)


def _headers(address: str, rng: Random) -> requests.Response:
    odd = {"host": "evil.example", "content-length": "99", "cookie": MARK, "accept": MARK, "range": "bytes=9-1"}
    odd |= {"x-forwarded-host": "evil.example", "origin": "http://evil.example", "content-type": MARK}
    chosen = {name: odd[name] for name in rng.sample([*odd], rng.randrange(1, 4)) if name != "content-length"}
    return requests.get(address, headers=chosen, timeout=5)


def _method(address: str, rng: Random) -> requests.Response:
    return requests.request(
        rng.choice(["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "POST", MARK[1:7]]), address, timeout=5
    )


def _memory(server: subprocess.Popen) -> float:
    """Return the resident memory of `server`, MiB (Linux)."""
    status = Path(f"/proc/{server.pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS")) / 1024


if __name__ == "__main__":
    run(main)
