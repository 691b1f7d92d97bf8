"""People: roles in areas, and what a role may do there."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from threading import BoundedSemaphore
from typing import Any

from pwdlib import PasswordHash
from pwdlib.hashers.argon2 import Argon2Hasher
from sqlalchemy import select
from sqlalchemy.orm import Session

from broadcaster.errors import ForbiddenError
from broadcaster.reach import Reach, reach_of
from broadcaster.storage.models import GrantRecord


class _FewAtOnce(PasswordHash):
    """Each hash takes 64 MiB: forty log-ins at once, which anybody can send, would take what a small machine has."""

    _AT_ONCE = BoundedSemaphore(2)

    def hash(self, password: str | bytes, *, salt: bytes | None = None) -> str:
        with self._AT_ONCE:
            return super().hash(password, salt=salt)

    def verify(self, password: str | bytes, hash: str | bytes) -> bool:  # noqa: A002  pwdlib's name
        with self._AT_ONCE:
            return super().verify(password, hash)


HASHER = _FewAtOnce((Argon2Hasher(),))
SHORTEST_PASSWORD = 12  # characters
ACCOUNT = "account"
"""What the audit log's entries on accounts begin with: only administrators read them."""
PROOF_HOLDS = timedelta(minutes=5)
"""How long a one-time code that was given counts for what needs one."""


class Role(StrEnum):
    """What somebody does here."""

    VIEWER = "viewer"
    EDITOR = "editor"
    APPROVER = "approver"
    OPERATOR = "operator"
    ADMINISTRATOR = "administrator"


class Right(StrEnum):
    """What can be asked of the station."""

    READ = "read"
    EDIT = "edit"
    RELEASE = "release"
    OPERATE = "operate"
    PRONOUNCE = "pronounce"  # the lexicon and the sound of areas
    ADMINISTER = "administer"


RIGHTS: dict[Role, frozenset[Right]] = {
    Role.VIEWER: frozenset({Right.READ}),
    Role.EDITOR: frozenset({Right.READ, Right.EDIT, Right.PRONOUNCE}),
    Role.APPROVER: frozenset({Right.READ, Right.EDIT, Right.PRONOUNCE, Right.RELEASE}),
    Role.OPERATOR: frozenset({Right.READ, Right.OPERATE}),
    Role.ADMINISTRATOR: frozenset({Right.READ, Right.OPERATE, Right.PRONOUNCE, Right.ADMINISTER}),
}


DEPUTY = frozenset({Right.READ, Right.RELEASE})
"""What a deputy may do in the place of whoever is away."""


