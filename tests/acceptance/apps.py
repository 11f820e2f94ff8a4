"""Archives for the tests, made in memory."""

import io
import tarfile


def tar_gz(files: dict[str, str], *, mode: int = 0o755) -> bytes:
    """Make a .tar.gz of these files."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, text in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(text.encode())
            info.mode = mode
            tar.addfile(info, io.BytesIO(text.encode()))
    return buffer.getvalue()
