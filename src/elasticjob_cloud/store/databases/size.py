"""How large a database is."""

import msgspec


class DatabaseSize(msgspec.Struct, frozen=True):
    """How much room a database takes, in bytes.

    `file_bytes`: on the disk. `used_bytes`: by what is in it; the rest of the files is used again before they grow.
    `lacking_bytes`: so much more should be free, or the database cannot be written soon.
    """

    file_bytes: int
    used_bytes: int
    lacking_bytes: int = 0
