"""The layouts of domain.md C.3 in other words, orders and units than the specimens, from sheet to figures."""

from __future__ import annotations

from decimal import Decimal

from tests.ingest.conftest import Reader
from tests.ingest.sheets import at, figures, rules

YUNXI, BINHE, FENGLIN, XINQIAO = "529901001", "529901002", "529901100", "529901103"
ALUMINIUM, FOOD, ZHANQIAN_MINE, XINQIAO_MINE = (
    "91529901780001003A",
    "9152990178000137X3",
    "91529901780002858K",
    "91529901780003228M",
)


# ------------------------------------------------------------------ L1
def test_l1_in_other_words_order_and_units(read: Reader) -> None:
    intake = read(
        """
示范县乡镇企业主要指标完成情况（2026年一季度）
镇(街道)|乡镇企业增加值(亿元)||||实缴税金（千元）||从业人员
|当月|1-3月|上年同期|同比增长(%)|年初累计|增幅%|期末（人）
云溪街道|0.0634|0.1905|0.1833|3.9|2100|9.4|3430
枫林湖|0.3|0.84|0.80|（4.3）|9290|△9.3|缺
新桥镇||0.5|0.4|一|…|下降1.5|1200
总计|0.4|1.2|1.1||12390||5030
各乡镇平均|0.4|1.2|1.1||12390||5030
""",
        [(0, 0, 0, 7), (1, 0, 2, 0), (1, 1, 1, 4), (1, 5, 1, 6)],
    )
    assert (intake.form_code, str(intake.period), intake.reporter_unit_id) == ("TE-M1", "2026-03-01", "529901")
    held = figures(intake)
    assert held["TE01", YUNXI, "month"] == "634"
    assert held["TE01", YUNXI, "ytd"] == "1905"
    assert held["TE01", YUNXI, "base_ytd"] == "1833"
    assert held["TE03", YUNXI, "ytd"] == "210"
    assert held["TE04", YUNXI, "stock"] == "3430"
    assert held["TE01", FENGLIN, "declared_growth"] == "-4.3"
    assert held["TE03", FENGLIN, "declared_growth"] == "-9.3"
    assert held["TE04", FENGLIN, "stock"] == "not_reported"
    assert held["TE01", XINQIAO, "month"] == "unknown"
    assert held["TE01", XINQIAO, "declared_growth"] == "na"
    assert held["TE03", XINQIAO, "ytd"] == "below_unit"
    assert held["TE03", XINQIAO, "declared_growth"] == "-1.5"
    totals = {(total.indicator_code, total.measure): total.value for total in intake.parsed.totals}
    assert totals["TE01", "ytd"] == 12000 and totals["TE03", "ytd"] == 1239
    assert rules(intake, "error") == set()
    assert at(intake, "parse.average_row") == ["A8"]


def test_a_header_without_merges_spreads_to_the_right(read: Reader) -> None:
    """What a CSV export makes of two header rows."""
    intake = read(
        """
2026年1—3月乡镇企业主要经济指标
单位：万元
序号|乡镇|增加值||||实交税金|||备注
||本月|累计|同期|±%|本月|累计|±%|
1|云溪街道|634|1905|1833|3.9|74|210|9.4|
|合计|634|1905||||74|210||
"""
    )
    held = figures(intake)
    assert held["TE03", YUNXI, "month"] == "74" and held["TE03", YUNXI, "declared_growth"] == "9.4"
    assert held["TE01", YUNXI, "base_ytd"] == "1833"


def test_three_header_rows_and_a_base_of_each_measure(read: Reader) -> None:
    intake = read(
        """
示范县乡镇企业主要经济指标（2026年1-3月）
乡镇|增加值|||||
|本月|||累计||
|实际|同期|±%|实际|同期|±%
云溪街道|100|90|10|900|800|12.5
滨河街道|100|90|10|900|800|12.5
""",
        [(1, 1, 1, 6), (2, 1, 2, 3), (2, 4, 2, 6), (1, 0, 3, 0)],
    )
    held = figures(intake)
    assert held["TE01", YUNXI, "base_month"] == "90" and held["TE01", YUNXI, "base_ytd"] == "800"
    assert held["TE01", YUNXI, "declared_growth"] == "12.5"
    assert at(intake, "parse.month_growth") == ["D4"]


