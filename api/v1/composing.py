"""Before a bulletin is saved: taking a document in, looking a text over, and hearing with the eyes how it will be read."""

import dataclasses
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from fastapi.concurrency import run_in_threadpool
from pydantic import BaseModel, ConfigDict, Field

from api.auth import ActorDep, StationDep
from api.uploads import BINARY, body_of
from audio.script import Lexicon, read
from broadcaster import composing
from broadcaster.bulletins import TEXT_LIMIT
from broadcaster.composing import DOCUMENT_LIMIT
from broadcaster.people import Right

router = APIRouter(tags=["composing"])


class TextInput(BaseModel):
    """A text, and the area whose lexicon counts; null: the whole station's."""

    model_config = ConfigDict(extra="forbid")
    text: Annotated[str, Field(min_length=1, max_length=TEXT_LIMIT)]
    area: str | None = None


class CheckInput(TextInput):
    """A text to be looked over."""

    apply: list[Annotated[int, Field(ge=0)]] = Field(
        default_factory=list,
        max_length=1000,
        description="Numbers, from 0, of findings on this very text whose proposals are to be put in first.",
    )


class Finding(BaseModel):
    """A remark on the text, and what to put there instead."""

    concern: str
    severity: str = Field(
        description="error: to be mended (an uncertain reading holds the bulletin back); warning: to be seen; info: a proposal."
    )
    start: int = Field(description="Code points from the beginning of `text` of the answer.")
    end: int
    text: str
    cause: str = Field(description="For the editor, in Vietnamese.")
    proposal: str | None = Field(description="What to put there; empty: delete it; null: a person must decide.")


class Checked(BaseModel):
    """The text in NFC, with what was applied, and what there is to say of it."""

    text: str
    findings: list[Finding]


class SpokenToken(BaseModel):
    """One thing that is read as a whole."""

    start: int
    end: int
    text: str
    kind: str
    reading: str
    alternatives: list[str]
    certain: bool


class Script(BaseModel):
    """How a text is read."""

    text: str = Field(description="In NFC, which the places refer to.")
    plain: str = Field(description="The spoken form on one line.")
    lexicon: str
    sha256: str
    tokens: list[SpokenToken]


class Block(BaseModel):
    """A heading, an item of a list or a paragraph."""

    kind: str
    text: str
    level: int = Field(description="1 to 6 for a heading, else 0.")


class TakenIn(BaseModel):
    """A document as a bulletin's title and text."""

    title: str
    text: str
    blocks: list[Block]


@router.post("/bulletins/check")
def check_text(station: StationDep, actor: ActorDep, body: CheckInput) -> Checked:
    """Look a text over as an editor would: citations, dates, what is not for reading. Nothing is saved."""
    actor.need(Right.READ)
    text, findings = composing.look_over(body.text, _lexicon(station, body.area), apply=body.apply)
    return Checked(text=text, findings=[Finding(**dataclasses.asdict(finding)) for finding in findings])


@router.post("/bulletins/script")
def read_text(station: StationDep, actor: ActorDep, body: TextInput) -> Script:
    """How a text will be read, token by token. Nothing is saved."""
    actor.need(Right.READ)
    made = read(body.text, _lexicon(station, body.area))
    return Script(
        text=made.text,
        plain=made.plain(),
        lexicon=made.lexicon,
        sha256=made.sha256,
        tokens=[
            SpokenToken(
                start=token.start,
                end=token.end,
                text=token.text,
                kind=token.cls.value,
                reading=token.reading,
                alternatives=list(token.alternatives),
                certain=token.certain,
            )
            for token in made.tokens
        ],
    )


@router.post("/bulletins/intake", openapi_extra=BINARY)
async def take_in(
    request: Request,
    station: StationDep,  # noqa: ARG001  nothing is asked of a station that is not there
    actor: ActorDep,
    name: Annotated[
        str, Query(min_length=1, max_length=200, description="The file's name: its ending tells the format.")
    ],
) -> TakenIn:
    """Read a .txt, .md, .docx or .pdf file (its text layer), sent as the body. Nothing is saved."""
    actor.need(Right.EDIT)
    data = await body_of(request, DOCUMENT_LIMIT)
    taken: dict[str, Any] = await run_in_threadpool(composing.take_in, data, name)
    return TakenIn(**taken)


def _lexicon(station: StationDep, area: str | None) -> Lexicon:
    with station.database.reading() as session:
        return station.speaking.lexicon(session, area)
