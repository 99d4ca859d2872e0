"""Python and DVC that have their libraries in memory: what a pipeline's many short processes spend most time on.

python benchmarks/warm_python.py dvc repro    (run a command; on Linux the stages that it starts share their imports)

A server imports the libraries when it is first asked, and forks for each command. The commands `python` and `dvc` of
`commands` are clients that hand it their arguments, folder, environment and open files, and wait for its exit code.
What belongs to the pipeline itself, `xmlcore` and `stages`, is imported anew in each process. Other commands than these
two, and `python` with anything but a stage, are run as they are.
"""

import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path

LIBRARIES = (
    "torch",
    "torch._dynamo",  # Adam asks for it
    "torch.optim.swa_utils",
    "safetensors.torch",
    "accelerate",
    "pydantic",
    "ruamel.yaml",
    "rich.progress",
    "typer",
    "jinja2",
    "requests",
    "sklearn.decomposition",
    "sklearn.feature_extraction.text",
    "sklearn.linear_model",
    "scipy.stats",
    "lime.lime_base",
    "shap",
    "captum.attr",
    "matplotlib.figure",
    "transformers",
    "transformers.models.bert.modeling_bert",
    "tokenizers",
    "dvclive",
    "dvc.cli",
    "dvc.commands.repro",
    "dvc.repo.reproduce",
    "dvc.repo.experiments.run",
)
SERVE = "--serve"  # the server, until its standard input is closed
NOTES = "IMPORTS_ARE_NOTED_IN"  # the environment variable of a folder
CLIENT = f"""#!{sys.executable} -IS
import json, os, signal, socket, sys
signal.signal(signal.SIGINT, signal.SIG_DFL)  # what it stands for is interrupted by itself
served = os.path.basename(sys.argv[0]) == "dvc" or sys.argv[1:2] and sys.argv[1].startswith("stages/")
if not served:
    os.execv({sys.executable!r}, [{sys.executable!r}, *sys.argv[1:]])
request = {{"argv": sys.argv, "folder": os.getcwd(), "environment": dict(os.environ)}}
content = json.dumps(request).encode()
with socket.socket(socket.AF_UNIX) as server:
    server.connect(os.path.join(os.path.dirname(os.path.abspath(sys.argv[0])), "socket"))
    socket.send_fds(server, [len(content).to_bytes(8, "big")], [0, 1, 2])
    server.sendall(content)
    answer = server.recv(1)
sys.exit(answer[0] if answer else 1)
"""


@contextmanager
def commands(folder: Path, names: Sequence[str] = ("python", "dvc")) -> Iterator[Path]:
    """Write the clients `names` into `folder`, which is yielded as an entry of PATH while their server runs."""
    for name in names:
        (folder / name).write_text(CLIENT)
        (folder / name).chmod(0o755)
    command = [sys.executable, __file__, SERVE, str(folder / "socket")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as server:
        assert server.stdin and server.stdout
        if not server.stdout.readline():  # that it listens
            raise RuntimeError(f"{__file__}: the server did not start")
        yield folder
        server.stdin.close()


def serve(place: str) -> None:
    """Answer the clients at the socket `place`; an interruption is for what they run."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(place)
        listening.listen()
        print("listening", flush=True)
        while True:
            ready, _, _ = select.select([listening, sys.stdin], [], [])
            if sys.stdin in ready:
                return
            client, _ = listening.accept()
            _import_libraries()
            if os.fork() == 0:
                listening.close()
                _answer(client)
            client.close()


@cache
def _import_libraries() -> None:
    os.environ["NUMBA_DISABLE_JIT"] = "1"  # as xmlcore.explain.methods.shap imports shap
    for name in LIBRARIES:
        importlib.import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # no zombies


def _answer(client: socket.socket) -> None:
    size, files, _, _ = socket.recv_fds(client, 8, 3)
    with client.makefile("rb") as content:
        request = json.loads(content.read(int.from_bytes(size, "big")))
    for number, file in enumerate(files):
        os.dup2(file, number)
        os.close(file)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    threading.Thread(target=_end_with, args=[client], daemon=True).start()
    code = _run(request["argv"], request["folder"], request["environment"])
    sys.stdout.flush()
    sys.stderr.flush()
    client.sendall(bytes([code & 255]))
    os._exit(0)


def _end_with(client: socket.socket) -> None:
    """End this process when its client was killed, as it would have been."""
    client.recv(1)
    os._exit(1)


def _run(argv: list[str], folder: str, environment: dict[str, str]) -> int:
    """Run a command as Python would, and return its exit code."""
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    path = [entry for entry in environment.get("PYTHONPATH", "").split(os.pathsep) if entry]
    try:
        if Path(argv[0]).name == "dvc":
            from dvc.cli import main

            sys.path[:0], sys.argv = path, argv
            return main(argv[1:])
        script = Path(argv[1]).resolve()
        sys.path[0], sys.argv = str(script.parent), argv[1:]
        sys.path[1:1] = path
        try:
            runpy.run_path(str(script), run_name="__main__")
        finally:
            if notes := environment.get(NOTES):
                _note_imports(script, Path(notes))
    except SystemExit as stopped:
        return stopped.code if isinstance(stopped.code, int) else int(stopped.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    return 0


def _note_imports(script: Path, folder: Path) -> None:
    """Add the files of xmlcore that are imported now to `folder`/STAGE.txt, a line each."""
    files = (module.__file__ for name, module in sys.modules.items() if name.split(".")[0] == "xmlcore")
    folder.mkdir(exist_ok=True)
    with (folder / f"{script.stem}.txt").open("a") as notes:
        notes.writelines(f"{file}\n" for file in files if file)


def main(command: list[str]) -> int:
    """Run `command` with the clients before all else in PATH, and return its exit code."""
    if sys.platform != "linux":  # elsewhere libraries do not bear a fork
        return subprocess.run(command).returncode
    with tempfile.TemporaryDirectory() as folder, commands(Path(folder), ["python"]):
        path = os.pathsep.join([folder, os.environ["PATH"]])
        try:
            return subprocess.run(command, env=os.environ | {"PATH": path}).returncode
        except KeyboardInterrupt:
            return 128 + signal.SIGINT


if __name__ == "__main__":
    if sys.argv[1] == SERVE:
        serve(sys.argv[2])
    else:
        sys.exit(main(sys.argv[1:]))