def test_columns_of_two_years_are_figure_and_base(read: Reader) -> None:
    intake = read(
        """
示范县乡镇企业主要经济指标（2026年1-3月）
乡镇|增加值||实交税金|
|2026年1-3月|2025年1-3月|2026年1-3月|2025年1-3月
云溪街道|100|90|10|9
""",
        [(1, 1, 1, 2), (1, 3, 1, 4)],
    )
    held = figures(intake)
    assert held["TE01", YUNXI, "ytd"] == "100" and held["TE03", YUNXI, "base_ytd"] == "9"
    assert intake.reporter_unit_id == YUNXI  # a county form with the row of one township alone is its own


def test_a_footnote_that_carries_marks_the_row(read: Reader) -> None:
    """domain.md I.16."""
    intake = read(
        """
2026年1—3月乡镇企业主要经济指标
乡镇|增加值||实交税金|
|本月|累计|本月|累计
云溪街道|634|1905|74|210
麦田民族乡|—|86|—|2
注：1、麦田乡本月未报，沿用上月累计。 2、因单位取舍，合计与分项略有出入。
审核人：　　制表人：　　报出日期：2026年4月5日
"""
    )
    carried = {one.cell for one in intake.parsed.observations if one.is_carried}
    assert carried == {"B5", "C5", "D5", "E5"}
    coverage = {entry.unit_id: entry.status for entry in intake.parsed.coverage}
    assert coverage == {YUNXI: "reported", "529901202": "carried"}


def test_a_footnote_of_a_summary_names_a_township_without_a_row(read: Reader) -> None:
    sheet = """
2026年3月全县乡镇企业主要指标
指标名称|计量单位|本月|累计
增加值|万元|634|1905
实交税金|万元|74|210
注：{name}本月未报，沿用上月累计。
"""
    assert at(read(sheet.format(name="麦田乡")), "parse.note_part") == ["A5"]
    unknown = read(sheet.format(name="某某乡"))
    assert at(unknown, "parse.note_unit") == ["A5"] and not at(unknown, "parse.note_part")


def test_pages_that_repeat_the_header_and_sheets_of_months(read: Reader) -> None:
    page = """
2026年4月乡镇企业主要经济指标
单位：千元
乡镇|增加值|实交税金
|累计|累计
云溪街道|1000|2
续表
乡镇|增加值|实交税金
|累计|累计
滨河街道|3000|4
合计|4000|6
"""
    held = figures(read(page))
    assert held["TE01", YUNXI, "ytd"] == "100" and held["TE01", BINHE, "ytd"] == "300"
    month = "\n示范县2026年主要经济指标\n单位：万元\n指标|本月|累计\n增加值|1|{}\n其中：工业|1|2\n"
    intake = read(sheets=[(f"{n}月", month.format(n), ()) for n in (1, 2, 3)])
    assert {str(one.period) for one in intake.parsed.observations} == {"2026-01-01", "2026-02-01", "2026-03-01"}
    assert str(intake.period) == "2026-03-01"


# ------------------------------------------------------------------ L2
def test_l2_nested_parts_and_mixed_units(read: Reader) -> None:
    intake = read(
        """
示范县乡镇企业主要指标（2026年1-8月）
指标名称|计量单位|代码|本月|本月止累计|去年同期累计|比上年同期±%
甲|乙|丙|1|2|3|4
一、增加值|亿元|01|0.7210|6.1034|5.2210|16.9
　其中：工业|万元|02|5100|42990|36800|16.8
　　#农产品加工|万元|03|620|5010|4380|14.4
二、从业人员|人|04|—|31250|30110|3.8
三、百万吨死亡率|人/百万吨|05|0|1.63|2.10|-0.47
四、产销率|%|06|96.1|95.8|96.4|-0.6个百分点
"""
    )
    assert intake.form_code == "TE-M2"
    held = figures(intake)
    county = "529901"
    assert held["TE01", county, "ytd"] == "61034" and held["TE01", county, "month"] == "7210"
    assert held["TE02", county, "base_ytd"] == "36800"
    assert held["TE06", county, "ytd"] == "5010"
    assert held["TE04", county, "stock"] == "31250" and held["TE04", county, "base_ytd"] == "30110"
    assert held["SA03", county, "declared_growth"] == "-0.47"
    assert held["DR01", county, "declared_growth"] == "-0.6"
    assert rules(intake, "error") == set()


