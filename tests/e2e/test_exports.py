"""What leaves by a click on a page: each table as Excel and CSV, the bulletin in Word; their figures are those of marts."""

from __future__ import annotations

import base64
import csv
import io
import re
import signal
import time
import zipfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import docx
import openpyxl
import pytest
from docx.oxml.ns import qn
from playwright.sync_api import Locator, Page

from dagster_project.settings import Settings
from dagster_project.warehouse.read import PublishedReader
from dashboard.components.numbers import number
from dashboard.export.jobs import AT_ONCE, Jobs
from dashboard.export.links import SHOWN
from dashboard.i18n import Translator
from tests.e2e.tabs import Tab

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

PERIOD = "2026-08"
PROGRESS = """select u.name_zh, p.{value} from marts.fct_indicator_progress as p
    inner join marts.{dim} as u on u.{key} = p.unit_id
    where p.level = '{level}' and p.basis = '{basis}' and p.period = date '2026-08-01' and p.indicator_code = '{code}'"""


def progress(value: str, level: str = "township", basis: str = "comparable", code: str = "TE01") -> str:
    dim, key = ("dim_township", "township_code") if level == "township" else ("dim_enterprise", "enterprise_id")
    return PROGRESS.format(value=value, level=level, basis=basis, code=code, dim=dim, key=key)


# Table → columns of key and value (from 0), rows of marts as (key, value); a NULL is an empty cell or words.
WANTED: dict[str, tuple[int, int, str]] = {
    "headline": (
        0,
        3,
        """select i.name_zh, p.value_ytd from marts.fct_indicator_progress as p
        inner join marts.dim_indicator as i using (indicator_code) where p.level = 'county' and i.unit = '万元'
        and i.is_headline and p.basis = 'comparable' and p.period = date '2026-08-01'""",
    ),
    "progress": (0, 5, progress("gap_pp")),
    "ranking": (2, 5, progress("value_ytd")),
    "enterprises": (0, 5, progress("value_ytd", "enterprise", "reported")),
    "safety": (0, 1, progress("value_ytd", code="CO01")),
    "mines": (0, 4, progress("value_ytd", "enterprise", "reported", "CO01")),
    "energy": (0, 4, progress("value_ytd", "enterprise", "reported", "EN01")),
    "fuels": (
        0,
        6,
        """select i.name_zh, p.value_ytd * f.tce_per_unit from marts.fct_indicator_progress as p
        inner join marts.dim_indicator as i using (indicator_code)
        inner join marts.dim_fuel as f on f.fuel_code = p.indicator_code and f.basis = 'calorific'
        where p.level = 'county' and p.basis = 'comparable' and p.period = date '2026-08-01'""",
    ),
    "scorecard": (
        1,
        10,
        """select t.name_zh, c.rank from marts.fct_scorecard as c inner join marts.dim_township as t
        using (township_code) where c.period = date '2026-08-01'""",
    ),
}
# Lists: how many rows stand in marts.
COUNTED = {
    "unreported": """select count(*) from marts.fct_completeness
        where period = date '2026-08-01' and status in ('missing', 'late')""",
    "scores": "select count(*) from marts.fct_score where period = date '2026-08-01'",
    "issues": """select count(*) from marts.fct_issue as i left join marts.fct_submission as s using (submission_id)
        where coalesce(i.period, s.period, cast(date_trunc('month', s.received_at) as date)) = date '2026-08-01'
        and coalesce(s.status, 'accepted') <> 'withdrawn'""",
}


def saved(page: Page, link: Any, folder: Path) -> Path:
    """The file behind a link of the page, under the name that the browser gives it."""
    with page.expect_download() as download:
        link.click()
    target = folder / download.value.suggested_filename
    download.value.save_as(target)
    return target


def sheet_rows(path: Path, stamp: str) -> list[tuple[Any, ...]]:
    """The rows between the headings, which stay in view, and the two lines that name the version and who took it out."""
    sheet = openpyxl.load_workbook(path).active
    first = int(re.findall(r"\d+", str(sheet.freeze_panes))[0])
    rows = list(sheet.iter_rows(min_row=first, values_only=True))
    who, version = rows.pop()[0], rows.pop()[0]
    assert version == stamp and who and who != stamp
    return rows


def own(page: Page, name: str, kind: str) -> Locator:
    """The bureau's own download, not the one for outside."""
    return page.locator(f'a[href^="/export/{name}.{kind}"]:not([href*="external"])')


