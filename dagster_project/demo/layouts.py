"""The forms of the fictional bureau: how a month's figures stand in a workbook (layouts L1, L2, L3, L5, L6 of domain.md C.3).

Belongs here: titles, headings, order of columns, totals, footnotes of each form, varying from month to month as they do
in real life. Does not belong here: figures (economy.py), faults (plan.py), bytes (workbook.py).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from decimal import Decimal

from dagster_project.demo import places, tasks
from dagster_project.demo.economy import Economy, growth_pct, quantize
from dagster_project.demo.files import NA, NOT_REPORTED, Edit, Filler, PlannedFile
from dagster_project.demo.places import COUNTY_CODE, COUNTY_NAME, Township, add_months
from dagster_project.demo.register import Enterprise
from dagster_project.demo.silence import Silence
from dagster_project.demo.targets import Targets
from dagster_project.demo.workbook import LABEL, Book

_NUMERALS = ("", "一", "二", "三", "四", "五", "六", "七", "八", "九", "十", "十一", "十二")
_WAN = Decimal(10000)
_SIGNATURE = "审核人：　　　制表人：　　　报出日期：{year}年{month}月{day}日"


def period_text(period: date, style: int) -> str:
    """The period as a title writes it: 2026年1—3月, 2026年一至三月, 2026年上半年 …"""
    year, month = period.year, period.month
    if month == 1:
        return (f"{year}年1月", f"{year}年1月份", f"{year}年1月")[style % 3]
    if month == 6 and style % 5 == 3:
        return f"{year}年上半年"
    if month == 9 and style % 5 == 3:
        return f"{year}年前三季度"
    return (
        f"{year}年1—{month}月",
        f"{year}年1-{month}月",
        f"{year}年1—{month}月",
        f"{year}年1~{month}月",
        f"{year}年一至{_NUMERALS[month]}月",
    )[style % 5]


def _signed(file: PlannedFile) -> str:
    when = file.received
    return _SIGNATURE.format(year=when.year, month=when.month, day=when.day)


def _ytd_heading(period: date, style: int) -> str:
    span = f"1-{period.month}月" if period.month > 1 else "累计"
    return ("累计", span, "本月止累计", "累 计", "年初累计", "1-本月")[style % 6]


def _absent(unit: str) -> Edit:
    return Edit(unit, "row", "", "missing_row", "V35", "error", "must", "an active unit has no row and no word of 未报")


# ---- TE-M1: townships × indicators (L1) -----------------------------------------------------------------------------

_TE_M1_GROUPS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("TE01", ("增加值", "乡镇企业增加值", "增加值")),
    ("TE02", ("其中：工业增加值", "工业增加值", "其中：工业增加值")),
    ("TE03", ("实交税金", "实交税金", "实缴税金")),
    ("TE08", ("固定资产投资", "固定资产投资", "固定资产投资额")),
    ("TE04", ("从业人员", "从业人数", "从业人员")),
)


def te_m1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period, rng = file.period, file.rng(economy.seed)
    style, words = rng.randrange(30), rng.randrange(3)
    order = rng.choice(
        (("month", "ytd", "base", "growth"), ("ytd", "base", "growth", "month"), ("month", "ytd", "base", "growth"))
    )
    has_plan = bool(rng.randrange(2)) and period.year >= 2024 and not file.only
    # a spelling planned for a cell is in 万元
    in_hundred_million = style % 10 == 4 and not file.only and not file.edits
    total_last = style % 7 == 3
    heads = {
        "month": ("本月", "当月", "本 月")[rng.randrange(3)],
        "ytd": _ytd_heading(period, style),
        "base": ("同期", "上年同期", "去年同期")[words],
        "growth": ("±%", "增长%", "增减%", "同比%", "比上年同期±%")[rng.randrange(5)],
        "plan": ("占年计划%", "完成年计划%")[0],
    }
    if order[0] == "ytd":
        heads["base"] = ("同期", "上年同期累计", "去年同期")[words]
    rows = [item for item in places.townships(period) if not file.only or item.code in file.only]
    place_name = rows[0].name if file.only else COUNTY_NAME
    title = f"{place_name}乡镇企业主要经济指标完成情况表（{period_text(period, style)}）"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet(("Sheet1", "Sheet1", "汇总", f"{period.month}月")[rng.randrange(4)])
    filler = Filler(book, sheet, file)

    # headings
    column, groups = 2, []
    for code, names in _TE_M1_GROUPS:
        measures = (
            ("stock", "base", "growth")
            if code == "TE04"
            else (*order, "plan")
            if has_plan and code != "TE08"
            else order
        )
        name = names[words]
        factor = Decimal(1)
        if code in ("TE01", "TE02") and in_hundred_million:
            name, factor = f"{name}(亿元)", _WAN
        groups.append((code, name, factor, column, measures))
        column += len(measures)
    width = column
    sheet.merge(0, 0, 0, width - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    sheet.put(1, width - 3, "单位：万元、人、%", "unit")
    sheet.merge(2, 0, 3, 0, "序号", "head")
    sheet.merge(2, 1, 3, 1, "乡  镇", "head")
    for _code, name, _factor, first, measures in groups:
        sheet.merge(2, first, 2, first + len(measures) - 1, name, "head")
        for offset, measure in enumerate(measures):
            sheet.put(3, first + offset, "期末" if measure == "stock" else heads[measure], "head")

    first_row = 4 if total_last or file.only else 5
    notes: list[str] = []
    order_no = 0
    last_row = first_row - 1
    sums: dict[tuple[str, str], Decimal] = {}
    for township in rows:
        state = file.rows.get(township.code, "reported")
        if state == "absent":
            filler.missing(_absent(township.code))
            continue
        order_no += 1
        last_row += 1
        sheet.put(last_row, 0, order_no, "body")
        printed = "　" + township.name if rng.random() < 0.12 else township.name
        filler.plain(last_row, 1, printed, township.code, "name")
        if state == "unreported":
            notes.append(f"{township.name}本月未报")
        if state == "carried":
            notes.append(f"{township.name}本月未报，沿用上月累计")
        comma_text = rng.random() < 0.07
        for code, _name, factor, first, measures in groups:
            values = _te_m1_values(economy, silence, township, code, period, state)
            for offset, measure in enumerate(measures):
                if measure == "plan":
                    target = targets.value("township", township.code, code, period.year)
                    share = (
                        None if target is None or values["ytd"] is None else quantize(values["ytd"] / target * 100, 1)
                    )
                    sheet.put(last_row, first + offset, share if state != "unreported" else "未报", "rate")
                    continue
                value = values[measure]
                name = {"base": "base_ytd", "growth": "declared_growth"}.get(measure, measure)
                token, reason = "", None
                if state == "unreported":
                    value, token, reason = None, "未报", NOT_REPORTED
                elif value is None:
                    token, reason = "—", NA
                text = None
                if comma_text and value is not None and measure in ("ytd", "base") and value >= 1000 and factor == 1:
                    text = f"{value:,}"
                filler.figure(
                    last_row,
                    first + offset,
                    code,
                    "township",
                    township.code,
                    township.code,
                    name,
                    value,
                    factor=Decimal(1) if measure == "growth" else factor,
                    token=token,
                    null_reason=reason,
                    text=text,
                    is_carried=state == "carried",
                )
                if value is not None and measure != "growth":
                    sums[code, measure] = sums.get((code, measure), Decimal(0)) + value
    if not file.only:
        total_row = last_row + 1 if total_last else first_row - 1
        sheet.put(total_row, 0, None, "body")
        sheet.put(total_row, 1, "合  计", "body")
        for code, _name, factor, first, measures in groups:
            for offset, measure in enumerate(measures):
                name = {"base": "base_ytd", "growth": "declared_growth"}.get(measure, measure)
                if measure == "growth":
                    shown = sums.get((code, "stock" if code == "TE04" else "ytd"))
                    filler.total(
                        total_row, first + offset, growth_pct(shown, sums.get((code, "base"))), "合计", code, name, None
                    )
                elif measure == "plan":
                    sheet.put(total_row, first + offset, None, "rate")
                else:
                    value = sums.get((code, measure), Decimal(0)) / factor
                    numeric = all(
                        not isinstance(sheet.cells.get((row, first + offset), ("", ""))[0], str)
                        for row in range(first_row, last_row + 1)
                    )
                    filler.total(
                        total_row,
                        first + offset,
                        value,
                        "合计",
                        code,
                        name,
                        (first_row, last_row) if numeric and style % 2 else None,
                    )
        last_row = max(last_row, total_row)
    if period.year == 2025 and period >= places.MERGED and not file.only:
        notes.append("石门乡并入站前镇，同期数按现区划调整")
    notes.append("因单位取舍，合计与分项略有出入")
    sheet.put(last_row + 2, 0, "注：" + " ".join(f"{index}、{note}。" for index, note in enumerate(notes, 1)), "note")
    sheet.put(last_row + 3, 0, _signed(file), "note")
    sheet.widths = {0: 5, 1: 13}
    return book


def _te_m1_values(
    economy: Economy, silence: Silence, township: Township, code: str, period: date, state: str
) -> dict[str, Decimal | None]:
    at = silence.last_reported(township, period) if state == "carried" else period
    value, base = economy.ytd(township, code, at), economy.base(township, code, at)
    month = None if state == "carried" or code == "TE04" else economy.flow(township, code, period)
    return {"month": month, "ytd": value, "stock": value, "base": base, "growth": growth_pct(value, base)}


# ---- TE-M2: the county's own table (L2) -----------------------------------------------------------------------------


def te_m2(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period, rng = file.period, file.rng(economy.seed)
    style = rng.randrange(30)
    in_hundred_million = style % 6 == 1
    title = f"{period_text(period, style)}{COUNTY_NAME}乡镇企业主要指标"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    sheet.merge(0, 0, 0, 6, title, "title")
    sheet.put(1, 6, LABEL, "unit")
    heads = (
        "指标名称",
        "计量单位",
        "代码",
        "本月",
        ("本月止累计", "累计", "1-本月")[style % 3],
        ("去年同期累计", "上年同期", "上年同期累计")[style % 3],
        ("比上年同期±%", "增长%", "同比%")[style % 3],
    )
    for column, head in enumerate(heads):
        sheet.put(2, column, head, "head")
    marks: tuple[str | int, ...] = ("甲", "乙", "丙", 1, 2, 3, 4)
    for column, mark in enumerate(marks):
        sheet.put(3, column, mark, "head")

    row = 4
    for label, code, unit, values in te_m2_lines(economy, silence, period):
        factor = Decimal(1)
        if code in ("TE01", "TE02") and in_hundred_million:
            unit, factor = "亿元", _WAN
        filler.plain(row, 0, label, code, "name")
        sheet.put(row, 1, unit, "body")
        sheet.put(row, 2, f"{row - 3:02d}", "body")
        month, value, base, growth = values
        is_stock = code == "TE04"
        is_optional = code in ("DR01", "PX01")
        for column, measure, figure in (
            (3, "month", month),
            (4, "stock" if is_stock else "ytd", value),
            (5, "base_ytd", base),
            (6, "declared_growth", growth),
        ):
            if figure is None:
                sheet.put(row, column, "—", "number")
                continue
            text = None
            if code == "DR01" and measure == "declared_growth":
                text = f"{figure}个百分点"
            filler.figure(
                row,
                column,
                code,
                "county",
                COUNTY_CODE,
                None,
                measure,
                figure,
                factor=Decimal(1) if measure == "declared_growth" else factor,
                text=text,
                is_optional=is_optional,
            )
        row += 1
    note = "注：营业收入、工业总产值、工业销售产值、利润总额、劳动者报酬为规模以上企业数。"
    if silence.final(period):
        names = "、".join(item.name for item in places.townships(period) if item.code in silence.final(period))
        note += f"{names}未报，按上月累计数计入。"
    if period.year == 2025:
        note += "同期数按现区划调整。"
    sheet.put(row + 1, 0, note, "note")
    sheet.put(row + 2, 0, _signed(file), "note")
    sheet.widths = {0: 32, 1: 12}
    return book


Values = tuple[Decimal | None, Decimal | None, Decimal | None, Decimal | None]


def te_m2_lines(economy: Economy, silence: Silence, period: date) -> list[tuple[str, str, str, Values]]:
    """Rows of the county's table: label, indicator, printed unit, (month, ytd, base, growth) in stored units."""
    above = economy.listed(period, above=True)
    agro = [item for item in above if item.is_agro]
    pharma = [item for item in above if item.is_pharma]

    def whole(code: str) -> Values:
        month = silence.county_month(code, period) if code != "TE04" else None
        value, base = silence.county_ytd(code, period)
        return month, value, base, growth_pct(value, base)

    def part(code: str, scope: list[Enterprise]) -> Values:
        month = economy.above_scale(code, period, "month", scope)
        value = economy.above_scale(code, period, "ytd", scope)
        base = economy.above_scale(code, period, "ytd", scope, year_back=True)
        return month, value, base, growth_pct(value, base)

    def own(code: str) -> Values:
        value, base = economy.county_ytd(code, period), economy.county_ytd(code, add_months(period, -12))
        return economy.county_flow(code, period), value, base, growth_pct(value, base)

    def ratio(month_shift: int, measure: str) -> Decimal:
        at = add_months(period, month_shift)
        look_up = economy.county_flow if measure == "month" else economy.county_ytd
        return quantize(look_up("BF03", at) / economy.above_scale("BF02", at, measure) * 100, 1)

    price, price_ytd = economy.price_index(period)
    sold, sold_base = ratio(0, "ytd"), ratio(-12, "ytd")
    lines: list[tuple[str, str, str, Values]] = [
        ("一、增加值", "TE01", "万元", whole("TE01")),
        ("　其中：工业", "TE02", "万元", whole("TE02")),
        ("　　#农产品加工", "TE06", "万元", part("TE02", agro)),
        ("　　#制药工业", "TE07", "万元", part("TE02", pharma)),
        ("二、实交税金", "TE03", "万元", whole("TE03")),
        ("　其中：规模以上工业企业", "TE03a", "万元", part("TE03", above)),
        ("三、固定资产投资", "TE08", "万元", whole("TE08")),
        ("四、营业收入", "BF01", "万元", part("BF01", above)),
        ("五、工业总产值(现价)", "BF02", "万元", part("BF02", above)),
        ("六、工业销售产值", "BF03", "万元", own("BF03")),
        ("七、利润总额", "BF05", "万元", own("BF05")),
        ("八、劳动者报酬", "BF07", "万元", own("BF07")),
        ("九、从业人员", "TE04", "人", whole("TE04")),
        ("十、产销率", "DR01", "%", (ratio(0, "month"), sold, sold_base, sold - sold_base)),
        ("十一、工业品出厂价格指数(上年同期=100)", "PX01", "%", (price, price_ytd, None, None)),
    ]
    if period.month % 3 == 0:
        _, value, base, growth = own("BF14")
        lines.append(("十二、地区生产总值", "BF14", "万元", (None, value, base, growth)))
        lines += _other_departments(economy, silence, period, above)
    return lines


