"""The courier: takes alerts out of the outbox to e-mail and webhooks, again and again until they have arrived."""

import hashlib
import hmac
import json
import logging
import random
import smtplib
import ssl
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from email.message import EmailMessage
from email.utils import format_datetime, make_msgid
from typing import Literal

from sqlalchemy import select

from broadcaster.alerts import sentences
from broadcaster.clock import Clock
from broadcaster.storage.database import Database
from broadcaster.storage.models import AlertDelivery

log = logging.getLogger(__name__)
TIMEOUT_S = 10.0
TOGETHER = 50
FIRST, LONGEST, GIVEN_UP = timedelta(seconds=30), timedelta(hours=1), timedelta(days=3)
"""The first pause between two attempts, the longest, and when nobody tries any more."""
SIGNATURE = "X-Broadcaster-Signature"


@dataclass(frozen=True)
class Mail:
    """How the station sends e-mail."""

    host: str
    port: int
    sender: str
    security: Literal["none", "starttls", "tls"] = "starttls"
    username: str | None = None
    password: str | None = None


class DeliveryError(Exception):
    """It did not arrive; the message says why."""


def signature(secret: str, at: int, body: bytes) -> str:
    """`t=<seconds>,v1=<hex>`: HMAC-SHA256 over the seconds, a full stop and the body. A reader refuses one that is five minutes old."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


class Courier:
    """Delivers what is due. What goes to one address at one time goes in one message."""

    def __init__(
        self, database: Database, clock: Clock, *, mail: Mail | None, secret: str | None, station: str, zone: str
    ) -> None:
        """`secret`: what webhooks are signed with."""
        self._database = database
        self._clock = clock
        self._mail = mail
        self._secret = secret
        self._station = station
        self._zone = zone

    def deliver(self) -> int:
        """Try what is due; returns how many have arrived."""
        now = self._clock.now()
        with self._database.reading() as session:
            query = select(AlertDelivery).where(AlertDelivery.next_at <= now)
            rows = session.scalars(query.order_by(AlertDelivery.created_at, AlertDelivery.id).limit(500)).all()
        by_target: dict[tuple[str, str], list[AlertDelivery]] = defaultdict(list)
        for row in rows:
            by_target[row.channel, row.target].append(row)
        arrived = 0
        for (channel, target), waiting in by_target.items():
            some = waiting[:TOGETHER]
            problem: str | None = None
            try:
                if channel == "email":
                    self._send_mail(target, some, now)
                else:
                    self._post(target, some, now)
            except DeliveryError as error:
                problem = str(error)
                log.warning("%d alerts could not be sent to %s: %s", len(some), target, problem)
            except Exception as error:  # whatever it was, other addresses do not wait for it
                problem = f"{type(error).__name__}: {error}"
                log.exception("%d alerts could not be sent to %s", len(some), target)
            self._note(some, problem, now)
            arrived += 0 if problem else len(some)
        return arrived

    def _note(self, rows: Sequence[AlertDelivery], problem: str | None, now: datetime) -> None:
        with self._database.writing() as session:
            for sent in rows:
                row = session.get(AlertDelivery, sent.id)
                if row is None:
                    continue
                row.attempts += 1
                if problem is None:
                    row.delivered_at, row.next_at, row.last_error = now, None, None
                    continue
                row.last_error = problem[:500]
                pause = min(FIRST * 2 ** (row.attempts - 1), LONGEST) * random.uniform(0.8, 1.2)  # noqa: S311 - spreading
                row.next_at = None if now - row.created_at > GIVEN_UP else now + pause

    def _send_mail(self, target: str, rows: Sequence[AlertDelivery], now: datetime) -> None:
        if self._mail is None:
            raise DeliveryError("no mail server is set (alert_smtp_host)")
        lines = [sentences.line(row.content, self._zone) for row in rows]
        message = EmailMessage()
        message["From"], message["To"] = self._mail.sender, target
        message["Date"], message["Message-ID"] = format_datetime(now), make_msgid(domain="broadcaster.invalid")
        more = f" (+{len(lines) - 1})" if len(lines) > 1 else ""
        subject = f"{self._station}: {lines[0][0][:150]}{more}"
        message["Subject"] = " ".join(subject.split())  # one line, whatever names hold
        message.set_content("\n".join(vi for vi, _ in lines) + "\n\n-- \n" + "\n".join(en for _, en in lines) + "\n")
        try:
            context = ssl.create_default_context()
            server: smtplib.SMTP
            if self._mail.security == "tls":
                server = smtplib.SMTP_SSL(self._mail.host, self._mail.port, timeout=TIMEOUT_S, context=context)
            else:
                server = smtplib.SMTP(self._mail.host, self._mail.port, timeout=TIMEOUT_S)
            with server:
                if self._mail.security == "starttls":
                    server.starttls(context=context)
                if self._mail.username is not None:
                    server.login(self._mail.username, self._mail.password or "")
                server.send_message(message)
        except (OSError, smtplib.SMTPException) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error

    def _post(self, target: str, rows: Sequence[AlertDelivery], now: datetime) -> None:
        alerts = []
        for row in rows:
            vi, en = sentences.line(row.content, self._zone)
            alerts.append({**row.content, "delivery": row.id, "text": {"vi": vi, "en": en}})
        body = json.dumps({"station": self._station, "alerts": alerts}, ensure_ascii=False).encode()
        headers = {"Content-Type": "application/json; charset=utf-8", "User-Agent": "commune-broadcaster"}
        if self._secret:
            headers[SIGNATURE] = signature(self._secret, int(now.timestamp()), body)
        request = urllib.request.Request(target, data=body, headers=headers, method="POST")  # noqa: S310 - http(s) by the settings
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310
                if not 200 <= answer.status < 300:
                    raise DeliveryError(f"answered {answer.status}")
        except urllib.error.HTTPError as error:
            raise DeliveryError(f"answered {error.code}") from error
        except (OSError, ValueError) as error:
            raise DeliveryError(f"{type(error).__name__}: {error}") from error
