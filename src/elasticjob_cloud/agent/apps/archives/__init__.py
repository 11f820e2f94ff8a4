"""Archives: what a download is, and how it is unpacked without trust."""