def test_l2_of_a_township_by_its_title(read: Reader) -> None:
    intake = read(
        """
云溪街道2026年1-3月乡镇企业主要指标
单位：万元、人
指标|本月|同比%|累计|同比%
增加值|7210|10.1|61034|16.9
"""
    )
    assert (intake.reporter_level, intake.reporter_unit_id) == ("township", YUNXI)
    held = figures(intake)
    assert held["TE01", YUNXI, "declared_growth"] == "16.9"
    assert at(intake, "parse.month_growth") == ["C3"]


def test_units_of_the_wrong_kind_and_unknown_ones(read: Reader) -> None:
    intake = read(
        """
示范县2026年1-3月主要指标
指标|单位|累计
实交税金|吨|5
用电量|担|6
增加值|万元|7
"""
    )
    assert figures(intake) == {("TE01", "529901", "ytd"): "7"}
    kept = figures(intake, accepted=False)
    assert kept == {("TE03", "529901", "ytd"): "5", ("BF12", "529901", "ytd"): "6"}
    assert at(intake, "parse.unit_mismatch") == ["C3"] and at(intake, "parse.unknown_unit") == ["C4"]


# ------------------------------------------------------------------ L3
def test_l3_grouped_rows_codes_and_status(read: Reader) -> None:
    intake = read(
        """
示范县规模以上企业生产情况（2026年1-8月）
单位：万元
序号|所在乡镇|企业名称|组织机构代码|行业|工业总产值(现价)|||从业人数|用电量|备注
|||||本月|1-8月|同期|期末|万kWh|
1|站前镇|示范铝业有限公司|78000100-3|3216|3,210|25,880|21,004|512|1890|
2|〃|甲煤矿|780000369|0610|0|1,205|1,980|—|33|停产
||小计|||3,210|27,085|22,984|512||
3|枫林湖镇|枫林湖食品有限责任公司||1361|0|abc|1,980|1|33|
||合计|||3,210|27,085||||
填表人：　　联系电话：
"""
    )
    held = figures(intake)
    assert held["BF02", ALUMINIUM, "ytd"] == "25880"  # the organisation code inside a known credit code
    assert held["BF12", ALUMINIUM, "ytd"] == "1890"  # no measure said: what the title's period is
    assert held["TE04", "780000369", "stock"] == "na"
    assert held["BF02", FOOD, "month"] == "0"  # by its name within the township
    assert at(intake, "parse.not_a_number") == ["G8"]
    assert figures(intake, accepted=False) == {("BF02", FOOD, "ytd"): "unknown"}
    status = {entry.unit_id: entry.status for entry in intake.parsed.coverage}
    assert status["780000369"] == "suspended"
    (subtotal,) = [t for t in intake.parsed.totals if t.scope_unit_id and t.measure == "ytd"]
    assert (subtotal.scope_unit_id, subtotal.value) == ("529901101", Decimal(27085))
    assert [row.enterprise_id for row in intake.parsed.roster if row.is_provisional] == ["780000369"]


# ------------------------------------------------------------------ L4
def test_l4_keys_in_one_cell_or_two(read: Reader) -> None:
    one_cell = """
统一社会信用代码：9152990178000137X3||||表  号：乡企月1表|
单位详细名称：枫林湖食品有限公司||||制定机关：××县乡镇企业局|
所属乡镇：枫林湖镇||2026年8月||文  号：清乡企〔2008〕12号|
||||有效期至：2009年12月|
指标名称|单位|代码|本月|1-本月|上年同期
甲|乙|丙|1|2|3
工业总产值(当年价)|千元|01|2310|17800|15020
从业人员期末人数|人|05||405|398
单位负责人：张×  统计负责人：李×  报出日期：2026年9月3日
说明：1.… 2.审核关系：01≥02；2列≥1列
"""
    two_cells = """
乡镇企业生产经营情况|||||
统一社会信用代码|9152990178000137X3|||报告期|2026年8月
单位详细名称|枫林湖食品有限公司|||计量单位|千元
指标名称|代码|本月|1-本月|上年同期|
工业总产值(当年价)|01|2310|17800|15020|
"""
    for text in (one_cell, two_cells):
        intake = read(text)
        assert (intake.form_code, intake.reporter_unit_id, str(intake.period)) == ("TE-M4", FOOD, "2026-08-01")
        held = figures(intake)
        assert held["BF02", FOOD, "ytd"] == "1780" and held["BF02", FOOD, "base_ytd"] == "1502"
    held = figures(read(one_cell))
    assert held["TE04", FOOD, "stock"] == "405" and ("TE04", FOOD, "month") not in held


