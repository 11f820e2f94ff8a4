"""Archives as packers really make them: names in the machine's encoding, lost run bits, folders without a slash."""

import io
import os
import stat
import struct
import subprocess
import sys
import tarfile
import threading
import venv
import zipfile
import zlib
from pathlib import Path

import pytest

from elasticjob_cloud.agent.apps.archives.archive import unpack_download
from elasticjob_cloud.agent.apps.errors import ContentError
from elasticjob_cloud.agent.apps.limits import AppLimits

_DOS, _UNIX = 0, 3


def zip_of_raw_names(
    *members: tuple[bytes, bytes, bytes], mode: int = stat.S_IFREG | 0o644, system: int = _UNIX
) -> bytes:
    """Make a zip whose names are these bytes, without the flag for UTF-8; a member is a name, an extra field, content."""
    local, directory = b"", b""
    for name, extra, content in members:
        sizes = struct.pack("<III", zlib.crc32(content), len(content), len(content))
        lengths = struct.pack("<HH", len(name), len(extra))
        attributes = struct.pack("<HHHII", 0, 0, 0, mode << 16, len(local))
        directory += b"PK\1\2" + bytes([20, system]) + struct.pack("<HHHHH", 20, 0, 0, 0, 0) + sizes + lengths
        directory += attributes + name + extra
        local += b"PK\3\4" + struct.pack("<HHHHH", 20, 0, 0, 0, 0) + sizes + lengths + name + extra + content
    end = struct.pack("<HHHHIIH", 0, 0, len(members), len(members), len(directory), len(local), 0)
    return local + directory + b"PK\5\6" + end


def unicode_path(raw: bytes, name: str) -> bytes:
    field = struct.pack("<BI", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x5455, 1) + b"\0" + struct.pack("<HH", 0x7075, len(field)) + field


