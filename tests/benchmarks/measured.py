"""Run a command and write what it cost: measured.py FILE COMMAND...

A process of its own, since Linux counts the memory of the process that starts a command as
the command's, and the benchmarks themselves hold libraries.
"""

import json
import resource
import subprocess
import sys
import time
from pathlib import Path

file, *command = sys.argv[1:]
started = time.perf_counter()
status = subprocess.run(command, check=False).returncode
used = resource.getrusage(resource.RUSAGE_CHILDREN)
cost = {
    "wall": time.perf_counter() - started,  # seconds
    "processor": used.ru_utime + used.ru_stime,  # seconds
    "memory": used.ru_maxrss / 1024,  # MB, the largest of any of its processes
}
Path(file).write_text(json.dumps(cost))
sys.exit(status)
