"""Where a SQLite file may lie: on a disk of this machine, whose locks hold."""

from pathlib import Path

from ews.errors import StoreUnavailable

_OVER_THE_NETWORK = frozenset({
    "nfs", "nfs4", "cifs", "smb3", "smbfs", "afs", "ceph", "glusterfs", "lustre", "9p", "fuse.sshfs", "fuse.glusterfs",
    "fuse.s3fs", "fuse.rclone",
})  # fmt: skip

_MOUNTS = Path("/proc/self/mounts")


def refuse_network_folder(file: Path) -> None:
    """Two machines that write one SQLite file over a network damage it (O08).

    Raises:
        StoreUnavailable: the file's folder is on a network file system.
    """
    mounts = _MOUNTS.read_text(encoding="utf-8") if _MOUNTS.exists() else ""
    kind = file_system_of(file.resolve().parent, mounts)
    if kind in _OVER_THE_NETWORK:
        raise StoreUnavailable(
            f"{file.parent} is on a network file system ({kind}), where SQLite's locks do not hold. Keep the store on "
            "a disk of this machine, or use PostgreSQL: --store postgresql://…"
        )


def file_system_of(folder: Path, mounts: str) -> str:
    r"""The kind of file system a folder is on, by the lines of `/proc/self/mounts`; empty where they do not tell.

    >>> file_system_of(Path("/srv/home"), "/dev/sda / ext4 rw 0 0\nserver:/x /srv nfs4 rw 0 0")
    'nfs4'
    """
    lines = [line.split() for line in mounts.splitlines()]
    above = {str(folder), *map(str, folder.parents)}
    found = [(len(words[1]), words[2]) for words in lines if len(words) > 2 and _unescaped(words[1]) in above]
    return max(found, default=(0, ""))[1]


def _unescaped(place: str) -> str:
    return place.replace("\\040", " ")
