"""The menu: which pages there are and who is shown them. A page that is not listed here is reached from another."""

from dataclasses import dataclass

from broadcaster.people import Actor, Right


@dataclass(frozen=True)
class Entry:
    """One line of the menu: where it leads, its word, and the right without which it is not shown."""

    path: str
    word: str
    right: Right = Right.READ


MENU: tuple[tuple[str, tuple[Entry, ...]], ...] = (
    (
        "nav_air",
        (
            Entry("/operations", "nav_today"),
            Entry("/emergencies", "nav_emergencies"),
            Entry("/alerts", "nav_alerts"),
            Entry("/log", "log"),
            Entry("/schedule", "nav_schedule"),
            Entry("/releases", "nav_releases", Right.RELEASE),
        ),
    ),
    (
        "nav_write",
        (
            Entry("/compose", "nav_compose", Right.EDIT),
            Entry("/bulletins", "nav_bulletins"),
            Entry("/programmes", "nav_programmes"),
            Entry("/campaigns", "nav_campaigns"),
            Entry("/reports", "nav_reports"),
        ),
    ),
    (
        "nav_station",
        (
            Entry("/areas", "nav_areas"),
            Entry("/enrolments", "nav_enrolments", Right.OPERATE),
            Entry("/groups", "nav_groups"),
            Entry("/lexicon", "nav_lexicon"),
            Entry("/sound", "nav_sound"),
            Entry("/policies", "nav_policies"),
            Entry("/reorganisations", "nav_reorganisations"),
        ),
    ),
    (
        "nav_people",
        (
            Entry("/people", "nav_accounts", Right.ADMINISTER),
            Entry("/audit", "nav_audit"),
            Entry("/me", "nav_me"),
        ),
    ),
)
"""Groups, by the word of their heading, in the order of a day's work."""


def menu(actor: Actor) -> list[tuple[str, list[Entry]]]:
    """The groups and lines for this person; groups without a line are left out."""
    shown = ((group, [entry for entry in entries if actor.may(entry.right)]) for group, entries in MENU)
    return [(group, entries) for group, entries in shown if entries]
