"""Groups: targets saved under a name, chosen from the tree of areas and the receivers in them."""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Form, Request
from pydantic import BaseModel, Field, ValidationError
from sqlalchemy import select
from sqlalchemy.orm import Session
from starlette.responses import RedirectResponse, Response

from api.auth import ActorDep, StationDep
from api.problems import page_language
from api.web import page as pages
from api.web.area_tree import AreaTree, by_name
from api.web.fields import SureDep, require_sure
from api.web.meanwhile import carried, changed_of
from api.web.words import words
from broadcaster.errors import BroadcasterError, InvalidError, NotFoundError
from broadcaster.groups import state_of
from broadcaster.people import Actor, Right
from broadcaster.station import Station
from broadcaster.storage.models import ReceiverGroup
from broadcaster.targets import Place, Places, Targets

router = pages.router()
DRAWN = 200
"""Areas and receivers on one form; of a larger station one commune at a time is shown, or the communes of a province."""
Names = Annotated[list[Annotated[str, Field(max_length=64)]], Field(max_length=5000)]


class GroupForm(BaseModel):
    """What somebody chose."""

    name: Annotated[str, Field(max_length=200)] = ""
    within: Annotated[str, Field(max_length=64)] = ""
    areas: Names = Field(default_factory=list)
    receivers: Names = Field(default_factory=list)
    excluded_areas: Names = Field(default_factory=list)
    excluded: Names = Field(default_factory=list)
    kinds: Names = Field(default_factory=list)
    seen: Annotated[str, Field(max_length=1_000_000)] = ""

    @classmethod
    def of(cls, row: ReceiverGroup) -> "GroupForm":
        """A saved group as it is typed."""
        return cls.model_validate({"name": row.name, **Targets.model_validate(row.targets).model_dump(mode="json")})

    def targets(self) -> Targets:
        """Raises InvalidError."""
        if not self.name.strip():
            raise InvalidError("Đặt tên cho nhóm.", "Give the group a name.", field="name")
        try:
            return Targets(
                areas=tuple(self.areas),
                receivers=tuple(self.receivers),
                excluded_areas=tuple(self.excluded_areas),
                excluded=tuple(self.excluded),
                kinds=tuple(self.kinds),  # type: ignore[arg-type]  # pydantic says whether they are
            )
        except ValidationError as error:
            raise InvalidError(
                "Chọn ít nhất một địa bàn hoặc thiết bị.", "Choose at least one area or receiver.", field="areas"
            ) from error


@router.get("/groups")
def groups(request: Request, station: StationDep, actor: ActorDep) -> Response:
    """The saved groups, in words, with how many receivers each comes to today."""
    actor.need(Right.READ)
    with station.database.reading() as session:
        places = Places(session, station.today())
        rows = session.scalars(select(ReceiverGroup)).all()
    targets = [(row, Targets.model_validate(row.targets)) for row in sorted(rows, key=lambda row: by_name(row.name))]
    return pages.page(
        request,
        "groups.html",
        actor=actor,
        tree=AreaTree(places.areas),
        receivers=places.receivers,
        groups=[(row, given, len(places.resolve(given).receivers)) for row, given in targets],
        may_change=actor.may(Right.OPERATE),
    )


@router.get("/groups/new")
def new(request: Request, station: StationDep, actor: ActorDep, within: str = "") -> Response:
    """The form of a new group."""
    actor.need(Right.OPERATE)
    return _form(request, station, actor, GroupForm(kinds=["loudspeaker", "screen"], within=within))


@router.post("/groups/new")
def save_new(request: Request, station: StationDep, actor: ActorDep, form: Annotated[GroupForm, Form()]) -> Response:
    """Save it."""
    return _save(request, station, actor, form, None)


@router.get("/groups/{group_id}")
def one(request: Request, station: StationDep, actor: ActorDep, group_id: str, within: str = "") -> Response:
    """The form of a group."""
    actor.need(Right.OPERATE)
    with station.database.reading() as session:
        form = GroupForm.of(_find(session, group_id)).model_copy(update={"within": within})
    return _form(request, station, actor, form, group=group_id)


