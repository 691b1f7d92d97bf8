"""`make bench | tee bench.jsonl; python -m tests.benchmarks.table bench.jsonl`: the table in docs/performance.md, from the benchmarks' lines."""

import json
import sys
from pathlib import Path

PAGE = Path("docs/performance.md")
BEGIN, END = "<!-- benchmarks: begin -->", "<!-- benchmarks: end -->"


def table(lines: list[str]) -> str:
    """Markdown from lines of JSON; lines that are none are passed over."""
    rows = ["| benchmark | value | raw limit | unit | ratio | goal | met |", "|---|---|---|---|---|---|---|"]
    for line in lines:
        if not line.startswith("{"):
            continue
        item = json.loads(line)
        met = "yes" if item["ok"] else "**no**"
        rows.append(
            f"| {item['name']} | {item['value']:,.6g} | {item['limit']:,.6g} | {item['unit']} | {item['ratio']:.2f} | {item['goal']} | {met} |"
        )
    return "\n".join(rows)


def put(made: str, begin: str, end: str) -> None:
    """Put a table between two marks of the page."""
    before, _, rest = PAGE.read_text("utf-8").partition(begin)
    _, _, after = rest.partition(end)
    PAGE.write_text(f"{before}{begin}\n{made}\n{end}{after}", "utf-8")


def main(source: str) -> None:
    """The benchmarks' table."""
    put(table(Path(source).read_text("utf-8").splitlines()), BEGIN, END)


if __name__ == "__main__":
    main(sys.argv[1])
