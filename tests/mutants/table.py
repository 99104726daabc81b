"""The table of the README: each mistake, where it was seen, which check sees it.

    python tests/mutants/table.py        writes it there
"""

import re

from catalogue import MUTANTS
from mutant import TESTS

README = TESTS.parent / "README.md"
BEGIN, END = "<!-- mutants: written by tests/mutants/table.py -->\n", "<!-- end of mutants -->\n"


def table():
    rows = "".join(f"| {line(mutant)} |\n" for mutant in MUTANTS)
    return (f"<details>\n<summary>{len(MUTANTS)} mistakes, where each was seen, and which check sees it</summary>\n\n"
            f"| mistake | seen in | seen by |\n|---|---|---|\n{rows}\n</details>\n")


def line(mutant):
    said = f"{mutant.name}: {mutant.mistake}".replace("|", r"\|")
    return f"{said} | [{place(mutant.seen)}]({mutant.seen}) | {check(mutant.caught_by)}"


def place(address):
    """What a link is called: owner/repository and number, owner/repository and file, or the paper."""
    if found := re.fullmatch(r"https://github.com/([^/]+/[^/]+)/(?:issues|pull)/(\d+)", address):
        return f"{found[1]} #{found[2]}"
    if found := re.fullmatch(r"https://github.com/([^/]+/[^/]+)/blob/[0-9a-f]{40}/(?:.*/)?([^/]+)", address):
        return f"{found[1]}, {found[2]}"
    return re.fullmatch(r"https://(arxiv)\.org/abs/([\d.]+)", address).expand(r"\1 \2")


def check(test):
    """What a test is called: its file, and its name in words."""
    file, name, case = re.fullmatch(r"(.+\.py)::test_(\w+)(?:\[(.+)\])?", test).groups()
    if name == "every_backward_is_proven":
        return f"`prove`, {case}"
    return f"[{file.split('/')[-1]}](tests/{file}): {name.replace('_', ' ')}"


def written(text):
    """The README with the table as it should be."""
    before, rest = text.split(BEGIN)
    return before + BEGIN + table() + END + rest.split(END)[1]


if __name__ == "__main__":
    README.write_text(written(README.read_text(encoding="utf-8")), encoding="utf-8")
