"""What is shipped: the build hook, the object it makes, the wheel and the sdist."""

import importlib.metadata
import os
import struct
import tarfile
import zipfile

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

import hatch_build
import whatran
from whatran.report.report import SCRIPTS

ASSETS = ("page.html", "page.css", "shell.css", "shell.js", *SCRIPTS)
ELF_MACHINE = struct.Struct("<4sBB12xH")  # magic, class, byte order, e_machine
ELF64, LITTLE_ENDIAN, EM_BPF = 2, 1, 247


@pytest.fixture
def tree(tmp_path, monkeypatch):
    """A source tree of its own for the hook, with an object newer than its source."""
    source = tmp_path / "bpf/whatran.bpf.c"
    made = tmp_path / "whatran.bpf.o"
    source.parent.mkdir()
    for path, seconds in ((source, 1), (made, 2)):
        path.touch()
        os.utime(path, (seconds, seconds))
    hook = tmp_path / "hatch_build.py"
    hook.touch()
    os.utime(hook, (1, 1))
    monkeypatch.setattr(hatch_build, "ROOT", tmp_path)
    monkeypatch.setattr(hatch_build, "OBJECT", made)
    monkeypatch.setattr(hatch_build, "__file__", str(hook))
    return tmp_path


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """A function that makes a program of that name and version the only ones on PATH; no ziglang is installed."""
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(hatch_build.importlib.util, "find_spec", lambda _: None)

    def add(name, version):
        program = tmp_path / name
        program.write_text(f"#!/bin/sh\necho 'Debian clang version {version}.1.7 (3)'\n")
        program.chmod(0o755)
        return str(program)

    return add


def test_version():
    """The version of the package is the one of its metadata."""
    expected = importlib.metadata.version("whatran")

    assert expected == whatran.__version__


@pytest.mark.usefixtures("_object")
def test_wheel(tmp_path):
    """The wheel serves every platform and carries the object, the type marker and the licences."""
    wheel = next(WheelBuilder(str(hatch_build.ROOT)).build(directory=str(tmp_path)))
    info = f"whatran-{whatran.__version__}.dist-info"
    expected = {
        "_whatran.py",
        "whatran/source/whatran.bpf.o",
        "whatran/py.typed",
        *(f"whatran/report/{name}" for name in ASSETS),
        f"{info}/licenses/LICENSE",
        f"{info}/licenses/LICENSES/BSD-2-Clause.txt",
        f"{info}/licenses/LICENSES/GPL-2.0-only.txt",
    }

    assert f"whatran-{whatran.__version__}-py3-none-any.whl" == os.path.basename(wheel)
    with zipfile.ZipFile(wheel) as archive:
        assert expected == expected & set(archive.namelist())


@pytest.mark.usefixtures("_object")
def test_sdist(tmp_path):
    """The sdist carries the object, so that who installs it needs no compiler, and its source."""
    sdist = next(SdistBuilder(str(hatch_build.ROOT)).build(directory=str(tmp_path)))
    top = f"whatran-{whatran.__version__}"
    expected = {
        f"{top}/src/whatran/source/whatran.bpf.o",
        f"{top}/bpf/whatran.bpf.c",
        f"{top}/bpf/wire.h",
        *(f"{top}/src/whatran/report/{name}" for name in ASSETS),
        f"{top}/hatch_build.py",
    }

    with tarfile.open(sdist) as archive:
        assert expected == expected & set(archive.getnames())


@pytest.mark.usefixtures("_object")
def test_object_is_for_both_architectures():
    """The object is a little-endian BPF program, which x86_64 and arm64 load alike."""
    expected = (b"\x7fELF", ELF64, LITTLE_ENDIAN, EM_BPF)

    assert expected == ELF_MACHINE.unpack_from(hatch_build.OBJECT.read_bytes())


@pytest.mark.usefixtures("_object")
def test_object_names_no_folder_of_the_builder():
    """The object says nothing of where it was compiled."""
    assert str(hatch_build.ROOT).encode() not in hatch_build.OBJECT.read_bytes()


def test_object_is_fresh(tree):
    """An object newer than all it is made of needs no compiler."""
    assert hatch_build.is_fresh()


@pytest.mark.parametrize("name", ["bpf/whatran.bpf.c", "bpf/wire.h", "hatch_build.py"])
def test_object_is_stale(tree, name):
    """An object older than anything it is made of is compiled again."""
    (tree / name).touch()

    assert not hatch_build.is_fresh()


def test_missing_object_is_stale(tree):
    """Where there is no object it is compiled, in an sdist too."""
    (tree / "PKG-INFO").touch()
    hatch_build.OBJECT.unlink()

    assert not hatch_build.is_fresh()


def test_object_of_an_sdist_is_fresh(tree):
    """The object of an sdist is used whatever the times of the unpacked files are."""
    (tree / "PKG-INFO").touch()
    (tree / "bpf/whatran.bpf.c").touch()

    assert hatch_build.is_fresh()


def test_clang_that_is_new_enough(tools):
    """A clang that is too old is passed over for a newer one beside it."""
    tools("clang", 14)
    expected = [tools("clang-17", 17), "-target", "bpf"]

    assert expected == hatch_build.find_compiler()


def test_zig_in_place_of_clang(tools, monkeypatch):
    """Zig's clang is taken where the machine has none that is new enough."""
    tools("clang", 15)
    monkeypatch.setattr(hatch_build.importlib.util, "find_spec", {"ziglang": "found"}.get)
    expected = ["-m", "ziglang", "cc", "-target", "bpfel-freestanding"]

    assert expected == hatch_build.find_compiler()[1:]


@pytest.mark.parametrize(("clang", "expected"), [(16, []), (15, ["ziglang"])])
def test_build_asks_for_zig(tools, tree, clang, expected):
    """The build asks for zig only where it has to compile and there is no clang that is new enough."""
    tools("clang", clang)
    hatch_build.OBJECT.unlink()

    assert expected == hatch_build.BuildHook.dependencies(None)


def test_no_compiler(tools):
    """A missing compiler is one sentence with the packages to install."""
    with pytest.raises(SystemExit, match=r"^whatran: no compiler .* install clang 16 or newer .* ziglang\.$"):
        hatch_build.find_compiler()


def test_no_headers(tmp_path, monkeypatch):
    """Missing headers are one sentence with the packages to install."""
    monkeypatch.setattr(hatch_build, "INCLUDE_FOLDERS", (tmp_path,))

    with pytest.raises(SystemExit, match=r"^whatran: .* missing: install libbpf-dev .* or libbpf-devel \(Fedora\)\.$"):
        hatch_build.compile_object()


def test_checkout_without_a_compiler(tools, tree, monkeypatch, capsys):
    """A checkout can be used without the object, and that is said; a wheel cannot be built."""
    monkeypatch.setattr(hatch_build, "INCLUDE_FOLDERS", (tree,))
    hatch_build.OBJECT.unlink()

    hatch_build.BuildHook.initialize(None, "editable", {})
    said = capsys.readouterr().err

    assert ("Going on without it" in said, "libbpf-dev" in said) == (True, True)
    with pytest.raises(SystemExit, match="libbpf-dev"):
        hatch_build.BuildHook.initialize(None, "standard", {})
