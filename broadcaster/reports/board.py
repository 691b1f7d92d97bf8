"""Who owes a report by when, and who has handed it in: each commune for each campaign of the year, and their province."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.areas import areas_on, day_of, lines_of
from broadcaster.reports.deadlines import Deadline, level_of
from broadcaster.storage.models import Campaign, Report


@dataclass(frozen=True)
class Owed:
    """A report that is owed. `level` is the reminder that was passed last: 30, 7, 1 days, 0 when it is over; none once it is submitted."""

    area: str
    area_name: str
    area_kind: str
    campaign: str
    campaign_name: str
    due_on: date
    state: str  # missing | draft | submitted | late: submitted after the deadline
    report: str | None
    level: int | None

    def days(self, today: date) -> int:
        """Whole days that are left; negative when it is over."""
        return (self.due_on - today).days


def board(session: Session, *, due_on: date, today: date, deadline: Deadline, zone: str) -> list[Owed]:
    """Everything that is owed by a deadline: what presses first, then by area and campaign."""
    found = _owed(session, due_on=due_on, today=today, starts_on=deadline.period(due_on)[0], zone=zone)
    return sorted(found, key=lambda each: (each.state in ("submitted", "late"), each.area_name, each.campaign_name))


def reminders(session: Session, *, today: date, deadline: Deadline, zone: str) -> list[Owed]:
    """What is still owed and has passed a reminder: by the next deadline, and for 90 days by the one before."""
    following = deadline.next(today)
    days = [following]
    before = deadline.of(following.year - 1)
    if today - before <= timedelta(days=90):
        days.insert(0, before)
    return [
        owed
        for due_on in days
        for owed in board(session, due_on=due_on, today=today, deadline=deadline, zone=zone)
        if owed.level is not None
    ]


def _owed(session: Session, *, due_on: date, today: date, starts_on: date, zone: str) -> Iterator[Owed]:
    campaigns = session.scalars(
        select(Campaign).where(Campaign.starts_on <= due_on, Campaign.ends_on >= starts_on).order_by(Campaign.name)
    ).all()
    tree = areas_on(session, min(due_on, today))
    communes = [area for area in tree.values() if area.kind == "commune"]
    lines = lines_of(tree)
    # A province that has one commune here is another station's to report on.
    above = [name for area in communes for name in lines.get(area.id, ())[:-1]]
    owing = [*communes, *(tree[name] for name in sorted(set(above)) if above.count(name) > 1)]
    rows = {
        (row.area_id, row.campaign_id): row for row in session.scalars(select(Report).where(Report.due_on == due_on))
    }
    for campaign in campaigns:
        for area in owing:
            # An area's own campaign is owed there and under it.
            if campaign.area_id is not None and campaign.area_id not in lines.get(area.id, ()):
                continue
            row = rows.get((area.id, campaign.id))
            state = row.state if row is not None else "missing"
            if row is not None and row.submitted_at is not None and day_of(row.submitted_at, zone) > due_on:
                state = "late"
            yield Owed(
                area=area.id,
                area_name=area.name,
                area_kind=area.kind,
                campaign=campaign.id,
                campaign_name=campaign.name,
                due_on=due_on,
                state=state,
                report=row.id if row is not None else None,
                level=None if state in ("submitted", "late") else level_of(due_on, today),
            )
