"""Starts a server that must not outlive whoever started it, not even after kill -9.

    python -I -S guard.py SIGNAL PROGRAM [ARGUMENT…]    with a pipe as standard input

The process becomes PROGRAM, so that its id, its signals and its exit status are the server's own. A small
child of it stays behind and reads the pipe: when the other end closes, however that came about, the server
is sent SIGNAL (a number). A pipe rather than PR_SET_PDEATHSIG: it works on macOS too, and it isn't tied to
the *thread* that started us.
"""

import os
import signal
import sys
import time

GRACE_S = 3.0


def main() -> None:
    """Leave a watcher behind, then become the program."""
    how, command = signal.Signals(int(sys.argv[1])), sys.argv[2:]
    server = os.getpid()
    if os.fork() == 0:
        watch(server, how)
        os._exit(0)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    try:
        os.execv(command[0], command)
    except OSError as error:
        sys.exit(f"{command[0]}: {error.strerror}")


def watch(server: int, how: signal.Signals) -> None:
    """Wait until the pipe closes, then end the server; it is killed after the grace."""
    while os.read(0, 64):
        pass
    patience = time.monotonic() + GRACE_S
    end(server, how)
    while os.getppid() == server and time.monotonic() < patience:
        time.sleep(0.02)
    end(server, signal.SIGKILL)


def end(server: int, how: signal.Signals) -> None:
    """Send the signal, if the server is still our parent: its id may belong to somebody else by now."""
    if os.getppid() == server:
        os.kill(server, how)


if __name__ == "__main__":
    main()
