"""What a plugin's own process may not do: write files, open sockets, fork, use up memory, outlive its node.

Called in that process, before anything of the plugin is imported. Resource limits hold everywhere on POSIX; on Linux
the process also dies with its node, and Landlock (5.13 and later) leaves it nothing to open but what the interpreter
is made of: no keystore, no journal, no configuration, and no other process to look into.
"""

import ctypes
import errno
import os
import platform
import resource
import signal
import struct
import sys
from collections.abc import Iterable
from typing import Final, NamedTuple

FILES_MAX: Final = 256
"""Open files of the process: importing a package with extension modules takes a few dozen at a time."""

CPU_S: Final = 30
"""Processor seconds until the next question; the process is ended by the kernel where it takes more. The node's
deadline is far shorter: this ends what a plugin does when nobody asks."""

PR_SET_PDEATHSIG: Final = 1
PR_SET_NO_NEW_PRIVS: Final = 38

CREATE_RULESET: Final = 444
ADD_RULE: Final = 445
RESTRICT_SELF: Final = 446
"""System calls of Landlock, the same numbers on every architecture."""

RULESET_VERSION: Final = 1
PATH_BENEATH: Final = 1

READ_FILE: Final = 1 << 2
READ_DIR: Final = 1 << 3
RIGHTS_OF_ABI: Final = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
"""Rights on files that each version of Landlock knows; all of them are taken away."""

NETWORK_ABI: Final = 4
NETWORK: Final = 0b11
"""Bind and connect of TCP."""

SCOPE_ABI: Final = 6
SCOPE: Final = 0b11
"""Abstract Unix sockets of others, and signals to others."""

SYSTEM_FOLDERS: Final = ("/usr", "/lib", "/lib64", "/etc/ld.so.cache", "/dev/null", "/dev/urandom", "/proc/self")
"""What the interpreter and shared libraries are read from, beside the folders of `sys.path`. Those that exist."""

PR_SET_SECCOMP: Final = 22
SECCOMP_MODE_FILTER: Final = 2


class SystemCalls(NamedTuple):
    """What a machine is called by the kernel, and the numbers of system calls there. forks: those that only fork."""

    machine: int
    socket: int
    clone: int
    forks: tuple[int, ...]


SYSTEM_CALLS: Final = {
    "x86_64": SystemCalls(0xC000003E, 41, 56, (57, 58)),
    "aarch64": SystemCalls(0xC00000B7, 198, 220, ()),
}

IO_URING_SETUP: Final = 425
CLONE3: Final = 435
"""Its flags are in memory, where a filter cannot look; where it is not implemented, threads are made by clone."""

CLONE_THREAD: Final = 0x10000
OTHER_NUMBERS: Final = 0x40000000
"""System calls from here on are the same ones by other numbers, on x86-64."""

LOAD_NUMBER, LOAD_MACHINE, LOAD_FLAGS = (0x20, 0, 0, 0), (0x20, 0, 0, 4), (0x20, 0, 0, 16)
ALLOW: Final = (0x06, 0, 0, 0x7FFF0000)
REFUSE: Final = (0x06, 0, 0, 0x00050000 | errno.EACCES)
NOT_IMPLEMENTED: Final = (0x06, 0, 0, 0x00050000 | errno.ENOSYS)
IF_EQUAL, IF_AT_LEAST, IF_SET = 0x15, 0x35, 0x45
"""Instructions of the filter: code, steps to skip if so, steps to skip if not, operand."""


def limit(memory_mb: int) -> None:
    """Bound memory, files and cores, and die with the node."""
    resource.setrlimit(resource.RLIMIT_AS, (memory_mb << 20, memory_mb << 20))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (FILES_MAX, FILES_MAX))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def refresh() -> None:
    """Allow CPU_S more seconds of processor time from now on."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    hard = resource.getrlimit(resource.RLIMIT_CPU)[1]
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + CPU_S, hard))


def close(readable: Iterable[str]) -> list[str]:
    """Leave only these folders and files to be read, and no socket or process to be made.

    Returns what this system cannot do, one line each.
    """
    version = _close_files(readable)
    missing = []
    if not version:
        missing.append("files and other processes are not closed to it: this system has no Landlock")
    elif version < SCOPE_ABI:
        missing.append("signals to other processes are not closed to it: that needs Linux 6.12")
    if not _close_calls():
        missing.append("sockets and forks are not closed to it: no filter of system calls is known for this system")
    return missing


def _close_files(readable: Iterable[str]) -> int:
    """Return the version of Landlock that now holds, 0 for none."""
    if platform.system() != "Linux":
        return 0
    system = ctypes.CDLL(None, use_errno=True)
    version = system.syscall(CREATE_RULESET, None, 0, RULESET_VERSION)
    if version < 1:
        return 0
    files = RIGHTS_OF_ABI[min(version, max(RIGHTS_OF_ABI))]
    attributes = struct.pack(
        "=QQQ", files, NETWORK if version >= NETWORK_ABI else 0, SCOPE if version >= SCOPE_ABI else 0
    )
    size = 24 if version >= SCOPE_ABI else 16 if version >= NETWORK_ABI else 8
    rules = system.syscall(CREATE_RULESET, attributes, size, 0)
    if rules < 0:
        return 0
    try:
        for path in sorted({*readable, *SYSTEM_FOLDERS}):
            _allow(system, rules, path)
        system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        return int(version) if system.syscall(RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _close_calls() -> bool:
    """Refuse the system calls that make sockets and processes; threads can be made."""
    known = SYSTEM_CALLS.get(platform.machine())
    if platform.system() != "Linux" or known is None:
        return False
    steps = [LOAD_MACHINE, (IF_EQUAL, 1, 0, known.machine), REFUSE]
    steps += [LOAD_NUMBER, (IF_AT_LEAST, 0, 1, OTHER_NUMBERS), REFUSE]
    for number in (known.socket, IO_URING_SETUP, *known.forks):
        steps += [(IF_EQUAL, 0, 1, number), REFUSE]
    steps += [(IF_EQUAL, 0, 1, CLONE3), NOT_IMPLEMENTED]
    steps += [(IF_EQUAL, 0, 3, known.clone), LOAD_FLAGS, (IF_SET, 1, 0, CLONE_THREAD), REFUSE, ALLOW]
    program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    header = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(program)))
    system = ctypes.CDLL(None, use_errno=True)
    system.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    return bool(system.prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, header, 0, 0) == 0)


def _allow(system: ctypes.CDLL, rules: int, path: str) -> None:
    if not os.path.exists(path):
        return
    rights = READ_FILE | (READ_DIR if os.path.isdir(path) else 0)
    descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
    try:
        system.syscall(ADD_RULE, rules, PATH_BENEATH, struct.pack("=Qi", rights, descriptor), 0)
    finally:
        os.close(descriptor)
