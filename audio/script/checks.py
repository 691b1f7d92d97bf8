"""What an editor should see before a bulletin is released: one place, one result type.

A finding has a cause, a place in the text and, where one is known, a change that can be applied. Nothing here changes a text by itself.
"""

from collections.abc import Iterable

from audio.script import editorial
from audio.script.findings import Concern, Finding, Severity
from audio.script.lexicon import Lexicon
from audio.script.reader import read
from audio.script.source import nfc

__all__ = ["Concern", "Finding", "Severity", "apply", "check"]


def check(text: str, lexicon: Lexicon | None = None) -> tuple[Finding, ...]:
    """All findings on a text, by their place. Pure; the time grows with the length of the text."""
    script = read(text, lexicon or Lexicon())
    found = [finding for one in editorial.ALL for finding in one(script.text, script)]
    if script.text != text:
        found.append(
            Finding(
                Concern.NOT_NFC,
                Severity.INFO,
                0,
                len(script.text),
                script.text,
                "Văn bản gõ bằng bảng mã tổ hợp (không phải NFC); máy đọc bản đã chuẩn hóa.",
                script.text,
            )
        )
    return tuple(sorted(found, key=lambda finding: (finding.start, finding.end, finding.concern)))


def apply(text: str, findings: Iterable[Finding]) -> str:
    """The text (in NFC) with the proposals of these findings in place; of two that overlap the first one given counts. A finding without a proposal is passed over.

    Raises ``ValueError`` if a finding is not of this text.
    """
    whole = nfc(text)
    taken: list[Finding] = []
    for finding in findings:
        if finding.proposal is None or finding.concern is Concern.NOT_NFC:
            continue
        if whole[finding.start : finding.end] != finding.text:
            raise ValueError(f"the finding on {finding.text!r} is not of this text: check the text again")
        if all(finding.end <= other.start or finding.start >= other.end for other in taken):
            taken.append(finding)
    for finding in sorted(taken, key=lambda each: each.start, reverse=True):
        whole = whole[: finding.start] + (finding.proposal or "") + whole[finding.end :]
    return whole