@pytest.mark.parametrize("page_path", sorted(SHOWN))
def test_each_table_of_a_page_leaves_as_excel_and_csv(
    tab: Tab, county_home: Settings, page_path: str, tmp_path: Path
) -> None:
    reader, t = PublishedReader(county_home), Translator("zh")
    # Money in one unit everywhere, so that figures compare without a factor.
    page = tab.open(f"{page_path}?period={PERIOD}&indicator=TE01&unit=wan")
    stamp = t("export.stamp", version=reader.version())
    for name in SHOWN[page_path]:
        files = [saved(page, own(page, name, kind), tmp_path) for kind in ("xlsx", "csv")]
        assert all(PERIOD in path.name for path in files)
        sheet = sheet_rows(files[0], stamp)
        text = files[1].read_bytes()
        assert text.startswith(b"\xef\xbb\xbf")
        head, *lines = csv.reader(io.StringIO(text.decode("utf-8-sig")))
        assert len(lines) == len(sheet) > 0
        # What the workbook says around its table stands in the last column of each row.
        assert head.pop() == t("export.said")
        assert all(line.pop().endswith(stamp) and len(line) == len(head) for line in lines)
        if name in COUNTED:
            assert [(len(sheet),)] == reader.query(COUNTED[name])[1]
            # Sentences for people: a rule's parameters stand in words.
            assert not re.search(r"[a-z_]+:[\w.]", " ".join(str(cell) for row in sheet for cell in row if cell))
            continue
        key, value, sql = WANTED[name]
        wanted = dict(reader.query(sql)[1])
        compared = 0
        for row, line in zip(sheet, lines, strict=True):
            assert (row[key] or "") == line[key]
            if row[key] not in wanted:
                continue
            if wanted[row[key]] is None:
                assert not isinstance(row[value], (int, float))
                continue
            assert row[value] == pytest.approx(float(wanted[row[key]]), rel=1e-12)
            assert float(Decimal(line[value])) == pytest.approx(float(wanted[row[key]]), rel=1e-12)
            compared += 1
        assert compared >= min(2, len(wanted)) and compared >= len(wanted) / 2, (name, compared, len(wanted))
    tab.watch.check(page)


def figures(path: Path) -> list[tuple[str, str]]:
    """(text, address of its trace) of every linked figure, in reading order; each is bookmarked."""
    document = docx.Document(str(path))
    links = {key: found.target_ref for key, found in document.part.rels.items() if found.reltype.endswith("/hyperlink")}
    found = document.element.body.iter(qn("w:hyperlink"))
    return [("".join(text.text for text in node.iter(qn("w:t"))), links[node.get(qn("r:id"))]) for node in found]


@pytest.mark.parametrize("page_path", ["/", "/submissions"])
def test_the_bulletin_comes_down_as_word_with_the_figures_of_marts(
    tab: Tab, county_home: Settings, page_path: str, tmp_path: Path
) -> None:
    reader, t = PublishedReader(county_home), Translator("zh")
    page = tab.open(f"{page_path}?period={PERIOD}")
    path = saved(page, page.get_by_role("link", name=t("export.bulletin", period="2026年8月")), tmp_path)
    version = str(reader.version())
    assert path.name.endswith(f"_{version}.docx")
    document = docx.Document(str(path))
    assert version in document.sections[0].footer.paragraphs[0].text
    linked = figures(path)
    assert len(linked) > 30
    assert all(target.startswith(tab.address) for _, target in linked)
    text = "\n".join(paragraph.text for paragraph in document.paragraphs)
    assert zipfile.ZipFile(path).read("word/document.xml").count(b"<w:bookmarkStart") >= len(linked)
    ((value, growth),) = reader.query(
        """select value_ytd, growth_pct from marts.fct_indicator_progress where level = 'county'
        and basis = 'comparable' and indicator_code = 'TE01' and period = date '2026-08-01'"""
    )[1]
    printed = [text for text, target in linked if "indicator=TE01" in target and "township" not in target]
    assert f"{Decimal(value) / 10000:.2f}亿元" in printed
    assert any(f"{abs(growth):.1f}%" in words for words in printed)
    # The appendix holds the townships' gaps as the page's own table does.
    gaps = {name: gap for name, gap in reader.query(progress("gap_pp"))[1] if gap is not None}
    cells = {row.cells[0].text: [cell.text for cell in row.cells] for row in document.tables[1].rows}
    wrong = {name: gap for name, gap in gaps.items() if number(gap, 1) not in cells[name]}
    assert wrong == {}
    # What could not be written for want of a number is listed for whoever finishes the draft.
    assert "□" in text
    # A figure leads to its trace in this dashboard.
    page.goto(linked[0][1])
    page.locator("main td.version-in_force").first.wait_for()
    tab.watch.check(page)


