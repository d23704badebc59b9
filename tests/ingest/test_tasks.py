"""Ledgers of tasks, made up: what a row says of plan, completion, progress and evidence (domain.md A, form TASK)."""

from __future__ import annotations

from dagster_project.ingest.model import Intake
from tests.ingest.conftest import Reader
from tests.ingest.test_layouts import at

YUNXI, ZHANQIAN, XINQIAO = "529901001", "529901101", "529901103"
LEDGER = """
示范县乡镇企业重点工作任务台账（2026年6月）
序号|任务/项目名称|类别(指标)|责任乡镇|计划完成日期|实际完成日期|进度%|完成情况|佐证材料(文号/文件)|备注
1|站前镇万吨饲料扩建|新建、技改、扩建项目数|站前镇|2026年6月30日|2026年7月5日|100|已完成|示经发〔2026〕12号|
2|枫林湖绿色食品认证|无公害、绿色、有机食品认证数|云溪街道|二季度|2026.6.20|100%|已完成||证书在办
3|关闭红土二号井|依法关闭矿井数|新桥镇|2026年三季度末||60|推进中|—|
4|清洁生产宣传周|宣传活动|县本级|年底||||
5|铁合金技改|新建、技改、扩建项目数|新桥镇|2026-05-31|2026-05-28|80|主体完工|县经信〔2026〕3号|
6|铁合金技改|新建、技改、扩建项目数|新桥镇|2026-05-31||80||县经信〔2026〕3号|
7|某某项目|新建、技改、扩建项目数|没有镇|尽快||120||
合计|||||||||
"""


def _rows(intake: Intake) -> list[tuple[object, ...]]:
    return [
        (r.indicator_code, r.township_code, str(r.planned_on), str(r.done_on), r.progress_pct, r.state, r.status)
        for r in intake.parsed.tasks
    ]


def test_a_ledger_of_tasks(read: Reader) -> None:
    intake = read(LEDGER)
    assert intake.form_code == "TK-M1" and str(intake.period) == "2026-06-01"
    assert _rows(intake) == [
        ("PR01", ZHANQIAN, "2026-06-30", "2026-07-05", 100, "done", "accepted"),
        ("QA01", YUNXI, "2026-06-30", "2026-06-20", 100, "done", "accepted"),
        ("CO03", XINQIAO, "2026-09-30", "None", 60, "open", "accepted"),
        (None, None, "2026-12-31", "None", None, None, "accepted"),
        ("PR01", XINQIAO, "2026-05-31", "2026-05-28", 80, None, "accepted"),
        ("PR01", XINQIAO, "2026-05-31", "None", 80, None, "quarantined"),
        ("PR01", None, "None", "None", None, None, "quarantined"),
    ]
    assert [row.evidence for row in intake.parsed.tasks][:3] == ["示经发〔2026〕12号", None, None]


def test_what_is_told_of_a_ledger(read: Reader) -> None:
    """Done without evidence, a row that contradicts itself, one task twice, words that are no day or percentage."""
    intake = read(LEDGER)
    assert at(intake, "parse.task_evidence") == ["I4"]
    assert at(intake, "parse.task_category") == ["C6"]
    assert at(intake, "parse.task_contradiction") == ["H7"]
    assert at(intake, "resolve.task_twice") == ["B8"]
    assert at(intake, "parse.task_date") == ["E9"] and at(intake, "parse.task_progress") == ["G9"]
    assert at(intake, "resolve.unknown_township") == ["D9"]


def test_merged_townships_hold_for_their_rows(read: Reader) -> None:
    """Blank in a merge is the township above; blank without one is the county's own."""
    intake = read(
        """
2026年重点项目推进台账
序号|项目名称|责任单位|完成时限|形象进度|佐证材料
1|甲项目|新桥镇|2026年10月|50|
2|乙项目||2026年11月|20|
3|丙项目||2026年12月|10|
""",
        merges=[(2, 2, 3, 2)],
    )
    assert intake.form_code == "TK-M1" and intake.period is None
    assert [row.township_code for row in intake.parsed.tasks] == [XINQIAO, XINQIAO, None]
    assert [row.task_id for row in intake.parsed.tasks][:1] == [f"2026:{XINQIAO}:甲项目"]
