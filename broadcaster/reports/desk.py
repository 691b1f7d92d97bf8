"""The desk at which reports are begun, filled in and submitted. Figures are the log's of the moment until a report is submitted."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from broadcaster import audit
from broadcaster.areas import AreaOn, areas_on, day_of, lines_of, require
from broadcaster.clock import Clock
from broadcaster.errors import ConflictError, CountingError, InvalidError, NotFoundError
from broadcaster.identity import new_id
from broadcaster.people import Actor, Right
from broadcaster.reports.beside import Beside, Progress
from broadcaster.reports.board import Owed, board, reminders
from broadcaster.reports.counting import Counting
from broadcaster.reports.deadlines import Deadline
from broadcaster.reports.figures import Figures, Scope
from broadcaster.reports.filled import Filled
from broadcaster.storage.database import HELD, Database
from broadcaster.storage.models import Area, Campaign, Report


@dataclass(frozen=True)
class Below:
    """The report of an area under this one's, for the same campaign and deadline. `filled` is its own once submitted."""

    area: str
    state: str  # draft | submitted
    filled: Filled | None


@dataclass(frozen=True)
class View:
    """A report with all that its document says."""

    scope: Scope
    area: AreaOn | None
    areas: dict[str, str]  # names by id, of whatever stood or stands
    campaign: str | None  # its name
    filled: Filled
    figures: Figures
    below: tuple[Below, ...]