# ------------------------------------------------------------------ L5
def test_l5_names_broken_over_two_lines(read: Reader) -> None:
    intake = read(
        """
乡镇煤矿生产、安全情况月报表    2026年8月   单位：吨、人
矿 名|乡镇|核定能力|原煤产量|||销量|库存|从业|应持证|持证|持证率|死亡|百万吨|矿井
||万吨/年|本月|累计|同期|累计|期末|人数|人数|人数|%|人数|死亡率|状态
站前煤矿|站前|9|6,800|52,100|48,000|51,000|1,900|186|186|186|100|0|0|正常
新桥一号煤矿|新桥|6|0|0.82万|30,400|8,200|0|20|18|18|90|1|121.95|停产整顿
合  计||15||60,300||||||204||1|16.58|
"""
    )
    assert intake.form_code == "CO-M1"
    held = figures(intake)
    assert held["CO12", ZHANQIAN_MINE, "stock"] == "90000"
    assert held["CO01", XINQIAO_MINE, "ytd"] == "8200"
    assert held["CO13", XINQIAO_MINE, "stock"] == "20" and held["CO15", XINQIAO_MINE, "stock"] == "18"
    assert held["CO14", ZHANQIAN_MINE, "stock"] == "186"
    assert not any(code == "SA03" for code, _, _ in held)  # a rate of one mine means nothing …
    assert [t.value for t in intake.parsed.totals if t.indicator_code == "SA03"] == [
        Decimal("16.58")
    ]  # … its total may
    assert {e.unit_id: e.status for e in intake.parsed.coverage}[XINQIAO_MINE] == "suspended"


# ------------------------------------------------------------------ L6
def test_l6_target_texts(read: Reader) -> None:
    """domain.md I.19 and C.3 L6."""
    intake = read(
        """
2026年责任状任务分解表
单位|指标|计量单位|2025年实绩|2026年目标|增长%|确保/奋斗|分值|评分标准
枫林湖镇|增加值|万元|18,600|21,900|17.7|确保|20|完成得满分，扣完为止
|增加值|万元|18,600|22,900||奋斗||
|实交税金|万元|1,750|0.2140亿元|22.3|确保|20|…最高加10分
|煤矿死亡人数|人|3|2以内||控制|一票否决|
|单位能耗|tce/万元|3.10|降低4.5%||确保|10|
|煤炭产量|万吨||万吨以上||||
|重特大事故|起||杜绝||||
|持证上岗率|%||100%||||
|从业人员|人||||||
|固定资产投资|万元||增长17%||||
|营业收入|万元||看情况||||
全县|煤炭产量|万吨||不低于10||||
合计|增加值|万元|1|24,000||||
"""
    )
    assert (intake.form_code, str(intake.period)) == ("TG-Y1", "2026-12-01")
    targets = {
        (one.indicator_code, one.unit_id, one.measure): (one.target_form, one.value)
        for one in intake.parsed.observations
        if one.measure.startswith("target") and one.status == "accepted"
    }
    assert targets == {
        ("TE01", FENGLIN, "target"): ("level", 21900),
        ("TE01", FENGLIN, "target_growth"): ("growth", Decimal("17.7")),
        ("TE01", FENGLIN, "target_stretch"): ("level", 22900),
        ("TE03", FENGLIN, "target"): ("level", 2140),
        ("TE03", FENGLIN, "target_growth"): ("growth", Decimal("22.3")),
        ("SA02", FENGLIN, "target"): ("cap", 2),
        ("EN01", FENGLIN, "target"): ("reduction", Decimal("4.5")),
        ("CO01", FENGLIN, "target"): ("floor", None),
        ("SA01", FENGLIN, "target"): ("cap", 0),
        ("CO04", FENGLIN, "target"): ("full", 100),
        ("TE08", FENGLIN, "target_growth"): ("growth", 17),
        ("CO01", "529901", "target"): ("floor", 100000),
    }
    assert figures(intake)["TE01", FENGLIN, "base_ytd"] == "18600"  # last year's actual, at the target's December
    assert at(intake, "parse.target_text") == ["E13"]
    assert [total.value for total in intake.parsed.totals if total.measure == "target"] == [24000]


