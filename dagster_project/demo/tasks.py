"""The county's ledger of tasks of 2026: projects, certifications, brands, mines to be closed.

Belongs here: which tasks there are, who answers for each, how far it is. Does not belong here: how a row is read (ingest),
what is overdue (dbt). Done rows name a day and a document, so that the ledger reads without a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

PROJECTS, FOOD, QUALITY = "新建、技改、扩建项目数", "无公害、绿色、有机食品认证数", "ISO、QS、HACCP认证数"
BRANDS, PRODUCTS = "省级名牌企业（产品）数", "新产品、新工艺、新技术、新药数"
MINE_WORKS, MINES = "小煤矿新建、技改、扩能数", "依法关闭矿井数"
COUNTY = "县本级"
HEADS = (
    "序号",
    "任务名称",
    "类别(指标)",
    "责任乡镇",
    "计划完成日期",
    "实际完成日期",
    "进度%",
    "完成情况",
    "佐证材料",
    "备注",
)


@dataclass(frozen=True)
class Task:
    """One row of the ledger; `done` with its document, else `progress` in %."""

    name: str
    category: str
    owner: str
    planned: date
    done: date | None = None
    evidence: str = ""
    progress: int = 100
    state: str = "已完成"
    remark: str = ""


def _open(name: str, category: str, owner: str, planned: date, progress: int, remark: str = "") -> Task:
    return Task(name, category, owner, planned, None, "", progress, "推进中" if progress else "未启动", remark)


TASKS: tuple[Task, ...] = (
    Task("食品加工厂房扩建", PROJECTS, "枫林湖镇", date(2026, 6, 30), date(2026, 6, 18), "示经信备〔2026〕12号"),
    Task("铁合金电炉技改", PROJECTS, "站前镇", date(2026, 6, 30), date(2026, 7, 24), "示经信备〔2026〕15号"),
    Task("饲料生产线新建", PROJECTS, "王家乡", date(2026, 9, 30), date(2026, 9, 21), "示经信备〔2026〕23号"),
    _open("水泥粉磨站改造", PROJECTS, "暗溪镇", date(2026, 9, 30), 70, "设备到货推迟"),
    _open("包装材料扩能", PROJECTS, "滨河街道", date(2026, 12, 31), 60),
    _open("标准厂房二期", PROJECTS, COUNTY, date(2026, 12, 31), 45),
    Task("蔬菜绿色食品认证", FOOD, "云溪街道", date(2026, 6, 30), date(2026, 5, 29), "绿食证2026-0418"),
    Task("茶叶有机产品认证", FOOD, "麦田民族乡", date(2026, 10, 31), date(2026, 10, 16), "有机证2026-1102"),
    _open("食用菌无公害认证", FOOD, "流水乡", date(2026, 9, 30), 80, "待现场检查"),
    _open("蜂蜜绿色食品认证", FOOD, "红土乡", date(2026, 12, 31), 30),
    Task("制药厂质量体系换证", QUALITY, "枫林湖镇", date(2026, 3, 31), date(2026, 3, 20), "质认2026-0077"),
    Task("罐头厂HACCP认证", QUALITY, "卫山镇", date(2026, 9, 30), date(2026, 9, 8), "质认2026-0311"),
    _open("米业食品生产许可扩项", QUALITY, "王家乡", date(2026, 11, 30), 90),
    Task("辣椒制品申报省级名牌", BRANDS, "新桥镇", date(2026, 8, 31), date(2026, 8, 27), "省名推〔2026〕6号"),
    _open("铝材申报省级名牌", BRANDS, COUNTY, date(2026, 8, 31), 50, "材料退回补正"),
    Task("复方颗粒新药中试", PRODUCTS, "云溪街道", date(2026, 9, 30), date(2026, 9, 25), "药试报〔2026〕3号"),
    _open("低温榨油新工艺", PRODUCTS, "卫山镇", date(2026, 12, 31), 55),
    Task("通风系统技改", MINE_WORKS, "新桥镇", date(2026, 5, 31), date(2026, 5, 22), "示煤验〔2026〕4号"),
    _open("运输巷扩能", MINE_WORKS, "犁坪镇", date(2026, 10, 31), 85, "待验收"),
    Task("枯竭小井封闭", MINES, "红土乡", date(2026, 6, 30), date(2026, 6, 12), "示府闭〔2026〕1号"),
    _open("不达标小井关闭", MINES, "流水乡", date(2026, 10, 31), 40, "设备回撤"),
)
