"""Task ledgers through the real pipeline: workbooks in the inbox → marts.fct_task; a later ledger replaces by task."""

from __future__ import annotations

import os
from datetime import datetime
from pathlib import Path

import openpyxl

from dagster_project.settings import Settings
from dagster_project.warehouse import refresh
from dagster_project.warehouse.read import PublishedReader

HEAD = ["序号", "任务名称", "类别(指标)", "责任乡镇", "计划完成日期", "实际完成日期", "进度%", "完成情况", "佐证材料"]
PROJECTS = "新建、技改、扩建项目数"


def ledger(inbox: Path, month: int, received: str, rows: list[list[object]]) -> None:
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    sheet.append([f"示范县乡镇企业重点工作任务台账（2023年{month}月，演示数据）"])
    sheet.append(HEAD)
    for number, row in enumerate(rows, start=1):
        sheet.append([number, *row])
    path = inbox / f"重点任务台账2023{month:02}.xlsx"
    book.save(path)
    stamp = datetime.fromisoformat(received).timestamp()
    os.utime(path, (stamp, stamp))


def test_tasks_as_last_reported(home: Settings) -> None:
    home.inbox.mkdir(parents=True, exist_ok=True)
    ledger(
        home.inbox,
        6,
        "2023-07-03T08:00:00+00:00",
        [
            ["铁合金技改", PROJECTS, "新桥镇", "2023-06-30", None, 90, "推进中", None],
            [
                "绿色食品认证",
                "无公害、绿色、有机食品认证数",
                "王家乡",
                "2023-06-30",
                "2023-06-20",
                100,
                "已完成",
                "绿证1号",
            ],
            ["关闭二号井", "依法关闭矿井数", "新桥镇", "2023-08-31", None, 10, "推进中", None],
            ["工业园扩建", PROJECTS, "县本级", "2024年6月", None, 20, "推进中", None],
        ],
    )
    ledger(
        home.inbox,
        9,
        "2023-10-03T08:00:00+00:00",
        [
            ["铁合金技改", PROJECTS, "新桥镇", "2023-06-30", "2023-07-20", 100, "已完成", "县经信〔2023〕9号"],
            ["关闭二号井", "依法关闭矿井数", "新桥镇", "2023-08-31", None, 60, "推进中", None],
        ],
    )
    report = refresh.run_refresh(home)
    assert report.published, report
    _, found = PublishedReader(home).query(
        "SELECT name_zh, indicator_code, township_code, status, progress_pct, evidence, file_name, cell, "
        "CAST(judged_on AS VARCHAR) FROM marts.fct_task ORDER BY name_zh"
    )
    last, first = "重点任务台账202309.xlsx", "重点任务台账202306.xlsx"
    assert found == [
        ("关闭二号井", "CO03", "529901103", "overdue", 60.0, None, last, "B4", "2023-10-03"),
        ("工业园扩建", "PR01", None, "open", 20.0, None, first, "B6", "2023-10-03"),
        ("绿色食品认证", "QA01", "529901200", "done", 100.0, "绿证1号", first, "B4", "2023-10-03"),
        ("铁合金技改", "PR01", "529901103", "done_late", 100.0, "县经信〔2023〕9号", last, "B3", "2023-10-03"),
    ]
    # no form reports these: done over planned, for the year of the plan, by the day each is due
    _, attained = PublishedReader(home).query(
        "SELECT unit_id, indicator_code, strftime(period, '%Y-%m'), CAST(target_value AS INTEGER), "
        "CAST(actual_value AS INTEGER), attainment_pct, time_progress_pct, lamp "
        "FROM marts.fct_target_progress ORDER BY ALL"
    )
    assert attained == [
        ("529901", "CO03", "2023-09", 1, 0, 0.0, 100.0, "red"),
        ("529901", "PR01", "2023-09", 1, 1, 100.0, 100.0, "green"),
        ("529901", "PR01", "2024-01", 1, 0, 0.0, 0.0, "green"),
        ("529901", "QA01", "2023-06", 1, 1, 100.0, 100.0, "green"),
        ("529901103", "CO03", "2023-09", 1, 0, 0.0, 100.0, "red"),
        ("529901103", "PR01", "2023-09", 1, 1, 100.0, 100.0, "green"),
        ("529901200", "QA01", "2023-06", 1, 1, 100.0, 100.0, "green"),
    ]