def test_wide_targets_and_the_countys_own(read: Reader) -> None:
    wide = read(
        """
2026年乡镇企业目标任务表
乡镇|增加值(万元)|||实交税金(万元)||煤矿死亡人数
|上年实绩|确保目标|奋斗目标|目标|增长%|控制数
云溪街道|100|120|130|50|10|0
枫林湖镇|100|120||50|10|1
""",
        [(1, 1, 1, 3), (1, 4, 1, 5)],
    )
    held = figures(wide)
    assert held["TE01", YUNXI, "target_stretch"] == "130" and ("TE01", FENGLIN, "target_stretch") not in held
    assert held["SA02", YUNXI, "target"] == "0" and held["TE03", YUNXI, "target_growth"] == "10"
    forms = {one.indicator_code: one.target_form for one in wide.parsed.observations if one.measure == "target"}
    assert forms == {"TE01": "level", "TE03": "level", "SA02": "cap"}
    county = read("\n2026年全县目标任务\n指标|单位|2026年目标\n增加值|亿元|6\n煤矿死亡人数|人|2以内\n")
    assert figures(county) == {("TE01", "529901", "target"): "60000", ("SA02", "529901", "target"): "2"}


# ------------------------------------------------------------------ L7
def test_l7_flattened_headings(read: Reader) -> None:
    intake = read(
        """
组织机构代码|统一社会信用代码|单位详细名称|期别(年)|期别(月)|本月;工业总产值(当年价格);千元|上年同期;本月;工业总产值(当年价格);千元|上年同期;1-本月;工业总产值(当年价格);千元|本月;工业销售产值(当年价格);出口交货值;千元|1-本月;新指标;千元|报送时间|(月)
780001003|91529901780001003A|示范铝业有限公司|2026|4|3135|10|76634|5|6|2026-05-03|5
"""
    )
    assert (intake.form_code, str(intake.period)) == ("ZB-M1", "2026-04-01")
    assert figures(intake) == {
        ("BF02", ALUMINIUM, "month"): "313.5",
        ("BF02", ALUMINIUM, "base_month"): "1",
        ("BF02", ALUMINIUM, "base_ytd"): "7663.4",
        ("BF04", ALUMINIUM, "month"): "0.5",
    }
    assert at(intake, "parse.unknown_column") == ["J1"]


# ------------------------------------------------------------------ L8
def test_l8_items_months_and_what_is_still_to_come(read: Reader) -> None:
    intake = read(
        """
能源名称：原煤|||2026年||计量单位：吨||
单位名称：示范铝业有限公司|||||||
||1月|2月|3月|4月|5月|6月
消费量总计|本月|310|295|||7|
|累计|310|605|605||612|
其中:生产用|本月|300|286||||
购进量|本月|320|290|||9|
|累计|320|610|||619|
年初库存||52|52|52|||
折标系数|本月|0.71|0.70||||
"""
    )
    assert intake.form_code == "EN-L1"
    held = {(str(o.period)[:7], o.measure): o.value for o in intake.parsed.observations if o.indicator_code == "EF101"}
    assert held == {
        ("2026-01", "month"): 310,
        ("2026-02", "month"): 295,
        ("2026-03", "month"): None,  # blank before the last month filled
        ("2026-04", "month"): None,
        ("2026-05", "month"): 7,
        ("2026-01", "ytd"): 310,
        ("2026-02", "ytd"): 605,
        ("2026-03", "ytd"): 605,
        ("2026-04", "ytd"): None,
        ("2026-05", "ytd"): 612,
    }
    items = {
        (o.indicator_code, str(o.period)[5:7], o.measure): str(o.value)
        for o in intake.parsed.observations
        if o.indicator_code != "EF101" and o.value is not None
    }
    assert items == {
        **{("EF101S", f"0{month}", "stock"): "52" for month in (1, 2, 3)},
        ("EF101P", "01", "month"): "320",
        ("EF101P", "02", "month"): "290",
        ("EF101P", "05", "month"): "9",
        ("EF101P", "01", "ytd"): "320",
        ("EF101P", "02", "ytd"): "610",
        ("EF101P", "05", "ytd"): "619",
        ("EF101K", "01", "month"): "0.71",
        ("EF101K", "02", "month"): "0.7",
    }
    assert not [issue for issue in intake.issues if issue.severity != "info"]


