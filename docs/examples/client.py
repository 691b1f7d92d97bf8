"""Write a bulletin, have another person release it, and read the log: with the generated client and two persons' tokens.

    python client.py https://dai.tanphong.example xa-tan-phong EDITOR_TOKEN APPROVER_TOKEN

`make client` makes the client (docs/how-to/use-the-client.md). Tokens are made on one's own page, /me.
"""

import sys
import time
from typing import TypeVar

from broadcaster_client import AuthenticatedClient
from broadcaster_client.api.as_run_log import read_log
from broadcaster_client.api.bulletins import read_bulletin, submit_bulletin, write_bulletin
from broadcaster_client.api.releases import preview, release
from broadcaster_client.models import (
    AtOnce,
    Bulletin,
    BulletinInput,
    PlanItem,
    Preview,
    Release,
    ReleaseInput,
    RevisionInput,
    Targets,
)

T = TypeVar("T")
PATIENCE_S = 120  # a slow machine speaks a bulletin in some seconds


def main(station: str, area: str, editor_token: str, approver_token: str) -> None:
    """Do it; anything else than success raises, with what the station said."""
    editor, approver = (AuthenticatedClient(base_url=station, token=each) for each in (editor_token, approver_token))
    written = write_bulletin.sync(
        client=editor,
        body=BulletinInput(
            title="Họp thôn",
            text="Kính mời bà con đến nhà văn hóa lúc bảy giờ tối.",
            plan=[PlanItem(rule=AtOnce(), targets=Targets(areas=[area]))],
        ),
        idempotency_key=f"hop-thon-{time.time_ns()}",  # sent again after a failure, it is one bulletin still
    )
    bulletin = expected(Bulletin, written)
    until = time.monotonic() + PATIENCE_S
    while bulletin.rendering == "pending" and time.monotonic() < until:
        time.sleep(0.2)
        bulletin = expected(Bulletin, read_bulletin.sync(bulletin.id, client=editor))
    submit_bulletin.sync(bulletin.id, client=editor, body=RevisionInput(revision=bulletin.revision))

    seen = expected(Preview, preview.sync(bulletin.id, client=approver))
    asked = ReleaseInput(bulletin=bulletin.id, content_sha256=seen.content_sha256)
    released = expected(Release, release.sync(client=approver, body=asked))
    sys.stdout.write(f"released: {released.id} of revision {released.revision}\n")

    log = read_log.sync(client=approver)
    sys.stdout.write(f"log: {log}\n")


def expected(kind: type[T], answer: object) -> T:
    """The answer, if it is of this kind; otherwise it says what went wrong, in the language that was asked for."""
    if not isinstance(answer, kind):
        raise SystemExit(f"The station refused: {getattr(answer, 'detail', answer)}")
    return answer


if __name__ == "__main__":
    main(*sys.argv[1:])
