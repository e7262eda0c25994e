"""One target under atheris: ``python -m fuzz.harness TARGET``, and what libFuzzer takes."""

from __future__ import annotations

import importlib
import logging
import sys
import warnings

import atheris


def main() -> None:
    """Never returns: libFuzzer ends the process."""
    with atheris.instrument_imports(include=["whatran"]):
        target = importlib.import_module(f"fuzz.{sys.argv.pop(1)}")
    warnings.simplefilter("error")
    logging.disable()  # of each frame that is none there is a warning
    atheris.Setup(sys.argv, target.check)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