PICTURE = """async content => {
  const blob = new Blob([Uint8Array.from(atob(content), sign => sign.charCodeAt(0))], {type: 'image/png'});
  const picture = await createImageBitmap(blob);
  const canvas = new OffscreenCanvas(picture.width, picture.height), pen = canvas.getContext('2d');
  pen.drawImage(picture, 0, 0);
  const dark = (top, bottom) => {
    const data = pen.getImageData(0, top, picture.width, bottom - top).data;
    let found = 0;
    for (let at = 0; at < data.length; at += 4) { if (data[at] + data[at + 1] + data[at + 2] < 450) { found += 1; } }
    return found;
  };
  const tall = picture.height;
  return [picture.width, tall, dark(0, 110), dark(200, tall - 200), dark(tall - 84, tall)];
}"""


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_a_chart_is_saved_as_a_picture_by_the_keyboard(
    tab: Tab, county_home: Settings, lang: str, tmp_path: Path
) -> None:
    t = Translator(lang)
    page = tab.open(f"/township?township=529901001&lang={lang}")
    page.locator(".js-plotly-plot .main-svg").first.wait_for()
    button = page.get_by_role("button", name=t("picture.save"))
    button.focus()
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    page.get_by_text(t("picture.done")).wait_for()
    title = page.locator("section", has=button).locator("h2").inner_text()
    assert title in path.name and path.suffix == ".png"
    width, height, head, chart, foot = page.evaluate(PICTURE, base64.b64encode(path.read_bytes()).decode())
    # Twice the size of the screen; title and unit above, the chart, source and version at the foot.
    assert width == 2000 and height > 1000
    assert min(head, chart, foot) > 500
    tab.watch.check(page)


def test_all_cells_are_written_in_the_background_and_stop_when_nobody_waits(
    tab: Tab, county_home: Settings, tmp_path: Path
) -> None:
    reader, t = PublishedReader(county_home), Translator("zh")
    page = tab.open(f"/quality?period={PERIOD}")
    for choice, year in (("xlsx-2026", "year(period) = 2026"), ("csv-all", "true")):
        page.locator(f'[data-choice="{choice}"]').click()
        page.locator("progress").wait_for()
        link = page.locator("a.large-file")
        link.wait_for(timeout=60_000)
        path = saved(page, link, tmp_path)
        ((count, total),) = reader.query(f"select count(*), sum(value) from marts.fct_observation where {year}")[1]
        assert f"{count:,}" in link.inner_text() and str(reader.version()) in path.name
        if choice.startswith("csv"):
            lines = list(csv.reader(io.StringIO(path.read_bytes().decode("utf-8-sig"))))[1:]
            assert (len(lines), sum(Decimal(line[9]) for line in lines if line[9])) == (count, total)
        else:
            sheet = openpyxl.load_workbook(path, read_only=True).active
            rows = list(sheet.iter_rows(min_row=4, values_only=True))[:-1]
            assert len(rows) == count
            assert sum(row[9] or 0 for row in rows) == pytest.approx(float(total), rel=1e-9)
    folder = county_home.work / "exports"
    left = set(folder.iterdir())
    page.locator('[data-choice="xlsx-all"]').click()
    page.locator("[data-action=stop-large]").click()
    page.get_by_text(t("large.stopped")).wait_for()
    deadline = time.monotonic() + 10
    while set(folder.iterdir()) - left and time.monotonic() < deadline:
        time.sleep(0.1)
    assert set(folder.iterdir()) <= left
    tab.watch.check(page)


def test_a_large_file_is_its_readers_own_and_ends_when_nobody_asks(county_home: Settings) -> None:
    running = Jobs(county_home, waited_for_s=1.0)
    span = ["--kind", "xlsx", "--since", "1900-01-01", "--until", "9000-01-01"]
    arguments = ["--version", str(PublishedReader(county_home).version()), *span]
    tokens = [running.start("chen", "all.xlsx", arguments) for _ in range(AT_ONCE + 1)]
    assert all(tokens[:-1]) and tokens[-1] is None
    left, kept = str(tokens[0]), str(tokens[1])
    forgotten = running.get(left, "chen")
    assert forgotten and running.get(left, "li") is None
    deadline = time.monotonic() + 60
    while (job := running.get(kept, "chen")) and job.state == "running" and time.monotonic() < deadline:
        time.sleep(0.2)
    assert job and job.state == "ready" and job.target.stat().st_size > 1_000_000
    # Within the bound, whatever the server itself holds.
    assert 0 < job.told["peak_mb"] < 300
    assert forgotten.process.poll() == -signal.SIGKILL and not forgotten.target.exists()
    running.stop(kept)
    assert not job.target.exists()
