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


def main(source: str) -> None:
    """Put the table between the page's marks."""
    before, _, rest = PAGE.read_text("utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    made = table(Path(source).read_text("utf-8").splitlines())
    PAGE.write_text(f"{before}{BEGIN}\n{made}\n{END}{after}", "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
