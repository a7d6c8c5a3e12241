"""The fictional school of tests and pictures, to look at: `make cast` serves it until interrupted and keeps nothing."""

import tempfile
from pathlib import Path

import uvicorn

from ews.access import Role
from ews.cli.common import say
from ews.store.links import make_setup_link
from tests.cast import NOON, STAFF, STUDENTS
from tests.services import Running, run_service

PORT = 8000


def invitations(running: Running) -> list[str]:
    """Each person of the cast who may sign in: why they are here, and a link that opens once."""
    with running.service.store.writing() as connection:
        return [
            f"  {one.name:<18} {one.why}\n  {'':<18} http://127.0.0.1:{PORT}/set-up?link="
            f"{make_setup_link(connection, one.key, NOON)}"
            for one in STAFF
            if one.is_active and one.roles - {Role.SERVICE}
        ]


def main() -> None:
    """Serve the cast on 127.0.0.1, on the day on which its tests play."""
    with tempfile.TemporaryDirectory(prefix="ews-cast-") as folder:
        running = run_service(Path(folder), with_model=True)
        say("Whom to look at, all invented:\n")
        for student in STUDENTS:
            say(f"  {student.name:<22} {student.why}")
        say("\nWhom to look as:\n")
        for line in invitations(running):
            say(line)
        uvicorn.run(running.app, host="127.0.0.1", port=PORT, access_log=False, ws="none")


if __name__ == "__main__":
    main()
