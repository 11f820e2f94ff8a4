"""A stand-in for what the console's build makes: as small as can be, with all that the server must do with it."""

import gzip
from pathlib import Path

INDEX = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<base href="__BASE__">
<meta property="csp-nonce" nonce="__NONCE__">
<title>ElasticJob-Cloud</title>
<link rel="stylesheet" href="./assets/page-0a1b2c.css" nonce="__NONCE__">
<script type="module" src="./assets/page-0a1b2c.js" nonce="__NONCE__"></script>
</head>
<body><div id="root"></div></body>
</html>
"""
SCRIPT = b'document.getElementById("root").textContent = document.baseURI;\n' * 20
STYLE = b"body { color: black }\n"
BROTLI = b"what brotli made of it"  # the server never looks inside
ICON = b"<svg xmlns='http://www.w3.org/2000/svg'/>"


def make_console_build(folder: Path) -> Path:
    """Write it into a folder."""
    assets = folder / "assets"
    assets.mkdir(parents=True)
    (folder / "index.html").write_text(INDEX)
    (folder / "icon.svg").write_bytes(ICON)
    (folder / ".sources").write_text("what it was built of")
    (assets / "page-0a1b2c.js").write_bytes(SCRIPT)
    (assets / "page-0a1b2c.js.br").write_bytes(BROTLI)
    (assets / "page-0a1b2c.js.gz").write_bytes(gzip.compress(SCRIPT))
    (assets / "page-0a1b2c.css").write_bytes(STYLE)
    return folder