def _other_departments(
    economy: Economy, silence: Silence, period: date, above: list[Enterprise]
) -> list[tuple[str, str, str, Values]]:
    """What the statistics bureau and the tax office say: of another scope, hence near our figures and not equal."""

    def share(name: str, year: int, low: int, high: int) -> Decimal:
        """A factor of one department and year, in thousandths."""
        return Decimal(random.Random(f"{economy.seed}:department:{name}:{year}").randrange(low, high)) / 1000

    def industry(at: date, *, year_back: bool) -> Decimal:
        own = economy.above_scale("TE02", period, "ytd", above, year_back=year_back)
        return quantize(own * share("statistics", at.year, 1055, 1095), 0)

    def taxes(at: date, own: Decimal) -> Decimal:
        return quantize(own * share("tax", at.year, 978, 996), 0)

    before = add_months(period, -12)
    value, base = silence.county_ytd("TE03", period)
    figures = (
        (
            "十三、规模以上工业增加值(统计局)",
            "RC01",
            industry(period, year_back=False),
            industry(before, year_back=True),
        ),
        ("十四、乡镇企业入库税金(税务局)", "RC02", taxes(period, value), taxes(before, base)),
    )
    return [(label, code, "万元", (None, now, then, growth_pct(now, then))) for label, code, now, then in figures]


