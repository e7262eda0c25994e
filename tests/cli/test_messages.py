"""What the tool itself says."""

import logging

import pytest

from tests.events import make_exec

LOG = logging.getLogger("whatran.somewhere")


def log_all():
    """A batch that is logged about at every level."""
    LOG.warning("a warning\nof \x1b[2J two lines")
    LOG.info("what is done")
    LOG.debug("a detail")
    return [make_exec()]


@pytest.mark.parametrize(
    ("expected", "argv"),
    [
        (["a warning", r"of \x1b[2J two lines"], []),
        (["a warning", r"of \x1b[2J two lines", "what is done"], ["-v"]),
        (["a warning", r"of \x1b[2J two lines", "what is done", "a detail"], ["-vv"]),
    ],
)
@pytest.mark.parametrize("command", [["watch"], ["run", "true"]], ids=["watch", "run"])
def test_more_is_said_on_request(machine, run, tmp_path, command, expected, argv):
    """Warnings are always shown, with -v what is done too and with -vv every detail, safe to print."""
    machine.will(log_all, returncode=0)
    _, _, err = run(command[0], *argv, "-o", str(tmp_path / "out"), *command[1:])

    assert expected == [line.removeprefix("whatran: ") for line in err.splitlines() if "execs seen" not in line]


def test_nothing_is_said_afterwards(machine, run):
    """Logging is as it was before once the command line is done."""
    logger = logging.getLogger("whatran")
    before = logger.level, list(logger.handlers)
    run("-vv")

    assert before == (logger.level, logger.handlers)
