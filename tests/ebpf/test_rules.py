"""Rules on a command that is run for it."""

import os
import sys

import whatran
from tests.rules.made import rule_of


def test_command_lines_of_processes_older_than_the_watch(tmp_path):
    """Whoever starts the command is one: rules know how it was called."""
    name = os.path.basename(sys.orig_argv[0])
    rule = tmp_path / "rule.yml"
    rule.write_text(rule_of(f"s: {{ParentCommandLine|contains: '{name}', Argv0: 'true'}}\ncondition: s"))
    events = whatran.run(["true"], rules=[rule], source="ebpf").events

    assert ["T"] == [event.rule for event in events if isinstance(event, whatran.Alert)]
