"""The bulletin: its figures are those of marts, its grammar holds, what is missing is told, its bytes can be made again."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import date

import pytest
from docx import Document
from docx.oxml.ns import qn

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.data.store import Store
from dashboard.export import bulletin, docx, wording
from dashboard.export.tables import Column, Table

BASE = "http://dashboard.example"
FIELDS = {"ytd": "value_ytd", "month": "value_month", "growth": "growth_pct", "real": "growth_real_pct"}
FIELDS |= {"attained": "attainment_pct", "gap": "gap_pp", "change": "growth_change_pp", "pull": "contribution_pp"}


@pytest.fixture(scope="module")
def store(county_home: Settings) -> Store:
    return Store(PublishedReader(county_home))


@pytest.fixture(scope="module")
def latest(county_home: Settings) -> date:
    sql = "select max(period) from marts.fct_indicator_progress where indicator_code = 'TE01' and level = 'county'"
    return PublishedReader(county_home).query(sql)[1][0][0]


@pytest.fixture(scope="module")
def draft(store: Store, latest: date) -> bulletin.Draft:
    return store.draw(lambda snapshot: bulletin.draft(snapshot, latest, BASE))


def words(draft: bulletin.Draft) -> str:
    return "\n".join(wording.plain(paragraph.text) for _, found in draft.sections for paragraph in found)


def test_every_figure_of_the_text_is_the_figure_of_marts(draft: bulletin.Draft, county_home: Settings) -> None:
    reader, compared = PublishedReader(county_home), 0
    for figure in draft.figures():
        # The use of a limit is computed of two figures; accidents are counted, townships too.
        if figure.measure not in FIELDS or (figure.measure, figure.indicator) == ("attained", "SA02"):
            continue
        sql = f"""select {FIELDS[figure.measure]} from marts.fct_indicator_progress
            where basis = 'comparable' and indicator_code = $code and unit_id = $unit and period = $period"""
        params = {"code": figure.indicator, "unit": figure.unit_id, "period": figure.period}
        (value,) = reader.query(sql, params)[1][0]
        assert figure.value == value, figure
        # The printed digits are the value in the unit shown, wrong by half of the last place at most.
        digits = re.findall(r"-?[\d.]+", figure.text)[0]
        scale = 1e-4 if re.search(r"亿元|万人|万吨", figure.text) else 1e-2 if "倍" in figure.text else 1.0
        last_place = 10 ** -len(digits.partition(".")[2])
        assert abs(abs(float(value)) * scale - abs(float(digits))) <= last_place / 2 + 1e-9, (figure.text, value)
        compared += 1
    assert compared > 20


def test_each_figure_is_bookmarked_and_linked_to_its_trace(draft: bulletin.Draft) -> None:
    document = Document(io.BytesIO(docx.write(draft)))
    names = [mark.get(qn("w:name")) for mark in document.element.body.iter(qn("w:bookmarkStart"))]
    assert len(names) == len(set(names)) == len(draft.figures())
    assert all(re.fullmatch(r"[A-Za-z]\w{0,39}", name, re.ASCII) for name in names)
    assert f"TE01_529901_{draft.figures()[0].period:%Y%m}_ytd" in names
    targets = {rel.target_ref for rel in document.part.rels.values() if rel.is_external}
    assert targets == {figure.trace for figure in draft.figures()}
    assert all(target.startswith(f"{BASE}/trace?period=") for target in targets)


def test_the_same_version_gives_the_same_bytes(store: Store, latest: date, draft: bulletin.Draft) -> None:
    again = Store(store._reader).draw(lambda snapshot: bulletin.draft(snapshot, latest, BASE))
    assert docx.write(again) == docx.write(draft)


def test_the_page_follows_gb_9704(draft: bulletin.Draft) -> None:
    content = docx.write(draft)
    document = Document(io.BytesIO(content))
    first, last = document.sections[0], document.sections[-1]
    assert (round(first.page_width.mm), round(first.page_height.mm)) == (210, 297)
    assert (round(first.top_margin.mm), round(first.left_margin.mm)) == (37, 28)
    assert (round(first.right_margin.mm), round(first.bottom_margin.mm)) == (26, 35)
    assert (round(last.page_width.mm), round(last.page_height.mm)) == (297, 210)
    assert len(document.tables) == 4
    assert draft.version in first.footer.paragraphs[0].text
    title = document.paragraphs[0].runs[0]
    assert (title.font.name, title.font.size.pt) == ("方正小标宋简体", 22)
    assert document.styles["Normal"].font.name == "仿宋_GB2312"
    parts = zipfile.ZipFile(io.BytesIO(content))
    assert {entry.date_time for entry in parts.infolist()} == {docx.ZIP_TIME}
    assert "w:altName" in parts.read("word/fontTable.xml").decode()


def test_no_month_prints_what_is_no_number(store: Store) -> None:
    """Every month of the demonstration: missing figures drop their sentences, and each drop is told."""
    for period in store.draw(lambda snapshot: bulletin.catalogue(snapshot).periods):
        found = store.draw(lambda snapshot, period=period: bulletin.draft(snapshot, period, BASE))
        text = words(found)
        assert not re.search(r"nan|None|null|—|\{|\}|-0\.0|负增长", text), (period, text)
        for item in found.dropped:
            assert item.missing


def test_a_missing_figure_drops_its_sentence_and_is_told(store: Store, latest: date) -> None:
    """The share of the county's economy needs the GDP, which comes with the year alone."""
    found = store.draw(lambda snapshot: bulletin.draft(snapshot, latest, BASE))
    assert "占县域经济比重" not in words(found)
    assert ["value", "growth"] in [list(item.missing) for item in found.dropped]


def test_a_month_without_figures_names_the_latest(store: Store) -> None:
    with pytest.raises(bulletin.NoSuchMonth) as raised:
        store.draw(lambda snapshot: bulletin.draft(snapshot, date(1999, 1, 1), BASE))
    assert raised.value.latest is not None


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (6.74, "增长6.7%"),
        (-3.25, "下降3.3%"),
        (0.04, "持平"),
        (-0.04, "持平"),
        (180, "增长1.8倍"),
        (99.96, "增长1.0倍"),
    ],
)
def test_growth_in_words(value: float, text: str) -> None:
    assert wording.plain(wording.growth(value, str) or []) == text


@pytest.mark.parametrize(
    ("now", "by", "text"),
    [
        (6.0, 2.2, "增速比1-9月加快2.2个百分点"),
        (6.0, -2.2, "增速比1-9月回落2.2个百分点"),
        (-3.0, 1.0, "降幅比1-9月收窄1.0个百分点"),
        (-3.0, -1.0, "降幅比1-9月扩大1.0个百分点"),
        (1.0, 3.0, "增速比1-9月加快3.0个百分点"),
        (6.0, 0.01, "增速与1-9月持平"),
    ],
)
def test_how_growth_moved_in_words(now: float, by: float, text: str) -> None:
    assert wording.plain(wording.change(now, by, "1-9月", str) or []) == text


def test_no_number_gives_no_words() -> None:
    assert wording.growth(float("nan"), str) is None
    assert wording.change(None, 1.0, "", str) is None
    assert wording.gap(None, str) is None


def test_headings_merge_over_columns_and_rows() -> None:
    columns = (Column(("a", "a")), Column(("b", "x"), 0), Column(("b", "y"), 0))
    cells = docx.merged(Table("t", "", "", columns, ()))
    assert cells == [(0, 0, 0, 1, "a"), (0, 1, 2, 0, "b"), (1, 1, 1, 1, "x"), (1, 2, 2, 1, "y")]