class Reports:
    """The reports of a station."""

    def __init__(self, database: Database, clock: Clock, *, zone: str, deadline: Deadline) -> None:
        self._database = database
        self._clock = clock
        self.zone = zone
        self.deadline = deadline
        self.counting = Counting(database, clock, zone=zone)
        self._handing_in = Beside[int](clock, name="handing-in", threads=4)

    def close(self) -> None:
        """Stop what is being counted and handed in: what is not handed in yet stays a draft."""
        self._handing_in.close()
        self.counting.close()

    def begin(
        self,
        actor: Actor,
        *,
        area: str,
        campaign: str | None = None,
        due_on: date | None = None,
        period: tuple[date, date] | None = None,
    ) -> str:
        """A new report: the one that is owed by `due_on`, or of a period of one's own; returns its id.

        Raises InvalidError for an unknown area, campaign or day, ConflictError if that report was begun already.
        """
        actor.need(Right.EDIT, area)
        starts_on, ends_on = self._period(due_on, period)
        now = self._clock.now()
        with self._database.writing() as session:
            require(areas_on(session, ends_on), [area])
            if campaign is not None and session.get(Campaign, campaign) is None:
                raise InvalidError(
                    f"Không có đợt tuyên truyền '{campaign}'.",
                    f"There is no campaign '{campaign}'.",
                    field="campaign",
                )
            if due_on is not None:
                self._not_begun(session, area, campaign, due_on)
            row = Report(
                id=new_id(),
                area_id=area,
                campaign_id=campaign,
                starts_on=starts_on,
                ends_on=ends_on,
                due_on=due_on,
                state="draft",
                revision=1,
                filled=self._head_and_foot(session, area).model_dump(mode="json"),
                created_at=now,
                changed_by=actor.id,
                changed_at=now,
            )
            session.add(row)
            try:
                session.flush()
            except IntegrityError as error:  # somebody began it between our look and now
                raise _begun() from error
            return row.id

    def fill(self, actor: Actor, report: str, filled: Filled, *, revision: int) -> int:
        """Replace what was filled in at `revision`; returns the new one. Every revision stays in the audit trail.

        Raises NotFoundError; ConflictError if somebody else was faster, or if the report is submitted.
        """
        actor.need(Right.EDIT)
        with self._database.writing() as session:
            row = self._find(session, report, for_update=True)
            actor.need(Right.EDIT, row.area_id)
            self._at(row, revision)
            if row.state == "submitted":
                raise ConflictError(
                    "Báo cáo đã nộp. Muốn sửa, người duyệt phải mở lại.",
                    "The report is submitted. To change it an approver must open it again.",
                )
            self._change(session, row, actor)
            before, row.filled = row.filled, filled.model_dump(mode="json")
            audit.note(
                session,
                actor,
                "report-filled",
                row.id,
                at=row.changed_at,
                areas=[row.area_id],
                before=before,
                after=row.filled,
                details={"revision": row.revision},
            )
            return row.revision

    def submit(self, actor: Actor, report: str, *, revision: int, wait_s: float | None = None) -> int:
        """Hand it in, with figures that are counted from now on; for who may release. Returns the new revision, also to whoever asks again.

        Neither figures that were shown before nor those of the last minutes are taken: what the log holds now is in them. Raises CountingError
        while they are being counted; it is then handed in as soon as they are there, unless somebody changes the report or the station stops
        before: then it stays a draft. It counts as submitted at the instant at which it was asked to be.
        """
        actor.need(Right.RELEASE)
        with self._database.reading() as session:
            row = self._find(session, report)
            if not _handed_in(row, actor, revision):
                self._may_submit(actor, row, revision)
        name = (report, revision, actor.id)
        hand_in = partial(
            self._hand_in, actor, report, revision, asked_at=self._clock.now(), ticket=self.counting.ticket()
        )
        while (made := self.submission(actor, report, revision=revision, wait_s=wait_s)) is None:
            self._handing_in.begin(name, hand_in)
        return made

    def submission(self, actor: Actor, report: str, *, revision: int, wait_s: float | None = None) -> int | None:
        """The revision that came of handing it in; None if this person did not hand in that one. Raises CountingError and whatever stood in its way."""
        try:
            made = self._handing_in.outcome((report, revision, actor.id), wait_s=wait_s)
        except CountingError as error:
            then = (
                "Khi xong, báo cáo được nộp với số liệu đó; gửi lại để biết kết quả.",
                "The report is then handed in with them; send the same again to be told.",
            )
            raise CountingError(error.done, error.of, then=then) from error
        return revision + 1 if made is None and _handed_in(self.read(actor, report), actor, revision) else made

    def _hand_in(
        self, actor: Actor, report: str, revision: int, progress: Progress, *, asked_at: datetime, ticket: int
    ) -> int:
        with self._database.reading() as session:
            row = self._find(session, report)
        figures = self.counting.awaited(scope_of(row), progress, ticket=ticket)
        with self._database.writing() as session:
            row = self._find(session, report, for_update=True)
            self._may_submit(actor, row, revision)
            self._change(session, row, actor)
            row.state, row.figures = "submitted", figures.model_dump(mode="json")
            row.submitted_by, row.submitted_at = actor.id, asked_at
            audit.note(
                session,
                actor,
                "report-submitted",
                row.id,
                at=row.changed_at,
                areas=[row.area_id],
                right=Right.RELEASE,
                details={"revision": row.revision, "figures": row.figures},
            )
            return row.revision

    def _may_submit(self, actor: Actor, row: Report, revision: int) -> None:
        actor.need(Right.RELEASE, row.area_id)
        self._at(row, revision)
        if row.state == "submitted":
            raise ConflictError("Báo cáo đã nộp rồi.", "The report is submitted already.")

    def reopen(self, actor: Actor, report: str, *, reason: str) -> int:
        """Take a submitted report back for changes. For who may release; returns the new revision."""
        actor.need(Right.RELEASE)
        with self._database.writing() as session:
            row = self._find(session, report, for_update=True)
            actor.need(Right.RELEASE, row.area_id)
            if row.state != "submitted":
                raise ConflictError("Báo cáo chưa nộp.", "The report is not submitted.")
            self._change(session, row, actor)
            row.state, row.figures, row.submitted_by, row.submitted_at = "draft", None, None, None
            audit.note(
                session,
                actor,
                "report-reopened",
                row.id,
                at=row.changed_at,
                areas=[row.area_id],
                right=Right.RELEASE,
                reason=reason,
                details={"revision": row.revision},
            )
            return row.revision

    def read(self, actor: Actor, report: str) -> Report:
        """The report as it was filled in. Raises NotFoundError."""
        actor.need(Right.READ)
        with self._database.reading() as session:
            row = self._find(session, report)
        actor.need(Right.READ, row.area_id)
        return row

    def view(self, report: str, *, count: Callable[[Scope], Figures] | None = None) -> View:
        """With its figures and what stands below it. `count`: those of a draft, in place of what a page waits for. Raises NotFoundError, CountingError."""
        figures: Figures | None = None
        while True:
            with self._database.reading() as session:
                row = self._find(session, report)
                if row.figures:
                    figures = Figures.model_validate(row.figures)
                if figures is not None:
                    filled, below = Filled.model_validate(row.filled), tuple(self._below(session, row))
                    return self._view(session, scope_of(row), figures, filled=filled, below=below)
            figures = (count or self.counting.figures)(scope_of(row))

    def unfilled(self, scope: Scope, figures: Figures) -> View:
        """The same of any scope, with nothing filled in."""
        with self._database.reading() as session:
            return self._view(session, scope, figures)

    def board(self, session: Session, due_on: date) -> list[Owed]:
        """Who owes what by a deadline, and who has handed it in."""
        return board(session, due_on=due_on, today=self._today(), deadline=self.deadline, zone=self.zone)

    def reminders(self, session: Session) -> list[Owed]:
        """What is still owed 30, 7 or 1 days before its deadline, or after it."""
        return reminders(session, today=self._today(), deadline=self.deadline, zone=self.zone)

    def _today(self) -> date:
        return day_of(self._clock.now(), self.zone)

    def _view(
        self,
        session: Session,
        scope: Scope,
        figures: Figures,
        *,
        filled: Filled | None = None,
        below: tuple[Below, ...] = (),
    ) -> View:
        campaign = session.get(Campaign, scope.campaign) if scope.campaign is not None else None
        standing = areas_on(session, scope.ends_on)
        return View(
            scope=scope,
            area=standing.get(scope.area) if scope.area is not None else None,
            areas=dict(session.execute(select(Area.id, Area.name)).all()),
            campaign=campaign.name if campaign else None,
            filled=filled or Filled(),
            figures=figures,
            below=below,
        )

    def _below(self, session: Session, row: Report) -> Iterator[Below]:
        if row.due_on is None:
            return
        tree = areas_on(session, row.ends_on)
        lines = lines_of(tree)
        query = select(Report).where(
            Report.due_on == row.due_on, Report.campaign_id.is_not_distinct_from(row.campaign_id), Report.id != row.id
        )
        for other in session.scalars(query.order_by(Report.area_id)):
            if row.area_id in lines.get(other.area_id, ())[:-1]:
                done = other.state == "submitted"
                filled = Filled.model_validate(other.filled) if done else None
                yield Below(tree[other.area_id].name, other.state, filled)

    def _period(self, due_on: date | None, period: tuple[date, date] | None) -> tuple[date, date]:
        if (due_on is None) == (period is None):
            raise InvalidError(
                "Chọn hạn nộp, hoặc chọn từ ngày đến ngày.", "Give either a deadline or a period.", field="due_on"
            )
        if period is None:
            assert due_on is not None  # noqa: S101  one of the two
            if due_on != self.deadline.of(due_on.year):
                right = self.deadline.next(self._today())
                raise InvalidError(
                    f"Hạn nộp hằng năm là ngày {right:%d/%m}.",
                    f"Reports are due on {right:%d/%m} of each year.",
                    field="due_on",
                )
            return self.deadline.period(due_on)
        if period[1] < period[0]:
            raise InvalidError("Ngày cuối đứng trước ngày đầu.", "The period ends before it begins.", field="period")
        return period

    @staticmethod
    def _head_and_foot(session: Session, area: str) -> Filled:
        """What stays the same from one report of an area to its next; the rest is empty."""
        query = (
            select(Report.filled).where(Report.area_id == area).order_by(Report.changed_at.desc(), Report.id).limit(1)
        )
        former = session.scalar(query)
        return Filled() if former is None else Filled.model_validate(former).head_and_foot()

    @staticmethod
    def _not_begun(session: Session, area: str, campaign: str | None, due_on: date) -> None:
        query = select(Report.id).where(
            Report.area_id == area, Report.campaign_id.is_not_distinct_from(campaign), Report.due_on == due_on
        )
        found = session.scalar(query)
        if found is not None:
            raise _begun(report=found)

    def _change(self, session: Session, row: Report, actor: Actor) -> None:
        row.revision += 1
        row.changed_by, row.changed_at = actor.id, self._clock.now()
        session.flush()

    @staticmethod
    def _at(row: Report, revision: int) -> None:
        if row.revision != revision:
            raise ConflictError(
                "Người khác vừa sửa báo cáo này. Tải lại trang rồi nhập lại.",
                "Somebody else has changed this report. Load it again.",
                revision=row.revision,
            )

    @staticmethod
    def _find(session: Session, report: str, *, for_update: bool = False) -> Report:
        row = session.get(Report, report, with_for_update=HELD if for_update else None)
        if row is None:
            raise NotFoundError(f"Không có báo cáo '{report}'.", f"There is no report '{report}'.")
        return row


def _begun(**details: str) -> ConflictError:
    return ConflictError("Báo cáo này đã có người lập.", "That report was begun already.", **details)


def _handed_in(row: Report, actor: Actor, revision: int) -> bool:
    """Whether this is what came of this person's handing in of that revision."""
    return row.state == "submitted" and row.submitted_by == actor.id and row.revision == revision + 1


def scope_of(row: Report) -> Scope:
    """What a report is about."""
    return Scope(row.starts_on, row.ends_on, area=row.area_id, campaign=row.campaign_id)