def zip_of(*members: tuple[zipfile.ZipInfo, bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for info, content in members:
            archive.writestr(info, content)
    return buffer.getvalue()


def info_of(name: str, *, system: int, attributes: int) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.create_system, info.external_attr = system, attributes
    return info


def unpack(folder: Path, content: bytes, name: str = "app.zip") -> Path:
    (folder / "download").write_bytes(content)
    unpack_download(folder / "download", name, folder / "content", AppLimits(), threading.Event())
    return folder / "content"


def names_in(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*")}


def is_executable(path: Path) -> bool:
    return bool(path.stat().st_mode & stat.S_IXUSR)


@pytest.mark.parametrize("encoding", ["utf-8", "gbk"])
def test_names_in_an_unmarked_encoding_are_read_as_written(tmp_path: Path, encoding: str) -> None:
    # The second byte of the last character is a backslash in GBK.
    names = ["作业/启动.sh", "作业/配置/数据.csv", "作业/誠.txt", "plain.txt"]
    packed = zip_of_raw_names(*((name.encode(encoding), b"", b"x") for name in names))
    assert names_in(unpack(tmp_path, packed)) == {*names, "作业", "作业/配置"}


def test_names_of_the_unicode_path_field_count_if_they_fit(tmp_path: Path) -> None:
    packed = zip_of_raw_names(
        (b"??.sh", unicode_path(b"??.sh", "作业.sh"), b"x"),
        (b"\x81\x82.sh", unicode_path(b"\x81\x82.sh", "日本.sh"), b"x"),
        (b"renamed-\x82.sh", unicode_path(b"before.sh", "before.sh"), b"x"),
    )
    assert names_in(unpack(tmp_path, packed)) == {"作业.sh", "日本.sh", "renamed-é.sh"}


def test_western_names_are_those_of_the_format(tmp_path: Path) -> None:
    packed = zip_of_raw_names(("été/crème.txt".encode("cp437"), b"", b"x"))
    assert names_in(unpack(tmp_path, packed)) == {"été", "été/crème.txt"}


def test_name_that_leads_outside_is_refused_in_every_encoding(tmp_path: Path) -> None:
    packed = zip_of_raw_names((b"a\x82.sh", unicode_path(b"a\x82.sh", "../evil"), b"x"))
    with pytest.raises(ContentError, match="leaves it"):
        unpack(tmp_path, packed)


@pytest.mark.parametrize("mode", [0, 0o600, 0o644, 0o400])
@pytest.mark.parametrize("system", [_DOS, _UNIX])
@pytest.mark.parametrize("content", [b"#!/bin/sh\n", b"\x7fELF" + bytes(60)], ids=["script", "program"])
def test_programs_and_scripts_in_a_zip_can_be_run(
    tmp_path: Path, mode: int, system: int, content: bytes
) -> None:
    members = [(b"lib/step.sh", b"", content), (b"data.txt", b"", b"no #! at the start")]
    folder = unpack(tmp_path, zip_of_raw_names(*members, mode=mode, system=system))
    assert is_executable(folder / "lib/step.sh")
    assert not is_executable(folder / "data.txt")


@pytest.mark.parametrize("mode", [0, 0o600, 0o644])
def test_script_of_a_tar_can_be_run_from_another(tmp_path: Path, mode: int) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, content in {
            "start.sh": b"#!/bin/sh\n./lib/step.sh\n",
            "lib/step.sh": b"#!/bin/sh\necho ok\n",
        }.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), mode
            tar.addfile(info, io.BytesIO(content))
    folder = unpack(tmp_path, buffer.getvalue(), "app.tar")
    run = subprocess.run(["./start.sh"], cwd=folder, capture_output=True, check=False)
    assert (run.stdout, run.returncode) == (b"ok\n", 0)


@pytest.mark.parametrize(
    "system, attributes",
    [
        (_DOS, 0x10),
        (_UNIX, 0x10),
        (_UNIX, (stat.S_IFDIR | 0o755) << 16),
        (_DOS, (stat.S_IFDIR | 0o755) << 16),
    ],
)
def test_folder_without_a_slash_is_one(tmp_path: Path, system: int, attributes: int) -> None:
    packed = zip_of_raw_names((b"bin", b"", b""), (b"bin/run.sh", b"", b"x"))
    at = packed.index(b"PK\1\2")
    entry = packed[:at] + packed[at : at + 5] + bytes([system]) + packed[at + 6 : at + 38]
    packed = entry + struct.pack("<I", attributes) + packed[at + 42 :]
    assert names_in(unpack(tmp_path, packed)) == {"bin", "bin/run.sh"}


def test_mode_is_kept_whatever_system_the_packer_claims(tmp_path: Path) -> None:
    link = info_of("run", system=_DOS, attributes=(stat.S_IFLNK | 0o777) << 16 | 0x8000)
    tool = info_of("tool", system=_DOS, attributes=(stat.S_IFREG | 0o755) << 16 | 0x8000)
    noise = info_of("noise", system=_DOS, attributes=0x12340020)
    folder = unpack(tmp_path, zip_of((link, b"tool"), (tool, b"x"), (noise, b"x")))
    assert (folder / "run").readlink() == Path("tool")
    assert is_executable(folder / "tool")
    assert (folder / "noise").read_bytes() == b"x"


@pytest.mark.parametrize(
    "method, title", [(9, "Deflate64"), (93, "Zstandard"), (98, "PPMd"), (1, "Shrink"), (77, "an unknown")]
)
def test_unknown_method_is_named_with_what_to_do(tmp_path: Path, method: int, title: str) -> None:
    packed = bytearray(zip_of((zipfile.ZipInfo("data.bin"), b"x" * 100)))
    packed[8:10] = packed[packed.index(b"PK\1\2") + 10 : packed.index(b"PK\1\2") + 12] = method.to_bytes(
        2, "little"
    )
    with pytest.raises(
        ContentError, match=rf"by {title}.*\(method {method}\).*data\.bin.*Pack it with Deflate"
    ):
        unpack(tmp_path, bytes(packed))


def test_packed_virtualenv_keeps_its_interpreter(tmp_path: Path) -> None:
    venv.create(tmp_path / "app" / "env", symlinks=True, with_pip=False)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(tmp_path / "app", "app")
    folder = unpack(tmp_path, buffer.getvalue(), "app.tar.gz")
    python = folder / "app/env/bin/python"
    run = subprocess.run([python, "-c", "print(6 * 7)"], capture_output=True, check=False)
    assert (run.stdout, run.returncode) == (b"42\n", 0)


def tar_of_links(links: dict[str, str], *files: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, target in links.items():
            info = tarfile.TarInfo(name)
            info.type, info.linkname = tarfile.SYMTYPE, target
            tar.addfile(info)
        for name in files:
            info = tarfile.TarInfo(name)
            info.size = 1
            tar.addfile(info, io.BytesIO(b"x"))
    return buffer.getvalue()


PYTHON = os.path.realpath(sys.executable)


@pytest.mark.parametrize(
    "links, files",
    [
        ({"python": "/no/such/python3.9"}, ()),
        ({"python": "/etc"}, ()),
        ({"python": "/etc/passwd"}, ()),
        ({"python": "/dev/null"}, ()),
        ({"python": "../../usr/bin/env"}, ()),
        ({"python": PYTHON, "out": "python/x"}, ()),
        ({"python": PYTHON, "out": "python/../../x"}, ()),
    ],
)
def test_link_that_leads_outside_is_refused_with_what_to_do(
    tmp_path: Path, links: dict[str, str], files: tuple[str, ...]
) -> None:
    with pytest.raises(ContentError, match=r"tar -h.*python -m venv --copies"):
        unpack(tmp_path, tar_of_links(links, *files), "app.tar")
    assert [path.name for path in tmp_path.iterdir()] == ["download"]


def test_nothing_is_written_through_a_link_to_a_program(tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"untouched")
    victim.chmod(0o755)
    folder = unpack(tmp_path, tar_of_links({"tool": str(victim)}, "tool"), "app.tar")
    assert (folder / "tool").read_bytes() == b"x"
    assert not (folder / "tool").is_symlink()
    assert victim.read_bytes() == b"untouched"


def test_member_below_a_link_to_a_program_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ContentError, match="below a link"):
        unpack(tmp_path, tar_of_links({"tool": PYTHON}, "tool/x"), "app.tar")


def test_label_and_folder_lists_of_gnu_tar_are_no_files(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as tar:
        for name, kind, content in (
            ("label", b"V", b""),
            ("bin", b"D", b"Yrun\0\0"),
            ("bin/run", b"0", b"x"),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.size = kind, len(content)
            tar.addfile(info, io.BytesIO(content))
    assert names_in(unpack(tmp_path, buffer.getvalue(), "app.tar")) == {"bin", "bin/run"}
