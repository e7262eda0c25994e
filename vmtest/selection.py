"""Which tests a guest is asked: emulation takes ten times as long, and there is no network."""

from __future__ import annotations

TESTS = "tests/ebpf"

LEFT_OUT = {
    "tests/ebpf/test_cli.py": "how things are shown does not depend on the kernel",
    "tests/ebpf/test_cost.py": "what is said of costs does not",
    "tests/ebpf/test_counts.py": "nor do ceilings, and they need a compiler of kernel programs",
    "tests/ebpf/test_recording.py": "nor does how things are kept",
    "tests/ebpf/test_detections.py": "nor does what rules make of facts, each of which has its own tests",
    "tests/ebpf/test_lives.py": "50,000 processes, and a build whose source comes by the network",
    "tests/ebpf/test_moments.py": "every system call of Python is stopped at, which takes minutes under emulation",
    "tests/ebpf/test_shortage.py": "what runs short does so in Python and in libbpf",
    "tests/ebpf/test_signals.py": "nor do signals depend on the kernel",
    "tests/ebpf/test_surroundings.py::test_crowd_at_start": "20,000 processes",
    "tests/ebpf/test_complete.py::test_ten_thousand_execs_from_two_workers": "a storm",
    "tests/ebpf/test_complete.py::test_every_life_is_complete": "a storm",
}
"""Tests that are left to other machines, and why."""

FEW = (
    "tests/ebpf/test_complete.py::test_counts_agree",
    "tests/ebpf/test_exec_context.py::test_name_before_the_exec",
    "tests/ebpf/test_exec_context.py::test_ordinary_user",
    "tests/ebpf/test_exec_context.py::test_pid_namespace",
    "tests/ebpf/test_exec_context.py::test_thread_that_is_not_the_leader",
    "tests/ebpf/test_exec_facts.py::test_layers_of_an_overlay",
    "tests/ebpf/test_exec_facts.py::test_nested_cgroups",
    "tests/ebpf/test_exec_file.py::test_32_bit_binary_and_its_loader",
    "tests/ebpf/test_exec_file.py::test_binary",
    "tests/ebpf/test_exec_file.py::test_ctime_after_the_file_was_looked_at",
    "tests/ebpf/test_exec_file.py::test_deep_path",
    "tests/ebpf/test_exec_file.py::test_memfd",
    "tests/ebpf/test_exec_stdin.py::test_pipe",
    "tests/ebpf/test_exec_text.py::test_arguments_of_nearly_6_mebibytes",
    "tests/ebpf/test_exit.py::test_core_dumped",
    "tests/ebpf/test_exit.py::test_leader_ends_first",
    "tests/ebpf/test_exit.py::test_threads_race_to_exit_with_threads",
    "tests/ebpf/test_failed.py::test_long_arguments",
    "tests/ebpf/test_failed.py::test_who_tried",
    "tests/ebpf/test_preemption.py::test_no_event_mixes_two_tasks",
    "tests/ebpf/test_script.py::test_mounts",
    "tests/ebpf/test_surroundings.py::test_who_has_ended_and_was_not_waited_for",
)
"""What differs most from kernel to kernel: files, paths, loaders, ends, failed execs, preemption, zombies."""


def arguments(*, few: bool, asked: list[str]) -> list[str]:
    """What pytest gets: all, a few, or what was asked for."""
    if asked:
        return asked
    if few:
        return list(FEW)
    return [TESTS, *(f"--deselect={test}" for test in LEFT_OUT)]
