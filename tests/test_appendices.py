"""The appendices fit the chapters: every term is in the glossary, every figure named to a teacher is there."""

import re
import unicodedata
from pathlib import Path

import nbformat
import pytest

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
COVERED = range(13)
CHAPTERS = {int(path.name[:2]): path for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))
            if int(path.name[:2]) in COVERED}
MATHEMATICS = NOTEBOOKS / "appendix_A_mathematics.ipynb"
GLOSSARY = (NOTEBOOKS / "appendix_C_glossary.md").read_text(encoding="utf-8")
TEACHERS = (NOTEBOOKS / "appendix_D_for_teachers.md").read_text(encoding="utf-8")
by_chapter = pytest.mark.parametrize("chapter", CHAPTERS)


def read(path):
    return nbformat.read(path, as_version=4)


def prose(path):
    return "\n\n".join(cell.source for cell in read(path).cells if cell.cell_type == "markdown")


def rows(text):
    """The cells of each row of the tables in a Markdown text, without headings."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    headings = {i + d for i, line in enumerate(lines) if set(line) <= set("|-: ") for d in (-1, 0)}
    return [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] for i, line in enumerate(lines)
            if i not in headings]


# ---- A: the mathematics


def test_each_fact_of_the_mathematics_has_a_number():
    """After a cell with a displayed formula, code that asserts comes before the next such cell."""
    waiting = None
    for cell in read(MATHEMATICS).cells:
        if cell.cell_type == "markdown" and "$$" in cell.source:
            assert waiting is None, f"no number under: {waiting}"
            waiting = cell.source
        elif re.search(r"\b(compare|assert)\b", cell.source):
            waiting = None
    assert waiting is None


# ---- C: the glossary


ENGLISH, JAPANESE = GLOSSARY.split("## 五十音順")
TERMS = rows(ENGLISH)


def plain(japanese):
    return unicodedata.normalize("NFKC", japanese).replace(" ", "")


def names(japanese):
    """The names in a cell: the whole of it, and its parts between commas and parentheses."""
    japanese = plain(japanese)
    return {japanese} | {part for part in re.split(r"[、,;()]", japanese) if part}


def in_terms_table(path):
    """The Japanese of the rows under the heading Terms."""
    _, _, section = re.split(r"^(#+ Terms?\b.*)$", prose(path), maxsplit=1, flags=re.MULTILINE)
    return [row[1] for row in rows(re.split(r"^#", section, maxsplit=1, flags=re.MULTILINE)[0])]


@by_chapter
def test_every_term_of_a_chapter_is_in_the_glossary(chapter):
    known = set().union(*(names(japanese) for _, japanese, *_ in TERMS))
    terms = in_terms_table(CHAPTERS[chapter])
    assert terms
    parts = {term: names(term) - {plain(term)} for term in terms}
    missing = [term for term in terms if plain(term) not in known and not (parts[term] and parts[term] <= known)]
    assert missing == []


def test_each_row_of_the_glossary_is_complete():
    assert len(TERMS) > 100
    for row in TERMS:
        english, _, reading, _, chapters = row
        assert all(row), english
        assert re.fullmatch(r"[ぁ-んァ-ヶー・、 ()]+", reading), (english, reading)
        assert set(chapters.split(", ")) <= {str(chapter) for chapter in CHAPTERS}, english


def test_the_glossary_is_in_order_and_both_parts_hold_the_same_terms():
    english = [row[0].lower() for row in TERMS]
    assert english == sorted(english) and len(set(english)) == len(english)
    assert sorted(row[:3] for row in TERMS) == sorted([e, j, r] for j, r, e in rows(JAPANESE))


# ---- D: for teachers


LECTURES = {int(number): text for number, text in re.findall(r"^## Chapter (\d+): [^\n]*\n(.*?)(?=^---$)", TEACHERS,
                                                             re.MULTILINE | re.DOTALL)}


def test_every_chapter_has_its_lecture():
    assert set(LECTURES) == set(CHAPTERS)


@by_chapter
def test_a_lecture_has_its_six_parts_and_ninety_minutes(chapter):
    parts = re.findall(r"^### (.+)$", LECTURES[chapter], re.MULTILINE)
    assert parts == ["Plan", "Board", "Project", "Questions they ask", "Mistakes they make", "Exercises"]
    plan = rows(LECTURES[chapter].split("### Board")[0])
    assert sum(int(minutes) for minutes, *_ in plan) == 90


@by_chapter
def test_the_figures_to_project_are_in_the_chapter(chapter):
    project = LECTURES[chapter].split("### Project")[1].split("###")[0]
    sources = "\n".join(cell.source for cell in read(CHAPTERS[chapter]).cells if cell.cell_type == "code")
    titles = re.findall(r'"([^"]+)"', project)
    assert titles
    assert [title for title in titles if title not in sources] == []


@by_chapter
def test_the_sections_of_the_plan_are_in_the_chapter(chapter):
    headings = re.findall(r"^#+ (.+)$", prose(CHAPTERS[chapter]), re.MULTILINE)
    for _, _, where in rows(LECTURES[chapter].split("### Board")[0]):
        for section in re.findall(r"\d+\.\d+|(?<=Part )[A-F]|(?<=Section )\d+", where):
            assert any(re.match(rf"(Part )?{re.escape(section)}\b", heading) for heading in headings), where


@by_chapter
def test_the_exercises_are_numbered_as_in_the_chapter(chapter):
    """`Exercise 3 (what the chapter calls it)` or, from chapter 8 on, `8.3 (...)`."""
    exercises = LECTURES[chapter].split("### Exercises")[1]
    text = re.split(r"^#+ Exercises?\b", prose(CHAPTERS[chapter]), maxsplit=1, flags=re.MULTILINE)[1].lower()
    named = re.findall(rf"(?:Exercise )?\b(?:{chapter}\.)?(\d) \(([^);,]+)", exercises)
    assert named or chapter == 0
    for number, name in named:
        name = name.lower().removeprefix("on paper: ").replace("`", "")
        its_number = rf"\W*(exercise )?({chapter}\.)?{number}\b"
        heading = next(line for line in text.splitlines() if re.match(its_number, line))
        assert re.sub(r"[`$\\]", "", name)[:14] in re.sub(r"[`$\\]", "", heading), (number, name, heading)