# ---- TE-M3: above-scale enterprises (L3) ----------------------------------------------------------------------------

TE_M3_COLUMNS: tuple[tuple[str, str], ...] = (
    ("BF02", "month"),
    ("BF02", "ytd"),
    ("BF02", "base_ytd"),
    ("TE02", "ytd"),
    ("TE03", "ytd"),
    ("BF01", "ytd"),
    ("TE04", "stock"),
    ("BF12", "ytd"),
)


def te_m3(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period, rng = file.period, file.rng(economy.seed)
    style = rng.randrange(30)
    flat = file.as_csv
    title = f"{COUNTY_NAME}规模以上乡镇企业生产情况（{period.year}年{period.month}月）"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    span = f"1-{period.month}月" if style % 3 and period.month > 1 else "累计"
    base = ("同期", "上年同期", "去年同期")[style % 3]
    heads = (
        (("工业总产值(现价)", "工业总产值")[style % 2], ("本月", span, base)),
        ("工业增加值", ("累计",)),
        ("实交税金", ("累计",)),
        (("主营业务收入", "营业收入")[style % 2], ("累计",)),
        (("从业人数", "从业人员")[style % 2], ("期末",)),
        ("用电量(万千瓦时)", ("累计",)),
    )
    width = 14
    sheet.put(0, 0, title, "title") if flat else sheet.merge(0, 0, 0, width - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    sheet.put(1, width - 2, "单位：万元、人", "unit")
    fixed = ("序号", "所在乡镇", "企业名称", "统一社会信用代码", "行业")
    for column, head in enumerate(fixed):
        if flat:
            sheet.put(2, column, head, "head")
        else:
            sheet.merge(2, column, 3, column, head, "head")
    column = len(fixed)
    for head, measures in heads:
        if flat:
            for offset in range(len(measures)):
                sheet.put(2, column + offset, head, "head")
        else:
            sheet.merge(2, column, 2, column + len(measures) - 1, head, "head")
        for offset, measure in enumerate(measures):
            sheet.put(3, column + offset, measure, "head")
        column += len(measures)
    if flat:
        sheet.put(2, column, "备注", "head")
    else:
        sheet.merge(2, column, 3, column, "备注", "head")

    row, number = 4, 0
    comma_column = style % 4 == 1
    totals: dict[tuple[str, str], Decimal] = {}
    ditto = style % 5 == 2
    for township in places.townships(period):
        here: list[tuple[Enterprise, bool]] = []
        for item in economy.listed(period, above=True):
            if places.township_of(item.place_in(period), period) != township:
                continue
            if item.credit_code in file.absent:
                filler.missing(_absent(item.credit_code))
                continue
            here.append((item, False))
            if item.credit_code in file.repeated:
                here.append((item, True))
        if not here:
            continue
        first = row
        sums: dict[tuple[str, str], Decimal] = {}
        for position, (item, is_repeat) in enumerate(here):
            number += 1
            sheet.put(row, 0, number, "body")
            shown = township.name if position == 0 or flat else "〃" if ditto else None
            sheet.put(row, 1, shown, "middle")
            filler.plain(row, 2, item.name_in(period) + (" " if rng.random() < 0.05 else ""), item.credit_code, "name")
            filler.plain(row, 3, item.credit_code, item.credit_code, "code")
            sheet.put(row, 4, item.industry.code, "body")
            if item.credit_code in file.repeated:
                note = "the row of one enterprise stands twice"
                edit = Edit(
                    item.credit_code,
                    "row",
                    "",
                    "repeated_row",
                    "V32",
                    "error",
                    "must",
                    note,
                    group=f"twice {item.number}",
                )
                filler.mark_row(row, edit)
            facts_before = len(book.facts)
            status = item.status(period)
            for offset, (code, measure) in enumerate(TE_M3_COLUMNS):
                value, reason = _enterprise_value(economy, item, code, measure, period)
                text = None
                if comma_column and value is not None and measure == "ytd" and value >= 1000:
                    text = f"{value:,}"
                filler.figure(
                    row,
                    5 + offset,
                    code,
                    "enterprise",
                    item.credit_code,
                    township.code,
                    measure,
                    value,
                    token="" if reason is None else "—",
                    null_reason=reason,
                    text=text,
                )
                if value is not None:
                    sums[code, measure] = sums.get((code, measure), Decimal(0)) + value
            sheet.put(row, width - 1, {"suspended": "停产", "closed": "关闭"}.get(status), "body")
            if item.credit_code in file.repeated:
                filler.record_row(row, 5, edit)
            if is_repeat:
                del book.facts[facts_before:]
            row += 1
        if not flat and not ditto and row - first > 1:
            sheet.merge(first, 1, row - 1, 1, township.name, "middle")
        _te_m3_total(
            filler, row, "小计", f"小计 {township.code}", sums, None if comma_column or flat else (first, row - 1)
        )
        row += 1
        for key, value in sums.items():
            totals[key] = totals.get(key, Decimal(0)) + value
    _te_m3_total(filler, row, "合计", "合计", totals, None)
    sheet.put(row + 1, 0, "填表人：　　　联系电话：", "note")
    sheet.widths = {1: 12, 2: 24, 3: 22, 5: 11, 6: 11, 7: 11}
    return book


def _te_m3_total(
    filler: Filler, row: int, word: str, unit: str, sums: dict[tuple[str, str], Decimal], rows: tuple[int, int] | None
) -> None:
    for column in (0, 1, 3, 4):
        filler.sheet.put(row, column, None, "body")
    filler.sheet.put(row, 2, word, "body")
    for offset, (code, measure) in enumerate(TE_M3_COLUMNS):
        filler.total(row, 5 + offset, sums.get((code, measure), Decimal(0)), unit, code, measure, rows)


def _enterprise_value(
    economy: Economy, item: Enterprise, code: str, measure: str, period: date
) -> tuple[Decimal | None, str | None]:
    """Value, or why there is none: a firm that did not exist a year ago has no base."""
    unit = item.credit_code
    if measure == "stock":
        if item.status(period) == "closed":
            return None, NA
        return economy.unit_stock(unit, code, period), None
    if measure == "month":
        return economy.unit_flow(unit, code, period), None
    if measure == "base_ytd":
        base_period = add_months(period, -12)
        return (None, NA) if base_period < item.opened else (economy.unit_ytd(unit, code, base_period), None)
    return economy.unit_ytd(unit, code, period), None


# ---- CO-M1: mines (L5) ----------------------------------------------------------------------------------------------


def co_m1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period, rng = file.period, file.rng(economy.seed)
    style = rng.randrange(30)
    wan = style % 9 == 5
    factor = _WAN if wan else Decimal(1)
    title = f"乡镇煤矿生产、安全情况月报表　{period.year}年{period.month}月"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    width = 19
    sheet.merge(0, 0, 0, width - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    sheet.put(1, width - 2, "单位：吨、人", "unit")
    single = {
        0: "矿 名",
        1: "乡镇",
        2: "核定能力(万吨/年)",
        8: "从业人数",
        9: "应持证人数",
        10: "持证人数",
        11: "持证率%",
    }
    single |= {12: "事故起数", 13: "死亡人数", 14: "重伤人数", 15: "百万吨死亡率", 16: "矿井状态", 17: "备注"}
    for column, head in single.items():
        sheet.merge(2, column, 3, column, head, "head")
    sheet.merge(2, 3, 2, 5, "原煤产量(万吨)" if wan else "原煤产量", "head")
    for column, head in ((3, "本月"), (4, "累计"), (5, ("同期", "上年同期")[style % 2])):
        sheet.put(3, column, head, "head")
    for column, head, below in ((6, "销量", "累计"), (7, "库存", "期末"), (18, "电煤供应量", "累计")):
        sheet.put(2, column, head, "head")
        sheet.put(3, column, below, "head")
    row = 4
    sums: dict[int, Decimal] = {}
    mines = []
    for item in economy.listed(period):
        if item.is_coal and item.credit_code in file.absent:
            filler.missing(_absent(item.credit_code))
        elif item.is_coal:
            mines.append(item)
    for item in mines:
        unit = item.credit_code
        township = places.township_of(item.place_in(period), period)
        assert township is not None and item.capacity is not None
        filler.plain(row, 0, item.name_in(period), unit, "name")
        sheet.put(row, 1, township.name, "body")
        filler.figure(
            row,
            2,
            "CO12",
            "enterprise",
            unit,
            township.code,
            "stock",
            Decimal(item.capacity),
            factor=_WAN,
            is_optional=True,
        )
        is_closed = item.status(period) == "closed"
        need, have = economy.unit_stock(unit, "CO15", period), economy.unit_stock(unit, "CO14", period)
        accidents = _accidents(economy, item, period)
        figures: tuple[tuple[int, str, str, Decimal, Decimal], ...] = (
            (3, "CO01", "month", economy.unit_flow(unit, "CO01", period), factor),
            (4, "CO01", "ytd", economy.unit_ytd(unit, "CO01", period), factor),
            (5, "CO01", "base_ytd", economy.unit_ytd(unit, "CO01", add_months(period, -12)), factor),
            (6, "CO10", "ytd", economy.unit_ytd(unit, "CO10", period), Decimal(1)),
            (7, "CO11", "stock", economy.unit_stock(unit, "CO11", period), Decimal(1)),
            (8, "CO13", "stock", economy.unit_stock(unit, "CO13", period), Decimal(1)),
            (9, "CO15", "stock", need, Decimal(1)),
            (10, "CO14", "stock", have, Decimal(1)),
            (18, "CO08", "ytd", economy.unit_ytd(unit, "CO08", period), Decimal(1)),
        )
        for column, code, measure, value, per in figures:
            shown = None if is_closed and 8 <= column <= 10 else value
            filler.figure(
                row,
                column,
                code,
                "enterprise",
                unit,
                township.code,
                measure,
                shown,
                factor=per,
                token="—",
                null_reason=NA,
            )
            sums[column] = sums.get(column, Decimal(0)) + value / per
        sheet.put(row, 11, quantize(have / need * 100, 1) if need else "—", "rate")
        output = economy.unit_flow(unit, "CO01", period)
        for column, count in zip((12, 13, 14), accidents, strict=True):
            sheet.put(row, column, count, "number")
            sums[column] = sums.get(column, Decimal(0)) + count
        # a cross-check of the incident sheet, no source of its own
        filler.figure(
            row, 13, "SA02", "enterprise", unit, township.code, "month", Decimal(accidents[1]), is_optional=True
        )
        deaths = Decimal(accidents[1])
        sheet.put(row, 15, quantize(deaths / output * 1000000, 3) if output else "—", "number")
        status = {"active": "正常", "suspended": "停产整顿", "closed": "关闭"}[item.status(period)]
        filler.plain(row, 16, status, unit, "status")
        sheet.put(row, 17, None, "body")
        row += 1
    sheet.put(row, 0, "合  计", "body")
    sheet.put(row, 2, Decimal(sum(item.capacity or 0 for item in mines)) / _WAN, "number")
    for column, value in sums.items():
        code = {3: "month", 4: "ytd", 5: "base_ytd"}.get(column, str(column))
        filler.total(row, column, value, "合计", "CO01", code, (4, row - 1) if style % 2 and column > 5 else None)
    need, have = sums.get(9, Decimal(0)), sums.get(10, Decimal(0))
    sheet.put(row, 11, quantize(have / need * 100, 1) if need else None, "rate")
    tonnes = sums.get(3, Decimal(0)) * factor
    sheet.put(row, 15, quantize(sums.get(13, Decimal(0)) / tonnes * 1000000, 3) if tonnes else "—", "number")
    sheet.put(row + 1, 0, _signed(file), "note")
    sheet.widths = {0: 14, 1: 12}
    return book


def _accidents(economy: Economy, item: Enterprise, period: date) -> tuple[int, int, int]:
    found = [
        incident
        for incident in economy.incidents
        if incident.enterprise.credit_code == item.credit_code and incident.day.replace(day=1) == period
    ]
    return len(found), sum(entry.deaths for entry in found), sum(entry.injuries for entry in found)


# ---- SA-E1: incidents -----------------------------------------------------------------------------------------------


def sa_e1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period = file.period
    title = f"{COUNTY_NAME}乡镇企业生产安全事故情况表（{period.year}年{period.month}月）"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    heads = (
        "序号",
        "日期",
        "单位",
        "乡镇",
        "类别",
        "死亡",
        "重伤",
        "直接经济损失(万元)",
        "等级",
        "是否生产安全责任事故",
        "备注",
    )
    sheet.merge(0, 0, 0, len(heads) - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    sheet.put(1, len(heads) - 2, "单位：人、万元", "unit")
    for column, head in enumerate(heads):
        sheet.put(2, column, head, "head")
    row = 3
    for incident in economy.incidents:
        if incident.day.replace(day=1) != period:
            continue
        item = incident.enterprise
        township = places.township_of(item.place_in(period), period)
        assert township is not None
        sheet.put(row, 0, row - 2, "body")
        sheet.put(row, 1, incident.day, "date")
        filler.plain(row, 2, item.name_in(period), item.credit_code, "name")
        sheet.put(row, 3, township.name, "body")
        sheet.put(row, 4, incident.category, "body")
        sheet.put(row, 5, incident.deaths, "number")
        sheet.put(row, 6, incident.injuries, "number")
        sheet.put(row, 7, incident.loss, "number")
        filler.plain(row, 8, incident.grade, item.credit_code, "grade")
        sheet.put(row, 9, "是", "body")
        sheet.put(row, 10, None, "body")
        row += 1
    if row == 3:
        sheet.put(row, 0, None, "body")
        sheet.put(row, 1, "本月无事故", "body")
        row += 1
    sheet.put(row + 1, 0, _signed(file), "note")
    sheet.widths = {1: 12, 2: 22, 3: 12}
    return book


# ---- EN-M1: key energy users ----------------------------------------------------------------------------------------


def en_m1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period, rng = file.period, file.rng(economy.seed)
    style = rng.randrange(30)
    title = f"{COUNTY_NAME}重点用能乡镇企业能源消费情况（{period_text(period, style)}）"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    span = f"1-{period.month}月" if style % 2 == 0 and period.month > 1 else "累计"
    base = ("同期", "上年同期", "去年同期")[style % 3]
    groups = (
        ("综合能源消费量(吨标准煤)", "EN00", (("本月", "month"), (span, "ytd"), (base, "base_ytd"))),
        ("原煤(吨)", "EF101", (("本月", "month"), (span, "ytd"))),
        ("电力(万千瓦时)", "EF600", (("本月", "month"), (span, "ytd"))),
    )
    fixed = ("序号", "企业名称", "统一社会信用代码", "所在乡镇")
    width = 12
    sheet.merge(0, 0, 0, width - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    sheet.put(1, width - 3, "单位：吨标准煤、吨、万千瓦时", "unit")
    for column, head in enumerate(fixed):
        sheet.merge(2, column, 3, column, head, "head")
    column = len(fixed)
    for head, _code, measures in groups:
        sheet.merge(2, column, 2, column + len(measures) - 1, head, "head")
        for offset, (word, _measure) in enumerate(measures):
            sheet.put(3, column + offset, word, "head")
        column += len(measures)
    sheet.merge(2, column, 3, column, "备注", "head")
    row = 4
    sums: dict[int, Decimal] = {}
    for item in economy.listed(period):
        if not item.is_key:
            continue
        if item.credit_code in file.absent:
            filler.missing(_absent(item.credit_code))
            continue
        township = places.township_of(item.place_in(period), period)
        assert township is not None
        sheet.put(row, 0, row - 3, "body")
        filler.plain(row, 1, item.name_in(period), item.credit_code, "name")
        filler.plain(row, 2, item.credit_code, item.credit_code, "code")
        sheet.put(row, 3, township.name, "body")
        column = len(fixed)
        for _head, code, measures in groups:
            for offset, (_word, measure) in enumerate(measures):
                value, _reason = _enterprise_value(economy, item, code, measure, period)
                filler.figure(row, column + offset, code, "enterprise", item.credit_code, township.code, measure, value)
                sums[column + offset] = sums.get(column + offset, Decimal(0)) + (value or Decimal(0))
            column += len(measures)
        sheet.put(row, column, "停产" if item.status(period) == "suspended" else None, "body")
        row += 1
    sheet.put(row, 1, "合计", "body")
    for column, value in sums.items():
        sheet.put(row, column, value, "number")
    sheet.put(row + 1, 0, "注：电力按当量值折标。", "note")
    sheet.put(row + 2, 0, _signed(file), "note")
    sheet.widths = {1: 24, 2: 22, 3: 12}
    return book


# ---- RO-Y1: register ------------------------------------------------------------------------------------------------

ROSTER_HEADS = (
    "序号",
    "统一社会信用代码",
    "企业名称",
    "所在乡镇",
    "行业代码",
    "规模以上",
    "农产品加工",
    "制药",
    "煤矿",
    "重点用能",
    "核定生产能力（万吨/年）",
    "状态",
)


def ro_y1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period = file.period
    when = f"{period.year}年{period.month}月" if file.mid_year else f"{period.year}年"
    title = f"{COUNTY_NAME}乡镇企业名录（{when}，{LABEL}）"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    sheet.merge(0, 0, 0, len(ROSTER_HEADS) - 1, title, "title")
    for column, head in enumerate(ROSTER_HEADS):
        sheet.put(1, column, head, "head")
    for row, (item, _code, township, status) in enumerate(economy.register(period), 2):
        flags = (item.is_above(period), item.is_agro, item.is_pharma, item.is_coal, item.is_key)
        capacity = None if item.capacity is None else Decimal(item.capacity) / _WAN
        sheet.put(row, 0, row - 1, "body")
        filler.plain(row, 1, item.credit_code, item.credit_code, "code")
        sheet.put(row, 2, item.name_in(period), "body")
        sheet.put(row, 3, township, "body")
        sheet.put(row, 4, item.industry.code, "body")
        for column, flag in enumerate(flags, 5):
            sheet.put(row, column, "是" if flag else "否", "body")
        sheet.put(row, 10, capacity, "number")
        sheet.put(row, 11, status, "body")
    sheet.widths = {1: 22, 2: 24, 3: 12}
    return book


# ---- TG-Y1: targets (L6) --------------------------------------------------------------------------------------------


def tg_y1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    year = file.period.year
    december = date(year, 12, 1)
    title = f"{year}年乡镇企业目标任务分解表"
    book = Book(file.file_name, file.form, december, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    heads = ("单位", "指标", "计量单位", f"{year - 1}年实绩", f"{year}年目标", "增长%", "确保/奋斗", "分值", "评分标准")
    sheet.merge(0, 0, 0, len(heads) - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    for column, head in enumerate(heads):
        sheet.put(2, column, head, "head")
    row = 3
    for level, unit, name in targets.units(year):
        first = row
        for line in targets.lines(level, unit, year):
            sheet.put(row, 0, name if row == first else None, "middle")
            sheet.put(row, 1, line.label, "body")
            sheet.put(row, 2, line.unit, "body")
            township = unit if level == "township" else None
            if line.actual is not None and line.tier != "奋斗":
                text = f"{line.actual:,}" if line.actual >= 1000 and line.factor == 1 else None
                filler.figure(
                    row,
                    3,
                    line.indicator,
                    level,
                    unit,
                    township,
                    "base_ytd",
                    line.actual,
                    factor=line.factor,
                    text=text,
                )
            else:
                sheet.put(row, 3, None, "number")
            measure = "target_stretch" if line.tier == "奋斗" else "target"
            filler.figure(
                row, 4, line.indicator, level, unit, township, measure, line.value, factor=line.factor, text=line.text
            )
            if line.growth is not None:
                filler.figure(row, 5, line.indicator, level, unit, township, "target_growth", line.growth)
            else:
                sheet.put(row, 5, None, "rate")
            sheet.put(row, 6, line.tier, "body")
            sheet.put(row, 7, line.mark, "body")
            sheet.put(row, 8, line.rule, "body")
            row += 1
        sheet.merge(first, 0, row - 1, 0, name, "middle")
    sheet.widths = {0: 12, 1: 26, 2: 15, 8: 46}
    return book


# ---- AN-Y1: rural population (L1) -----------------------------------------------------------------------------------


def an_y1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    year = file.period.year
    december = date(year, 12, 1)
    title = f"{COUNTY_NAME}{year}年度乡村人口情况表"
    book = Book(file.file_name, file.form, december, title)
    sheet = book.sheet()
    filler = Filler(book, sheet, file)
    sheet.merge(0, 0, 0, 3, title, "title")
    sheet.put(1, 0, LABEL, "note")
    sheet.put(1, 3, "单位：人", "unit")
    sheet.merge(2, 0, 3, 0, "序号", "head")
    sheet.merge(2, 1, 3, 1, "乡  镇", "head")
    sheet.merge(2, 2, 2, 3, "乡村人口", "head")
    sheet.put(3, 2, "期末", "head")
    sheet.put(3, 3, "上年同期", "head")
    rows = [item for item in places.townships(december) if economy.rural_population(item, year) > 0]
    sheet.put(4, 0, None, "body")
    sheet.put(4, 1, "合  计", "body")
    for column, at in ((2, year), (3, year - 1)):
        sheet.total(4, column, sum((economy.rural_population(item, at) for item in rows), Decimal(0)), 5, 4 + len(rows))
    for row, township in enumerate(rows, 5):
        sheet.put(row, 0, row - 4, "body")
        sheet.put(row, 1, township.name, "body")
        for column, measure, at in ((2, "stock", year), (3, "base_ytd", year - 1)):
            value = economy.rural_population(township, at)
            filler.figure(row, column, "BF13", "township", township.code, township.code, measure, value)
    sheet.put(6 + len(rows), 0, _signed(file), "note")
    sheet.widths = {1: 14, 2: 12, 3: 12}
    return book


# ---- TK-M1: ledger of tasks -----------------------------------------------------------------------------------------


def tk_m1(economy: Economy, silence: Silence, targets: Targets, file: PlannedFile) -> Book:
    period = file.period
    title = f"{COUNTY_NAME}乡镇企业重点工作任务台账（{period.year}年{period.month}月）"
    book = Book(file.file_name, file.form, period, title)
    sheet = book.sheet()
    sheet.merge(0, 0, 0, len(tasks.HEADS) - 1, title, "title")
    sheet.put(1, 0, LABEL, "note")
    for column, head in enumerate(tasks.HEADS):
        sheet.put(2, column, head, "head")
    for number, task in enumerate(tasks.TASKS, 1):
        row = 2 + number
        sheet.put(row, 0, number, "body")
        for column, text in ((1, task.name), (2, task.category), (3, task.owner)):
            sheet.put(row, column, text, "body")
        sheet.put(row, 4, task.planned, "date")
        sheet.put(row, 5, task.done, "date")
        sheet.put(row, 6, task.progress, "number")
        for column, text in ((7, task.state), (8, task.evidence), (9, task.remark)):
            sheet.put(row, column, text or None, "body")
    sheet.put(4 + len(tasks.TASKS), 0, _signed(file), "note")
    sheet.widths = {1: 26, 2: 30, 3: 12, 4: 14, 5: 14, 8: 24, 9: 16}
    return book


Layout = Callable[[Economy, Silence, Targets, PlannedFile], Book]

LAYOUTS: dict[str, Layout] = {
    "TE-M1": te_m1,
    "TE-M2": te_m2,
    "TE-M3": te_m3,
    "CO-M1": co_m1,
    "SA-E1": sa_e1,
    "EN-M1": en_m1,
    "RO-Y1": ro_y1,
    "TG-Y1": tg_y1,
    "AN-Y1": an_y1,
    "TK-M1": tk_m1,
}
