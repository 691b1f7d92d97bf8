"""What settles a short form with several readings: the words around it, or what the text itself has said."""

from audio.script import tables
from audio.script.model import TokenClass
from audio.script.rules.cursor import Cursor, Reading
from audio.script.tables import Entry


def settled(at: Cursor, written: str, entry: Entry, cls: TokenClass) -> Reading:
    end = at.place + len(written)
    if (here := at.defined.get(written)) is not None:  # "Hợp tác xã (HTX) …": the text has said what it means
        return Reading(end, cls, here)
    for context in tables.contexts().get(written, ()):
        counted = ("<number>" in context.before and at.last in (TokenClass.NUMBER, TokenClass.FRACTION)) or (
            "<percent>" in context.before and at.last is TokenClass.PERCENT
        )
        if context.before and not counted and not any(tail in context.before for tail in at.tails()):
            continue
        if context.after and not at.fits_after(end, context.after):
            continue
        others = tuple(other for other in (entry.reading, *entry.others) if other != context.reading)
        return Reading(end, cls, context.reading, others)
    return Reading(end, cls, entry.reading, entry.others, certain=not entry.others)
