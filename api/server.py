"""The serving processes: one, or several beside each other, and how they begin and end.

SIGTERM or SIGINT lets requests under way be answered and refuses new
connections; a second one ends at once, which loses nothing that was
acknowledged. Processes beside each other end with their parent, also where
it was killed.

Source: THREATS X18; uvicorn's server and supervisor.
"""

from __future__ import annotations

import logging
import os
import resource
import shutil
import signal
import socket
import tempfile
from types import FrameType
from typing import Any

import uvicorn
from uvicorn.supervisors.multiprocess import Multiprocess, Process

from api.logs import event
from api.metrics import FOLDER_VARIABLE, forget_process
from api.wire import Wire

GRACE_S = 10
KEEP_ALIVE_S = 65  # longer than proxies keep an idle connection, so that it is they who close it
LOADING_S = 60  # for a process that takes the place of another
BACKLOG = 2_048
DESCRIPTORS_MAX = 65_536
DESCRIPTORS_KEPT = 64  # for files and databases
CONNECTIONS_MIN = 1
_ENDING = (signal.SIGTERM, signal.SIGINT)


def configure(app: Any, *, workers: int, connections: int) -> uvicorn.Config:
    """The settings of uvicorn; `app` is an application, or with several workers what makes one."""
    return uvicorn.Config(
        app,
        factory=workers > 1,
        workers=workers,
        loop="uvloop",
        http=Wire,
        ws="none",
        log_config=None,
        log_level=logging.ERROR,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=max(CONNECTIONS_MIN, min(connections, _allow_descriptors() - DESCRIPTORS_KEPT)),
        timeout_keep_alive=KEEP_ALIVE_S,
        timeout_graceful_shutdown=GRACE_S,
        timeout_worker_healthcheck=LOADING_S,
    )


def _allow_descriptors() -> int:
    """Let this process and its children have as many open files as the system grants; gives how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = DESCRIPTORS_MAX if hard == resource.RLIM_INFINITY else min(hard, DESCRIPTORS_MAX)
    if wanted > soft:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return max(soft, wanted)


class OneProcess(uvicorn.Server):
    """Serves in this process."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop in order; at once when told a second time."""
        if self.should_exit:
            _end_now(sig)
        event("stopping", signal=signal.Signals(sig).name)
        super().handle_exit(sig, frame)


class ManyProcesses(Multiprocess):
    """Keeps several processes serving the same socket; SIGHUP replaces them one after the other."""

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket]) -> None:
        super().__init__(config, sockets)
        self._folder = tempfile.mkdtemp(prefix="gigaton-metrics-")
        self._known: set[int] = set()
        os.environ[FOLDER_VARIABLE] = self._folder  # read by the children's Prometheus library when it is loaded
        for number in _ENDING:
            signal.signal(number, self._on_end)

    def run(self) -> None:
        """Serve until told to stop."""
        try:
            super().run()
        finally:
            shutil.rmtree(self._folder, ignore_errors=True)

    def keep_subprocess_alive(self) -> None:
        """Replace processes that died, and forget what the dead said of themselves.

        Only death is looked for: on a busy machine a process that is still loading would not answer in time, and
        killing it for that would go on for ever.
        """
        for at, process in enumerate(self.processes):
            if not self.should_exit.is_set() and not process.process.is_alive():
                process.join()
                event("process_died", level=logging.ERROR, process=process.pid, exit=process.exitcode)
                self.processes[at] = Process(self.config, self.sockets)
                self.processes[at].start()
        living = {process.pid for process in self.processes if process.pid is not None}
        for gone in self._known - living:
            forget_process(gone, self._folder)
        self._known = living

    def _on_end(self, number: int, frame: FrameType | None) -> None:
        if self.should_exit.is_set():
            for process in self.processes:
                process.process.kill()
            shutil.rmtree(self._folder, ignore_errors=True)
            _end_now(number)
        event("stopping", signal=signal.Signals(number).name)
        self.should_exit.set()


def _end_now(number: int) -> None:
    signal.signal(number, signal.SIG_DFL)
    signal.raise_signal(number)
