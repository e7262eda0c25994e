"""Tests that need eBPF: what is captured is compared with what the kernel tells witness programs."""

import pytest

pytest.register_assert_rewrite("tests.ebpf.truth")
