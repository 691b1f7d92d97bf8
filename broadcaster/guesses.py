"""Guesses at passwords and one-time codes: how many may fail from where, within a while."""

import ipaddress
from datetime import timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from broadcaster.clock import Clock
from broadcaster.errors import TooManyError
from broadcaster.storage.database import Database
from broadcaster.storage.models import LogInFailure

WINDOW = timedelta(minutes=15)
AT_A_NAME = 5
"""Failures from one line at one user name within the window; counted together, so that nobody can lock others out."""
OF_A_LINE = 50
AT_A_NAME_FROM_ANYWHERE = 100


def line_of(address: str) -> str:
    """Whose address it is, for limits: an IPv4 address, or the 64 bits that an IPv6 line has."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:100]
    if isinstance(found, ipaddress.IPv6Address):
        return str(found.ipv4_mapped or ipaddress.IPv6Network((int(found), 64), strict=False))
    return str(found)


class Guesses:
    """Tries are counted before they are looked at, so that many at once are no way around the limit."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def attempt(self, username: str, address: str) -> int:
        """Count a try; it is a failure until it is forgotten. Raises TooManyError."""
        now, line = self._clock.now(), line_of(address)
        with self._database.writing() as session:
            session.execute(delete(LogInFailure).where(LogInFailure.at <= now - WINDOW))
            for limit, conditions in (
                (AT_A_NAME, (LogInFailure.username == username, LogInFailure.address == line)),
                (OF_A_LINE, (LogInFailure.address == line,)),
                (AT_A_NAME_FROM_ANYWHERE, (LogInFailure.username == username,)),
            ):
                last = select(LogInFailure.at).where(*conditions).order_by(LogInFailure.at.desc()).limit(limit)
                tried = session.scalars(last).all()
                if len(tried) >= limit:
                    wait = max(1, int((tried[-1] + WINDOW - now).total_seconds()) + 1)
                    raise TooManyError(
                        f"Sai quá nhiều lần. Thử lại sau {-(-wait // 60)} phút, hoặc nhờ người quản trị cấp lại mật khẩu.",
                        f"Too many failures. Try again in {-(-wait // 60)} minutes, or ask an administrator for a new password.",
                        retry_after_s=wait,
                    )
            row = LogInFailure(username=username, address=line, at=now)
            session.add(row)
            session.flush()
            return row.id

    @staticmethod
    def forget(session: Session, username: str, address: str) -> None:
        """All that had to be given was right: what failed before it from there counts no more."""
        session.execute(
            delete(LogInFailure).where(LogInFailure.username == username, LogInFailure.address == line_of(address))
        )

    @staticmethod
    def forget_one(session: Session, attempt: int) -> None:
        """This one was no failure; those before it still count."""
        session.execute(delete(LogInFailure).where(LogInFailure.id == attempt))
