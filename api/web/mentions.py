"""Bulletins that a change concerned, on the page that tells of it. The form is answered with a redirect, whose address names them: going back sends nothing again."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlencode

from fastapi import Query
from pydantic import Field
from sqlalchemy import select

from broadcaster.lexicons import Mention
from broadcaster.people import Actor
from broadcaster.station import Station
from broadcaster.storage.models import Bulletin
from broadcaster.whereabouts import visible_to

MOST = 50
"""So many are named; servers in between take no address of more than some 8 KB."""
IdsDep = Annotated[list[Annotated[str, Field(max_length=64)]], Query(default_factory=list, max_length=MOST)]
CountDep = Annotated[int, Query(ge=0, le=10**9)]


@dataclass(frozen=True)
class Named:
    """The first of them, and how many there are."""

    mentions: Sequence[Mention]
    all: int

    @property
    def more(self) -> int:
        """How many are not named."""
        return self.all - len(self.mentions)


def address_of(name: str, mentions: Sequence[Mention]) -> str:
    """What an address has of them: `anew=id&anew=id&anew_all=2`."""
    return urlencode([*((name, each.id) for each in mentions[:MOST]), (f"{name}_all", len(mentions))])


def named(station: Station, actor: Actor, ids: Sequence[str], count: int) -> Named:
    """What an address had of them: those that this person may see, in their order."""
    with station.database.reading() as session:
        titles = dict(
            session.execute(select(Bulletin.id, Bulletin.title).where(Bulletin.id.in_(ids), *visible_to(actor))).all()
        )
    found = [Mention(each, titles[each]) for each in dict.fromkeys(ids) if each in titles]
    return Named(found, max(count, len(found)))
