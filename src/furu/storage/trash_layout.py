"""The file names of the trash; see `furu.gc`.

<root>/trash/<token>/           what one `furu gc` took
    journal.jsonl               what was to be taken and why, then what happened, a line each
    artifacts/<reference>/      the lease under which an artifact was taken, with all that it had
    loose/<path>                something that is no artifact; the path is the one below the root
<root>/trash/<token>.emptied/   about to be removed
"""

from __future__ import annotations

from furu.storage.layout import RootPaths


class TrashPaths:
    """The names inside what one `furu gc` took."""

    __slots__ = ("base", "token")

    def __init__(self, root: str, token: str) -> None:
        self.base = f"{RootPaths(root).trash}/{token}"
        self.token = token

    @property
    def journal(self) -> str:
        return self.base + "/journal.jsonl"

    @property
    def artifacts(self) -> str:
        return self.base + "/artifacts"

    def artifact(self, reference: str) -> str:
        return f"{self.base}/artifacts/{reference}"

    @property
    def loose_ends(self) -> str:
        return self.base + "/loose"

    def loose(self, path: str) -> str:
        return f"{self.base}/loose/{path}"

    @property
    def emptied(self) -> str:
        return self.base + ".emptied"
