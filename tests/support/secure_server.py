"""A `ScriptServer` behind TLS, with a certificate of an authority that a test makes.

Owns the handshake and the authority's file.
"""

import io
import pathlib
import ssl

import trustme

from tests.support.loopback import Line
from tests.support.script_server import ScriptServer


class SecureServer(ScriptServer):
    """Serves 127.0.0.1 and localhost over TLS; `authority` is a file to trust."""

    def __init__(self, folder: pathlib.Path) -> None:
        super().__init__()
        authority = trustme.CA()
        self.authority = folder / "authority.pem"
        authority.cert_pem.write_to_path(str(self.authority))
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(self._context)

    @property
    def base_url(self) -> str:
        return super().base_url.replace("http:", "https:")

    def _converse(self, line: Line) -> None:
        try:
            line.secure(self._context)
        except OSError:  # the peer does not trust us
            line.reader = io.BytesIO()
        super()._converse(line)