@dataclass(frozen=True, slots=True)
class Deputation:
    """In whose place somebody releases, and for how long: a person who is away has named them (decision 0022)."""

    absence: str
    person: str
    name: str
    begins_at: datetime
    ends_at: datetime

    def facts(self) -> dict[str, Any]:
        """For the audit log and the release, in which names and times stand as they were."""
        begins, ends = self.begins_at.isoformat(), self.ends_at.isoformat()
        return {"absence": self.absence, "person": self.person, "name": self.name, "begins_at": begins, "ends_at": ends}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role in an area and what is under it; without an area in the whole station.

    `reach` is that area in the tree as it stands now; it is left out where a grant is only named. `deputy` says in whose place a person has it:
    of the role's rights it then gives those of a deputy.
    """

    role: Role
    area: str | None = None
    reach: Reach | None = field(default=None, compare=False, repr=False)
    deputy: Deputation | None = None

    @property
    def rights(self) -> frozenset[Right]:
        """What it allows."""
        return RIGHTS[self.role] if self.deputy is None else RIGHTS[self.role] & DEPUTY

    def covers(self, area: str | None) -> bool:
        """Whether it holds in this area; None: in the whole station."""
        return self.area is None or (area is not None and area in self._under)

    @property
    def _under(self) -> frozenset[str]:
        return self.reach.under if self.reach is not None else frozenset({self.area or ""})

    @property
    def homes(self) -> tuple[str, ...]:
        """The area to which it is bound, or what still stands of one that has ended."""
        if self.reach is not None and self.reach.left is not None:
            return self.reach.left
        return () if self.area is None else (self.area,)

    def within(self, limit: "Grant | None") -> "Grant | None":
        """What is left of it within another area; None: nothing."""
        if limit is None or limit.area is None or (self.area is not None and limit.covers(self.area)):
            return self
        return replace(self, area=limit.area, reach=limit.reach) if self.covers(limit.area) else None


@dataclass(frozen=True)
class Actor:
    """Somebody who is logged in, or a program with a token of somebody's.

    `rights` narrows what the grants allow (a program's token); `proved` tells whether a one-time code was given
    lately, None where the person has none; `must_change_password` bars everything but that; `address` is where the
    request came from.
    """

    id: str
    username: str
    name: str
    grants: tuple[Grant, ...]
    rights: frozenset[Right] | None = None
    proved: bool | None = None
    must_change_password: bool = False
    address: str = field(default="", compare=False)

    @property
    def role(self) -> Role:
        """The first of the roles, for people to read; what is allowed, `need` and `may` say."""
        return self.grants[0].role if self.grants else Role.VIEWER

    @property
    def home(self) -> str | None:
        """The area whose a thing is that this person makes and says no other; None: the whole station's."""
        return self.grants[0].area if self.grants else None

    def may(self, right: Right, *areas: str | None) -> bool:
        """Whether this person has the right in all of these areas (None: in the whole station); without any: somewhere."""
        if self.must_change_password or (self.rights is not None and right not in self.rights):
            return False
        holding = [grant for grant in self.grants if right in grant.rights]
        return bool(holding) and all(any(grant.covers(area) for grant in holding) for area in areas)

    def in_place_of(self, right: Right, *areas: str | None) -> tuple[Deputation, ...]:
        """In whose places this person does what needs the right in all of these areas; nobody's where the own roles suffice."""
        found: dict[Deputation, None] = {}
        for area in areas:
            holding = [grant for grant in self.grants if right in grant.rights and grant.covers(area)]
            if holding and all(grant.deputy is not None for grant in holding):
                found |= {grant.deputy: None for grant in holding[:1] if grant.deputy is not None}
        return tuple(found)

    def say(self, *areas: str | None) -> Right:
        """The right that a say in what airs in all of these areas needs of this person: whoever operates or releases there has one."""
        by_release = self.may(Right.RELEASE, *areas) and not self.may(Right.OPERATE, *areas)
        return Right.RELEASE if by_release else Right.OPERATE

    def alone(self) -> "Actor":
        """This person with the own roles only, in nobody's place."""
        return replace(self, grants=tuple(grant for grant in self.grants if grant.deputy is None))

    def second_to(self, author: str, right: Right, *areas: str | None) -> "Actor":
        """This person as the second one after `author`, for what only another may do: whoever stands in for the author is no other.

        Raises ForbiddenError like `need`; the caller looks whether the person is the author.
        """
        self.need(right, *areas)
        second = replace(
            self, grants=tuple(each for each in self.grants if not each.deputy or each.deputy.person != author)
        )
        if not second.may(right, *areas):
            raise ForbiddenError(
                "Bạn chỉ duyệt thay chính người soạn, nên không duyệt được. Hãy nhờ người duyệt khác.",
                "You stand in for the author here, so you cannot release it. Ask another approver.",
            )
        return second

    def need(self, right: Right, *areas: str | None) -> None:
        """Raise ForbiddenError unless this person, and the token, have the right in all of these areas. This is the one place that decides."""
        if self.may(right, *areas):
            return
        if self.must_change_password:
            raise ForbiddenError(
                "Mật khẩu của bạn do người quản trị cấp. Hãy đổi mật khẩu trước khi làm việc khác.",
                "Your password was given by an administrator. Change it before anything else.",
            )
        if not any(right in grant.rights for grant in self.grants):
            raise ForbiddenError(
                "Vai trò của bạn không được làm việc này. Hãy nhờ người có quyền.",
                f"Your role ({self.role}) has no right to {right}. Ask somebody whose role has it.",
            )
        if self.rights is not None and right not in self.rights:
            raise ForbiddenError(
                f"Mã truy cập này không có quyền '{right}'. Hãy tạo mã khác.",
                f"This token has no right to {right}. Make another one.",
            )
        raise _elsewhere([area for area in areas if not self.may(right, area)])

    def within(self, right: Right = Right.READ) -> frozenset[str] | None:
        """The areas in which this person has the right; None: everywhere."""
        found: set[str] = set()
        for grant in self.grants:
            if right in grant.rights and (self.rights is None or right in self.rights):
                if grant.area is None:
                    return None
                found |= grant._under
        return frozenset(found)

    def homes(self, right: Right) -> tuple[str, ...]:
        """The areas to which the grants with this right are bound; of those that have ended what still stands."""
        return tuple(dict.fromkeys(home for grant in self.grants if right in grant.rights for home in grant.homes))

    def sees(self) -> frozenset[str] | None:
        """The areas of which this person may read what airs there: one's own, and those above, for it is heard in one's own. None: all."""
        own = self.within()
        if own is None:
            return None
        return own.union(*(grant.reach.above for grant in self.grants if grant.reach is not None))

    def may_see_own(self, area: str | None) -> bool:
        """Whether what belongs to this area, heard or not, is this person's to see."""
        return self.may(Right.READ, area)

    def need_sight(self, areas: Iterable[str | None]) -> None:
        """Raise ForbiddenError unless something that lies in these areas is this person's to see: one of them suffices."""
        self.need(Right.READ)
        seen = self.sees()
        if seen is not None and not seen.intersection(area for area in areas if area is not None):
            raise _elsewhere(list(areas))

    def need_log_in(self) -> None:
        """Raise ForbiddenError for a program: what concerns an account itself needs its owner."""
        if self.rights is not None:
            raise ForbiddenError("Việc này cần đăng nhập.", "This needs a log-in, not a program's token.")

    def need_proof(self) -> None:
        """Raise ForbiddenError if this person has one-time codes and gave none lately."""
        if self.proved is False:
            raise ForbiddenError(
                "Việc này cần mã xác thực. Nhập mã 6 số trong ứng dụng xác thực của bạn.",
                "This needs a one-time code. Enter the 6 digits that your authenticator shows.",
                proof="totp",
            )


def _elsewhere(areas: Sequence[str | None]) -> ForbiddenError:
    named = sorted({area for area in areas if area is not None})
    if not named:
        return ForbiddenError(
            "Việc này cần quyền trên toàn đài. Hãy nhờ người quản trị toàn đài.",
            "This needs a role for the whole station. Ask somebody who has one.",
        )
    return ForbiddenError(
        "Việc này thuộc địa bàn ngoài phạm vi của bạn. Hãy nhờ người phụ trách địa bàn đó.",
        "This concerns an area that is not yours. Ask somebody who serves there.",
        outside=named,
    )


def grants_of(session: Session, person_id: str, today: date) -> tuple[Grant, ...]:
    """A person's roles, each with its reach, in the order in which they were given."""
    return tuple(
        Grant(Role(row.role), row.area_id, reach_of(session, row.area_id, today) if row.area_id is not None else None)
        for row in grant_rows(session, person_id)
    )


def grants_of_all(session: Session) -> dict[str, list[Grant]]:
    """Everybody's roles by person, without their reach."""
    found: dict[str, list[Grant]] = {}
    for row in session.scalars(select(GrantRecord).order_by(GrantRecord.id)):
        found.setdefault(row.person_id, []).append(Grant(Role(row.role), row.area_id))
    return found


def grant_rows(session: Session, person_id: str) -> Sequence[GrantRecord]:
    return session.scalars(select(GrantRecord).where(GrantRecord.person_id == person_id).order_by(GrantRecord.id)).all()
