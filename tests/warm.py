"""Kernels and commands of the tests, forked from one process that has imported torch and the rest once.

A notebook or a command needs nine seconds of a core for its imports before it does anything; there are a hundred of
them in the tests. `python warm.py serve SOCKET PARENT` is that process, which ends when the process PARENT is gone;
`python -S warm.py kernel SOCKET CONNECTION_FILE` and `python -S warm.py command SOCKET ARGUMENT...` ask it for a copy
of itself, in their own folder, environment and terminal, start it if there is none yet, and end as it ends.
"""

import contextlib
import fcntl
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

PRELOADED = (
    "captum.attr", "ipykernel.kernelapp", "itables", "matplotlib.pyplot", "peft", "scipy.stats", "seaborn",
    "sentiment_kit.analysis", "sentiment_kit.commands.evaluate", "sentiment_kit.commands.probe",
    "sentiment_kit.commands.score", "sentiment_kit.commands.shares", "sentiment_kit.inference", "sentiment_kit.model",
    "sentiment_kit.report.tables", "sentiment_kit.training", "sklearn.linear_model", "transformers.trainer",
)  # fmt: skip


def serve(path, parent):
    """Answer each caller with a fork, as long as the tests run."""
    sys.path.pop(0)  # this file's folder, whose names are nobody's modules
    os.environ["MPLBACKEND"] = "module://matplotlib_inline.backend_inline"  # read when matplotlib is imported
    for name in PRELOADED:
        __import__(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(f"{path}.new")
    listening.listen(64)
    listening.settimeout(2)
    Path(f"{path}.new").rename(path)
    while Path(f"/proc/{parent}").exists():
        with contextlib.suppress(TimeoutError):
            caller, _ = listening.accept()
            caller.settimeout(None)
            message, descriptors, _, _ = socket.recv_fds(caller, 1 << 20, 3)
            if os.fork() == 0:
                listening.close()
                _become(caller, json.loads(message), descriptors)
            caller.close()
            for descriptor in descriptors:
                os.close(descriptor)


def _become(caller, asked, descriptors):
    """The copy: what was asked for, in the caller's place; it ends with the caller."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, descriptor in enumerate(descriptors):
        os.dup2(descriptor, number)
        os.close(descriptor)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    caller.sendall(f"{os.getpid()}\n".encode())
    threading.Thread(target=lambda: os._exit(1) if not caller.recv(1) else None, daemon=True).start()
    code = 1
    try:
        if asked["kind"] == "kernel":
            import pandas
            from ipykernel import kernelapp

            pandas.set_option("display.max_columns", 20)  # as where it is imported in a notebook
            sys.argv = ["ipykernel_launcher"]

            kernelapp.launch_new_instance(argv=["-f", *asked["arguments"]])
        else:
            import matplotlib

            from sentiment_kit import cli

            matplotlib.use("Agg")
            sys.argv = ["sentiment-kit", *asked["arguments"]]
            cli.main()
        code = 0
    except SystemExit as stop:
        code = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(Exception):
                stream.flush()
        with contextlib.suppress(OSError):
            caller.sendall(f"{code}\n".encode())
        os._exit(code)


def ask(kind, path, arguments):
    """Be the copy, to whoever started this process: pass on interrupts, end with its exit code."""
    server = _connected(path)
    environment = dict(os.environ)
    message = {"kind": kind, "arguments": arguments, "folder": str(Path.cwd()), "environment": environment}
    socket.send_fds(server, [json.dumps(message).encode()], [0, 1, 2])
    answers = server.makefile()
    pid = int(answers.readline())
    signal.signal(signal.SIGINT, lambda *_: os.kill(pid, signal.SIGINT))
    signal.signal(signal.SIGTERM, lambda *_: os.kill(pid, signal.SIGTERM))
    sys.exit(int(answers.readline() or 1))


def _connected(path):
    """A connection to the one process, started by whoever is first, in a session of its own: kernels are killed."""
    connection = socket.socket(socket.AF_UNIX)
    with Path(f"{path}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with contextlib.suppress(FileNotFoundError, ConnectionRefusedError):
            connection.connect(path)
            return connection
        Path(path).unlink(missing_ok=True)  # of one that was killed
        with Path(f"{path}.log").open("w") as log:
            command = [sys.executable, __file__, "serve", path, os.environ["SENTIMENT_KIT_TESTS"]]
            output = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
            started = subprocess.Popen(command, **output, cwd="/", start_new_session=True)
        while not Path(path).exists():
            if started.poll() is not None:
                sys.exit(f"the warm process did not start: see {path}.log")
            time.sleep(0.05)
    connection.connect(path)
    return connection


if __name__ == "__main__":
    kind, path, *arguments = sys.argv[1:]
    if kind == "serve":
        serve(path, *arguments)
    else:
        ask(kind, path, arguments)
