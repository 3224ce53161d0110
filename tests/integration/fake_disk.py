"""fake_disk.py - a disk that is small, and then full or read-only: a tmpfs, which only this process and its children
see, and which ends with them.

    why = fake_disk.reason()            # "" where this machine allows it
    with Disk("data", megabytes=100) as disk:   # mounted on that folder, which is there
        disk.fill()
        disk.room()
        disk.read_only(True)"""

import ctypes
import os
import subprocess

CLONE_NEWNS = 0x20000

_reason = None


def _mount(*words):
    done = subprocess.run(["mount", *words], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=30)
    return done.stdout.strip() if done.returncode else ""


def reason():
    """To be asked first, before there are servers: what runs already stays outside."""
    global _reason
    if _reason is None:
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.unshare(CLONE_NEWNS) != 0:
            _reason = f"no mounts of its own: {os.strerror(ctypes.get_errno())}"
        else:
            _reason = _mount("--make-rprivate", "/")
    return _reason


class Disk:
    def __init__(self, folder, megabytes):
        self.folder, self.ballast = folder, os.path.join(folder, "ballast")
        why = _mount("-t", "tmpfs", "-o", f"size={megabytes}m,mode=755", "tentc-test", folder)
        if why:
            raise RuntimeError(why)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["umount", "-l", self.folder], timeout=30)

    def fill(self):
        """To the last byte; again, when something made room in between."""
        with open(self.ballast, "ab", 0) as f:
            for size in (1 << 20, 4096, 1):
                try:
                    while f.write(b"\0" * size) == size:
                        pass
                except OSError:
                    pass

    def room(self):
        os.unlink(self.ballast)

    def read_only(self, on):
        """Why not, "" when it was done: a file that is open for writing keeps a disk from it."""
        return _mount("-o", "remount,ro" if on else "remount,rw", self.folder)
