"""What a cassette of vcrpy's answers, in our words."""

import vcr
from vcr.request import Request

from agentvcr.interop import vcrpy_asking

OLD = """
version: 1
interactions:
- request: {method: GET, uri: 'http://old.example/', body: '', headers: {}}
  response: {status_code: 404, content: gone, headers: {}, http_version: HTTP/1.1}
"""


def test_an_answer_of_old_httpx_cassettes_has_the_reason_that_httpx_gives_it(tmp_path):
    (tmp_path / "old.yaml").write_text(OLD)
    with vcr.use_cassette(str(tmp_path / "old.yaml"), record_mode="none") as cassette:
        answer = vcrpy_asking.answer_of(cassette, Request("GET", "http://old.example/", b"", {}))
    assert (answer.status, answer.reason, answer.body) == (404, b"Not Found", b"gone")
