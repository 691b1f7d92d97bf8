"""The audit trail: who did what others must be able to look up, with the name copied in. Rows are only added."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from broadcaster.people import Actor
from broadcaster.storage.models import AuditEntry


def note(
    session: Session,
    actor: Actor,
    action: str,
    subject: str,
    *,
    at: datetime,
    reason: str | None = None,
    details: dict[str, Any] | None = None,
) -> None:
    """Add an entry in the transaction of what was done: both are kept, or neither."""
    session.add(
        AuditEntry(
            at=at,
            actor_id=actor.id,
            actor_name=actor.name,
            action=action,
            subject=subject,
            reason=reason,
            details=details,
        )
    )