@router.post("/groups/{group_id}")
def save(
    request: Request, station: StationDep, actor: ActorDep, group_id: str, form: Annotated[GroupForm, Form()]
) -> Response:
    """Put other targets under the name; what was released with it stays."""
    return _save(request, station, actor, form, group_id)


@router.post("/groups/{group_id}/removal")
def remove(
    request: Request,
    station: StationDep,
    actor: ActorDep,
    group_id: str,
    sure: SureDep = "",
) -> Response:
    """Forget a group."""
    actor.need(Right.OPERATE)
    try:
        require_sure(sure)
    except InvalidError as error:
        with station.database.reading() as session:
            form = GroupForm.of(_find(session, group_id))
        return _form(request, station, actor, form, group=group_id, problem=error)
    station.groups.remove(actor, group_id)
    return RedirectResponse("/groups?done=group_removed", 303)


def _save(request: Request, station: Station, actor: Actor, form: GroupForm, group: str | None) -> Response:
    actor.need(Right.OPERATE)
    try:
        station.groups.save(actor, name=form.name.strip(), targets=form.targets(), group=group, seen=form.seen)
    except BroadcasterError as error:
        return _form(request, station, actor, form, group=group, problem=error)
    return RedirectResponse("/groups?done=group_saved", 303)


def _find(session: Session, group: str) -> ReceiverGroup:
    row = session.get(ReceiverGroup, group)
    if row is None:
        raise NotFoundError("Không có nhóm này.", "There is no such group.")
    return row


def _form(
    request: Request,
    station: Station,
    actor: Actor,
    form: GroupForm,
    *,
    group: str | None = None,
    problem: BroadcasterError | None = None,
) -> Response:
    with station.database.reading() as session:
        places = Places(session, station.today())
        held = state_of(_find(session, group)) if group is not None else None
    tree = AreaTree(places.areas)
    large = len(places.areas) + len(places.receivers) > DRAWN
    start = tree.first(actor) if large or actor.home in places.areas else None
    top = form.within if form.within in places.areas else start
    nodes = list(tree.walk(top))
    at: dict[str, list[Place]] = {area.id: [] for area, _ in nodes}
    for place in sorted(places.receivers.values(), key=lambda place: by_name(place.name)):
        if place.area_id in at:
            at[place.area_id].append(place)
    many = len(nodes) + sum(map(len, at.values())) > DRAWN
    communes = many and top is not None and tree.areas[top].kind == "province"
    if communes:  # villages and receivers are chosen where one commune is shown
        nodes = [(area, depth) for area, depth in nodes if area.kind != "village"]
        at = {area.id: [] for area, _ in nodes}
    return pages.page(
        request,
        "group.html",
        actor=actor,
        form=form,
        group=group,
        tree=tree,
        top=tree.areas[top] if top else None,
        large=large,
        communes=communes,
        nodes=nodes,
        at=at,
        drawn={place.id for found in at.values() for place in found},
        receivers=places.receivers,
        problem=problem,
        seen=carried(form.seen, problem, held) if held is not None else "",
        changed=[
            (_LABELS[name], *(_said(tree, places, words(page_language(request)), each) for each in pair))
            for name, pair in changed_of(problem).items()
        ],
    )


_LABELS = {
    "name": "group_name",
    "kinds": "group_kinds",
    "areas": "group_chosen",
    "receivers": "group_chosen",
    "excluded_areas": "group_excluded",
    "excluded": "group_excluded",
}


def _said(tree: AreaTree, places: Places, words_of: Mapping[str, str], value: Any) -> str:
    """A name, or names of areas and receivers."""
    if value in (["loudspeaker"], ["screen"], ["loudspeaker", "screen"]):
        return ", ".join(words_of[kind] for kind in value)
    names = value if isinstance(value, list) else [] if value is None else [value]
    known = {place.id: place.name for place in places.receivers.values()}
    return ", ".join(tree.said(name) if name in tree.areas else known.get(name, str(name)) for name in names)