def test_l8_takes_no_month_for_granted_where_the_word_beside_the_figures_is_unknown(read: Reader) -> None:
    intake = read(
        """
能源名称：原煤|||2026年||计量单位：吨||
单位名称：示范铝业有限公司|||||||
||1月|2月|3月|4月|5月|6月
消费量总计|本月|310|295||||
|累謡|310|605||||
"""
    )
    assert {(one.measure, one.cell) for one in intake.parsed.observations} == {("month", "C4"), ("month", "D4")}
    assert at(intake, "parse.unknown_row") == ["A5"]


def test_l8_with_the_fuel_in_a_column(read: Reader) -> None:
    intake = read(
        """
2026年能源消费台账
单位名称：示范铝业有限公司
能源品种|计量单位|项目|1月|2月|3月
原煤|万吨|消费量|0.1|0.2|
电力|万千瓦时|消费量|10|20|30
"""
    )
    held = {(o.indicator_code, str(o.period)[:7]): o.value for o in intake.parsed.observations}
    assert held["EF101", "2026-02"] == 2000 and held["EF600", "2026-03"] == 30 and ("EF101", "2026-03") not in held


# ------------------------------------------------------------------ lists
def test_energy_list_and_annual_figures(read: Reader) -> None:
    energy = read(
        """
重点用能企业能源消费情况（2026年1-3月）
企业名称|统一社会信用代码|综合能源消费量(吨标准煤)|||原煤(吨)|电力(万千瓦时)
||本月|累计|同期|累计|累计
示范铝业有限公司|91529901780001003A|100|300|310|30|5
"""
    )
    assert energy.form_code == "EN-M1"
    assert figures(energy)["EF600", ALUMINIUM, "ytd"] == "5" and figures(energy)["EN00", ALUMINIUM, "month"] == "100"
    people = read("\n示范县2025年乡村人口\n乡镇|乡村人口（万人）\n云溪街道|1.2\n枫林湖镇|3.4567\n全县|4.6567\n")
    assert (people.form_code, str(people.period)) == ("AN-Y1", "2025-12-01")
    assert (
        figures(people)["BF13", FENGLIN, "stock"] == "34567" and figures(people)["BF13", "529901", "stock"] == "46567"
    )
    product = read("\n示范县2026年1-9月地区生产总值\n指标|单位|累计|同期|增长%\n地区生产总值|亿元|123.4|110|8.1\n")
    assert (product.form_code, str(product.period)) == ("AN-Y1", "2026-09-01")
    assert figures(product)["BF14", "529901", "ytd"] == "1234000"


def test_register(read: Reader) -> None:
    intake = read(
        """
示范县企业名单 2026年
企业名称|社会信用代码|乡镇|规上|煤矿|产能(万吨)|企业状态
甲公司|91110000101623741K|云溪|√|×|15|停产
乙公司|78305975-3|滨河|||9万吨|正常
丙公司|9.15202E+17|红土乡|是|否||正常
丁公司||红土乡|是|否||正常
"""
    )
    rows = {row.enterprise_id: row for row in intake.parsed.roster}
    assert set(rows) == {"91110000101623741K", "783059753"}
    first = rows["91110000101623741K"]
    assert (first.township_code, first.is_above_scale, first.is_coal_mine) == (YUNXI, True, False)
    assert (first.capacity, first.unit_status, str(first.valid_from)) == (150000, "suspended", "2026-01-01")
    assert rows["783059753"].capacity == 90000 and rows["783059753"].is_above_scale is None
    assert at(intake, "V32") == ["B5"] and at(intake, "resolve.roster_code") == ["A6"]


