"""`make cast`: whoever looks at the fictional school gets in as anybody of it."""

from tests.browsers import Browser
from tests.cast import LOU, NIGHTLY, STAFF, VAL
from tests.services import Running
from tests.show_cast import invitations


def test_everybody_with_a_role_gets_a_link_that_opens(running: Running):
    lines = invitations(running)
    assert len(lines) == len({*STAFF} - {LOU, NIGHTLY, VAL})
    for line in lines:
        assert Browser(running.app).get(line.partition("8000")[2].strip()).status_code == 200
