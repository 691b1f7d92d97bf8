"""A year of a commune's as-run log, as ingestion would have written it, with all that goes wrong."""

import hashlib
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from broadcaster import asrun
from broadcaster.identity import Signatory
from broadcaster.storage.database import Database

GROUPS = ("Chủ trương, đường lối", "Văn bản chỉ đạo", "Gương điển hình", None)
PROGRAMMES = (("chuyen-doi-so", "Chuyển đổi số"), ("nong-nghiep", "Nông nghiệp"), (None, None))
CAMPAIGN = ("nq57", "Nghị quyết 57")
ENDS = (
    *[("received", "ready", "started", "finished")] * 12,
    ("received", "ready", "started", "interrupted"),
    ("received", "ready", "started", "interrupted", "finished"),  # it went on
    ("received", "ready", "missed"),
    ("received", "ready"),
    ("received", "refused"),
    ("received", "ready", "started", "failed"),
    ("refused",),
    (),  # it never said a word
)


def rows(
    *, year: int = 2026, days: int = 365, airings: int = 2, receivers: int = 6, seed: int = 57
) -> Iterator[list[dict[str, Any]]]:
    """The rows of one day after another; some are a drill's, some of another campaign or of none."""
    draw = random.Random(seed)
    number = 0
    for day in range(days):
        found: list[dict[str, Any]] = []
        for nth in range(airings):
            due = datetime(year, 1, 1, 22 if nth == 0 else 10, 0, nth, tzinfo=UTC) + timedelta(days=day - (nth == 0))
            text = f"{day // 3}-{nth}"
            duration = 20_000 + draw.randrange(180_000)
            programme_id, programme = draw.choice(PROGRAMMES)
            campaign_id, campaign = CAMPAIGN if draw.random() < 0.7 else (None, None)
            airing = {
                "airing_id": f"luot-{year}-{day:03}-{nth}",
                "due_at": due,
                "bulletin_id": f"tin-{text}",
                "bulletin_title": f"Bản tin {text}",
                "clip_sha256": hashlib.sha256(text.encode()).hexdigest(),
                "order_id": f"lenh-{year}-{day:03}-{nth}",
                "order_revision": 1,
                "field": "chuyển đổi số",
                "priority": "priority" if draw.random() < 0.1 else "routine",
                "duration_ms": duration,
                "programme": programme,
                "programme_id": programme_id,
                "campaign": campaign,
                "campaign_id": campaign_id,
                "content_group": draw.choice(GROUPS) if campaign else None,
                "drill": True if draw.random() < 0.02 else None,
            }
            for place in range(receivers):
                village = ("thon-dong", "thon-doai")[place % 2]
                at_commune = place % 6 == 5
                for state in draw.choice(ENDS):
                    number += 1
                    played = duration if state == "finished" else draw.randrange(duration)
                    late = state in ("started", "interrupted", "finished", "failed")
                    found.append(
                        {
                            **airing,
                            "receipt_id": f"xn-{year}-{number}",
                            "receiver_id": f"loa-{place}",
                            "receiver_name": f"Cụm loa {place}",
                            "receiver_kind": "screen" if at_commune else "loudspeaker",
                            "receiver_seq": number,
                            "area_id": "xa" if at_commune else village,
                            "area_name": f"Địa bàn {'xa' if at_commune else village}",
                            "area_line": ["tinh", "xa"] if at_commune else ["tinh", "xa", village],
                            "state": state,
                            "at": due + timedelta(minutes=1) if late else due - timedelta(hours=30),
                            "reason": ("clip_mismatch" if place % 2 else "expired") if state == "refused" else None,
                            "detail": None,
                            "evidence": {"played_ms": played} if late and state != "started" else None,
                            "envelope_sha256": "0" * 64,
                            "received_at": due + timedelta(minutes=2),
                        }
                    )
        yield found


def write(database: Database, signatory: Signatory, **size: int) -> int:
    """Append the year to a database's log, a month in one transaction; returns how many rows there are."""
    count = 0
    waiting: list[dict[str, Any]] = []

    def append(now: date) -> None:
        with database.writing() as session:
            asrun.append(session, waiting, signatory=signatory, now=datetime(now.year, now.month, 28, tzinfo=UTC))
        waiting.clear()

    first = date(size.get("year", 2026), 1, 1)
    for day, found in enumerate(rows(**size)):
        waiting += found
        count += len(found)
        if day % 30 == 29:
            append(first + timedelta(days=day))
    append(first + timedelta(days=size.get("days", 365) - 1))
    return count
