"""What `make demo` prints at its end leads a first-time visitor to a student's page, by the pages alone (issue 7)."""

import re
import time
from html import unescape

import httpx

from tests.browsers import hidden_fields
from tests.functional.conftest import PATIENCE_SECONDS, Service, alone

PASSWORD = "violet tractor under seven moons"
OWN_PAGE = {"Sec-Fetch-Site": "same-origin", "Accept": "text/html"}


def test_the_last_words_of_the_demo_open_a_students_page_within_a_minute(service: Service):
    folder = service.home.path.parent
    told = (folder / "demo.txt").read_text(encoding="utf-8").split("What to do next")[1]
    assert f"make serve DEMO_HOME={service.home.path}" in told
    (link,) = re.findall(r"http://\S+(/set-up\?link=\S+)", told)
    begin = time.monotonic()
    with alone(folder), httpx.Client(base_url=service.url, headers=OWN_PAGE, trust_env=False, timeout=PATIENCE_SECONDS,
                                     follow_redirects=True) as visitor:  # fmt: skip
        form = hidden_fields(visitor.get(link).text) | {"password": PASSWORD, "again": PASSWORD, "code": ""}
        listed = visitor.post("/set-up", data=form)
        assert re.fullmatch(r"/schools/[^/]+", listed.url.path)
        assert "Open a student" in listed.text
        path, name = re.findall(r'<h3><a href="(/students/[^"]+)">(.*?)</a></h3>', listed.text)[0]
        page = visitor.get(path)
    assert f"<h1>{name}</h1>" in page.text
    assert "Among similar students" in unescape(page.text)
    assert "Keep this contact" in page.text
    assert time.monotonic() - begin < 60
