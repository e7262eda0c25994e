"""Every record, as it lies in a file."""

from whatran.cli.raw import BYTES_A_WRITE, write_raw
from whatran.recording import format as form


class Written(list):
    """An output that keeps what is written to it."""

    def write(self, data):
        """As an Output does."""
        self.append(data)


def test_large_records_do_not_wait_for_one_another():
    """Each may have as much as a block: what waits to be written is bounded by bytes."""
    output = Written()
    write_raw((form.record(form.NAMES, 1, bytes(BYTES_A_WRITE)) for _ in range(10)), output, None)

    assert [1] * 10 == [data.count(b"\n") for data in output if data]


def test_small_records_are_written_together():
    """And the last of them at the end."""
    output = Written()
    write_raw((form.record(form.SETTLE, 1) for _ in range(10)), output, 9)

    assert [9] == [data.count(b"\n") for data in output]
