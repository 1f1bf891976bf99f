"""Runs a command that has to end with a code; prints its time, its peak of memory and what it wrote."""
import json
import resource
import subprocess
import sys
import time


def written():
    with open("/proc/self/io") as counters:
        lines = dict(line.split(": ") for line in counters.read().splitlines())
    return int(lines["wchar"])


before = written()
start = time.monotonic()
ran = subprocess.run(sys.argv[2:], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
ms = (time.monotonic() - start) * 1e3
if ran.returncode != int(sys.argv[1]):
    sys.exit(f"exit code {ran.returncode}: {ran.stdout.decode()}{ran.stderr.decode()}")
print(json.dumps({
    "ms": ms,
    "mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    "kb_written": (written() - before - len(ran.stdout)) / 1024,
}))