def test_incidents(read: Reader) -> None:
    intake = read(
        """
示范县生产安全事故明细表（2026年3月）
单位：万元
序号|发生日期|事故单位|所属乡镇|事故类别|死亡人数|重伤人数|直接经济损失|事故等级|是否计入百万吨死亡率
1|2026-03-05|站前煤矿|站前镇|冒顶|1|0|120|一般事故|是
2|3月15日|新桥一号煤矿|新桥镇|瓦斯爆炸|—|12|80万|较大|
3|2026年3月|犁坪煤矿|犁坪镇|其它|1|0|1|一般|否
4|2026.3.20|无名石场|红土乡|其他|2|0|1.5亿元|一般|否
合计|||||4|12|||
"""
    )
    rows = intake.parsed.incidents
    assert [(str(r.occurred_on), r.enterprise_id, r.category, r.deaths, r.serious_injuries) for r in rows] == [
        ("2026-03-05", ZHANQIAN_MINE, "顶板", 1, 0),
        ("2026-03-15", XINQIAO_MINE, "瓦斯", 0, 12),
        ("2026-03-20", None, "其他", 2, 0),
    ]
    assert [r.direct_loss for r in rows] == [120, 80, 15000]
    assert rows[2].township_code == "529901203" and rows[2].status == "accepted"
    assert at(intake, "parse.incident_date") == ["B6"] and at(intake, "resolve.incident_enterprise") == ["C7"]
    quiet = read("\n示范县生产安全事故明细表（2026年3月）\n序号|发生日期|事故单位|死亡人数|事故等级\n本月无事故||||\n")
    assert [entry.status for entry in quiet.parsed.coverage] == ["zero_report"]


# ------------------------------------------------------------------ what is told
def test_nothing_is_dropped_in_silence(read: Reader) -> None:
    intake = read(
        """
2026年4月乡镇企业主要经济指标
乡镇|增加值累计|神秘指标|实交税金累计||年计划
云溪街道|1|2|3|77|9
|4|5|6||
"""
    )
    assert at(intake, "parse.unknown_column") == ["C2", "F2"]
    assert at(intake, "parse.no_heading") == ["E3"]
    assert at(intake, "parse.no_unit") == ["A4"]
    assert figures(intake, accepted=False) == {("TE01", None, "ytd"): "4", ("TE03", None, "ytd"): "6"}


def test_periods_that_contradict(read: Reader) -> None:
    intake = read(
        "\n2026年4月乡镇企业主要经济指标\n乡镇|增加值累计|1-3月实交税金\n云溪街道|1|2\n", file="2026年3月报表(最终).xls"
    )
    assert at(intake, "V34") == ["C2", "A1"]  # the column's heading, what the file's name contradicts
    assert figures(intake) == {("TE01", YUNXI, "ytd"): "1"}
    assert figures(intake, accepted=False) == {("TE03", YUNXI, "ytd"): "2"}


def test_the_file_name_is_the_last_resort_and_no_period_an_error(read: Reader) -> None:
    text = "\n乡镇企业主要经济指标\n乡镇|增加值累计|实交税金累计\n云溪街道|1|2\n"
    named = read(text, file="2026年3月报表.xls")
    assert str(named.period) == "2026-03-01" and rules(named) == {"parse.period_from_file"}
    nameless = read(text, file="报表.xls")
    assert nameless.parsed.observations == [] and rules(nameless, "error") == {"parse.no_period"}


def test_unknown_layouts_and_covers(read: Reader) -> None:
    intake = read(
        sheets=[
            ("通讯录", "\n姓名|职务|电话\n张三|科长|123456\n李四|科员|234567\n", ()),
            ("填表说明", "\n请按时填报|1|2\n", ()),
            ("Sheet2", "\n2026年4月乡镇企业主要经济指标\n乡镇|增加值累计|实交税金累计\n云溪街道|1|2\n", ()),
        ]
    )
    assert [(i.sheet, i.rule, i.severity) for i in intake.issues] == [
        ("通讯录", "parse.unknown_layout", "error"),
        ("填表说明", "parse.ignored_sheet", "info"),
    ]
    assert intake.form_code == "TE-M1" and len(figures(intake)) == 2
