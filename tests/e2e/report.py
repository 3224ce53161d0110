"""report.py - how the programs test_*.py say what they found: a line for each case, and one last line that counts.

    report = Report()
    with report.case("a Lease is taken over"):
        equal(probe("holder"), "b")
    report.skip("a pod waits for a missing key", "needs a kubelet")
    sys.exit(report.end())
"""

import contextlib
import os
import sys
import time
import traceback


class Failed(AssertionError):
    pass


def check(condition, why):
    if not condition:
        raise Failed(why)


def equal(got, want, what="value"):
    if got != want:
        raise Failed(f"{what} is {got!r}, want {want!r}")


def contains(text, part, what="text"):
    if part not in text:
        raise Failed(f"{what} lacks {part!r}: {text!r}")


def until(condition, seconds, what, every=0.05):
    """Waits until condition() is true, and returns what it said; fails after that many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise Failed(f"not within {seconds} s: {what}")
        time.sleep(every)


class Report:
    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    @contextlib.contextmanager
    def case(self, name):
        """Whatever exception leaves the block is the case's failure; the program goes on."""
        try:
            yield
        except Exception as e:
            self.failed += 1
            at = traceback.extract_tb(e.__traceback__)
            # The line of the test, not of a helper that it called.
            here = next((f for f in reversed(at) if os.path.basename(f.filename).startswith("test_")), at[-1])
            why = " ".join(str(e).split()) or type(e).__name__
            if not isinstance(e, Failed):
                why = f"{type(e).__name__}: {why}"
                if os.environ.get("V"):
                    traceback.print_exc()
            print(f"FAILED {name}: {os.path.basename(here.filename)}:{here.lineno}: {why}", flush=True)
        else:
            self.passed += 1
            print(f"ok {name}", flush=True)

    def skip(self, name, why):
        self.skipped += 1
        print(f"skipped {name}: {why}", flush=True)

    def end(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        sys.stdout.flush()
        return 1 if self.failed else 0
