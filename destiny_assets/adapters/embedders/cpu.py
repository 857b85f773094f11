"""What this machine's processor offers an embedding model: how many cores, and which arithmetic is fastest."""

import os
from pathlib import Path
from typing import Literal

Precision = Literal["f32", "bf16"]

_CPU_FACTS = Path("/proc/cpuinfo")


def available_cores() -> int:
    """Cores this process may run on, which in a container are fewer than the machine has."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def fastest_precision() -> Precision:
    """bf16 where the processor multiplies it faster than f32, as far as Linux says what it is; else f32.

    Read from its flags and not timed: the answer is part of `model_id`, and a busy machine must not change it.
    """
    try:
        return precision_for(_CPU_FACTS.read_text("utf-8"))
    except OSError:
        return "f32"


def precision_for(cpu_facts: str) -> Precision:
    """The fastest precision for a processor described in the form of Linux's ``/proc/cpuinfo``.

    In chunks of 128 tokens a second on two cores, bf16 against f32: Xeon with AMX 358 : 86, AMD Zen 5 with avx512_bf16
    123 : 64, Intel with avx512_bf16 but no AMX 63 : 87.
    """
    words = set(cpu_facts.split())
    gains = "amx_bf16" in words or {"AuthenticAMD", "avx512_bf16"} <= words
    return "bf16" if gains else "f32"
