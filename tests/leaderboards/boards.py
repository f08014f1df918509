"""Small synthetic leaderboards, the same at every call, with all that a renderer must cope with."""

from __future__ import annotations

import random
from dataclasses import replace

from csc_tasks.leaderboards.board import (
    BeatsFloor,
    Board,
    BoardTable,
    BrowsedConversation,
    BrowsedReply,
    BrowsedTurn,
    Cell,
    Column,
    DepthPoint,
    Gold,
    InputProblem,
    Row,
    Section,
    SectionFigures,
)

HOSTILE = "</script><img src=x onerror=\"alert('evil')\"><b>'&amp;\u202eevil"
LONG = "organisation/" + "very-long-name-" * 19 + "end"

SECTIONS = (
    Section("response/reference", "Response, reference context", "response", "reference"),
    Section("response/generated", "Response, generated context", "response", "generated"),
)
METRICS = (
    # metric, title, better, percent, headline, ranked
    ("strategy_acc", "Strategy accuracy", 1, True, True, True),
    ("bleu_4", "BLEU-4", 1, True, True, True),
    ("rouge_l", "ROUGE-L", 1, True, True, True),
    ("bertscore", "BERTScore", 1, True, False, True),
    ("length_ratio", "Length ratio", 0, False, False, False),
    ("judge_helpfulness", "Helpfulness", 1, False, True, True),
    ("judge_accuracy", "Accuracy", 1, False, False, True),
    ("judge_resolved", "Resolved", 1, True, False, True),
)
CUSTOMERS = (
    "",
    "你好,我的包裹三天没动了,怎么回事?",
    "订单号是 20240611-778,地址没有错。",
    "那要等多久?我明天就要用 <b>急</b>!",
    "好的,谢谢。",
)
REFERENCES = (
    "您好,这里是客服中心,请问有什么可以帮您?",
    "非常抱歉给您带来不便,请您提供一下订单号,我马上为您查询。",
    "我看到包裹停在分拨中心,我已经为您催促,预计明天上午送达。",
    "如果明天中午前没有收到,我会为您安排补发,您看这样可以吗?",
    "感谢您的理解,祝您生活愉快,再见!",
)
GOLD = (0, 1, 6, 7, 10)


def cells(quality: float, seed: str, names: tuple[Column, ...]) -> dict[str, Cell]:
    found = {}
    for column in names:
        chance = random.Random(f"{seed} {column.id}")
        scale = 1.0 if column.percent else 5.0 if column.metric.startswith("judge_") else 1.2
        value = scale * min(0.97, max(0.25 if scale == 5 else 0.03, quality + chance.uniform(-0.05, 0.05)))
        if column.section.endswith("generated"):
            value *= 0.85
        width = 0.03 * scale
        found[column.id] = Cell(value, value - width, value + width, 375)
    return found


def figures(quality: float, seed: str, section: Section, sparse: bool = False) -> SectionFigures:
    chance = random.Random(f"{seed} {section.id} figures")
    confusion = []
    for gold in range(12):
        counts = [0 if gold == 11 else chance.randrange(3) for _ in range(13)]
        counts[gold] += 0 if gold == 11 else int(40 * quality)
        confusion.append(tuple(counts))
    depth = {
        metric: tuple(
            DepthPoint(
                i,
                quality - 0.012 * i,
                None if i == 8 else quality - 0.012 * i - 0.03,
                None if i == 8 else quality - 0.012 * i + 0.03,
                40,
            )
            for i in range(1, 9)
        )
        for metric in ("strategy_acc", "bleu_4")
    }
    return SectionFigures(
        signature=f"csconv:1|task:response|data:mini@4f1c|ctx:{section.context}|prompt:zh-1|version:0.4.0",
        sources=(f"results/{seed[:20]}/results_2025.json",),
        turns=375,
        expected_turns=375,
        conversations=24,
        complete=True,
        confusion=None if sparse else tuple(confusion),
        transitions=None if sparse else stages(quality),
        depth={} if sparse else depth,
        seconds=431.5,
        cost=0.42,
    )


def stages(quality: float) -> tuple[tuple[int, ...], ...]:
    rows = []
    for i in range(7):
        row = [0] * 7
        for j in range(1, 7):
            row[j] = int(60 * quality) // (1 + abs(j - i - 1) * 3)
        rows.append(tuple(row))
    return tuple(rows)


def columns(metrics: tuple[tuple[str, str, int, bool, bool, bool], ...] = METRICS) -> tuple[Column, ...]:
    return tuple(
        Column(
            id=f"{section.id}/{metric}",
            section=section.id,
            metric=metric,
            title=title,
            summary=f"{title} of the reply",
            signature=f"{metric}|tok:zh|version:0.4.0",
            better=better,
            percent=percent,
            headline=headline,
            ranked=ranked,
        )
        for section in SECTIONS
        for metric, title, better, percent, headline, ranked in metrics
    )


def row(id: str, model: str, quality: float, names: tuple[Column, ...], **more: object) -> Row:
    plain = Row(
        id=id,
        model=model,
        revision="main",
        step=None,
        shots=0,
        floor=False,
        date=1_750_000_000.0,
        cells=cells(quality, id, names),
        figures={s.id: figures(quality, id, s) for s in SECTIONS},
    )
    return replace(plain, **more)  # type: ignore[arg-type]


def ranked(rows: list[Row], names: tuple[Column, ...]) -> tuple[Row, ...]:
    """The rows with places by their intervals, sorted by the first column: models, incomplete ones, floors."""
    entrants = [r for r in rows if not r.floor and not r.incomplete]
    placed = []
    for one in rows:
        new = dict(one.cells)
        for column in names:
            cell = one.cells.get(column.id)
            if cell is None or cell.value is None or not column.ranked or one not in entrants:
                continue
            others = [r.cells[column.id] for r in entrants if r is not one and r.cells[column.id].value]
            better = sum((o.low or 0) > (cell.high or 0) for o in others)
            worse = sum((o.high or 0) < (cell.low or 0) for o in others)
            new[column.id] = replace(
                cell, rank=1 + better, rank_low=1 + better, rank_high=len(others) + 1 - worse
            )
        placed.append(replace(one, cells=new))
    placed = [row if row.floor else against_floors(row, rows, names) for row in placed]
    key = names[0].id
    return tuple(sorted(placed, key=lambda r: (r.floor, bool(r.incomplete), -(r.cells[key].value or 0))))


def against_floors(one: Row, rows: list[Row], names: tuple[Column, ...]) -> Row:
    """The row with its marks, by intervals too."""
    new = dict(one.cells)
    for column in (c for c in names if c.better and c.id in one.cells):
        cell = one.cells[column.id]
        floors = [(r.cells[column.id].high or 0, r.id) for r in rows if r.floor and column.id in r.cells]
        if cell.value is None or not floors:
            continue
        high, best = max(floors)
        beats = BeatsFloor.YES if (cell.low or 0) > high else BeatsFloor.NO
        why = "not of the same turns as the floors" if one.incomplete else ""
        new[column.id] = replace(
            cell, beats_floor=BeatsFloor.UNKNOWN if why else beats, best_floor=best, floor_why=why
        )
    return replace(one, cells=new)


def table(id: str = "main", hostile: bool = True) -> BoardTable:
    names = columns()
    rows = [
        row("qwen", "Qwen/Qwen2.5-72B-Instruct", 0.61, names, settings=(("load_in_4bit", "True"),)),
        row(
            "tuned-1",
            "ours/tuned",
            0.40,
            names,
            step=1000,
            revision="step1000",
            training_run="ours/tuned",
            words=("step 1,000",),
        ),
        row(
            "tuned-2",
            "ours/tuned",
            0.50,
            names,
            step=2000,
            revision="step2000",
            training_run="ours/tuned",
            words=("step 2,000",),
        ),
        row(
            "tuned-3",
            "ours/tuned",
            0.60,
            names,
            step=3000,
            revision="step3000",
            training_run="ours/tuned",
            words=("step 3,000",),
        ),
        row("long", LONG, 0.35, names, notes=("the chat template was read from the model's folder",)),
        row("floor", "csconv-retrieval", 0.2, names, floor=True),
        row(
            "partial",
            "deepseek-ai/DeepSeek-V3",
            0.55,
            names,
            incomplete="300 of 375 turns; the last 5 conversations are missing",
        ),
    ]
    if hostile:
        rows.append(row("hostile", HOSTILE, 0.45, names))
    gap = f"{SECTIONS[1].id}/bertscore"
    rows[4] = replace(
        rows[4], cells={**rows[4].cells, gap: Cell(None, why="BERTScore was not computed in this run")}
    )
    return BoardTable(
        id=id,
        title="Mini set, prompt zh-1",
        facts={"data": "mini@4f1c", "prompt": "zh-1", "turns": "375", "decoding": "greedy"},
        apart="",
        partial="",
        order=names[0].id,
        sections=SECTIONS,
        columns=names,
        rows=ranked(rows, names),
        gold={s.id: Gold(stages(0.8), (30, 20, 15, 20, 10, 40, 90, 50, 40, 20, 40, 0)) for s in SECTIONS},
    )


def other_table() -> BoardTable:
    names = tuple(c for c in columns(METRICS[:3]) if c.section == SECTIONS[0].id)
    bare = {SECTIONS[0].id: figures(0.3, "other", SECTIONS[0], sparse=True)}
    rows = [
        row("other-a", "meta-llama/Llama-3.1-8B-Instruct", 0.3, names, figures=bare),
        row("other-b", "Qwen/Qwen2.5-7B-Instruct", 0.32, names, shots=2, figures=bare),
    ]
    return BoardTable(
        id="few-shot",
        title="Mini set, prompt en-2",
        facts={"data": "mini@4f1c", "prompt": "en-2"},
        apart="The prompt is en-2 instead of zh-1.",
        partial="No model has all turns: 100 of 375 were run (--limit 100).",
        order=names[0].id,
        sections=SECTIONS[:1],
        columns=names,
        rows=ranked(rows, names),
        gold={},
    )


REPORTED = {
    "source": "main results table of arXiv 2508.04423",
    "columns": ["bleu_2", "bleu_4", "rouge_l", "bertscore", "bleurt", "strategy_acc"],
    "scale": "percent",
    "rows": [
        {
            "model": "GPT-4o",
            "size": None,
            "rolecs": False,
            "reference": [8.13, 2.97, 4.12, 64.26, 51.27, 42.58],
            "generated": [6.41, 2.07, 2.22, 62.95, 51.48, 36.29],
        },
        {
            "model": "Qwen2.5-72B-Instruct",
            "size": "72B",
            "rolecs": True,
            "reference": [12.15, 5.32, 7.97, 66.85, 54.49, 43.29],
            "generated": [9.38, 3.9, 4.35, 64.89, 53.65, 36.02],
        },
    ],
}


def conversations(count: int = 12) -> tuple[BrowsedConversation, ...]:
    turns = tuple(BrowsedTurn(c, s, r) for c, s, r in zip(CUSTOMERS, GOLD, REFERENCES, strict=True))
    return tuple(
        BrowsedConversation(f"dialogue-{i:03}", ("物流", "退款", "账户")[i % 3], turns) for i in range(count)
    )


def replies(
    tables: tuple[BoardTable, ...], talks: tuple[BrowsedConversation, ...]
) -> dict[str, dict[str, dict[str, tuple[BrowsedReply | None, ...]]]]:
    found: dict[str, dict[str, dict[str, tuple[BrowsedReply | None, ...]]]] = {}
    for one in (r for t in tables for r in t.rows if r.figures):
        for section in SECTIONS:
            for talk in talks:
                chance = random.Random(f"{one.id} {section.id} {talk.id}")
                turns: list[BrowsedReply | None] = []
                for turn in talk.turns:
                    guess = turn.strategy if chance.random() < 0.6 else chance.randrange(-1, 12)
                    text = turn.reference if chance.random() < 0.5 else f"好的,我来处理。{HOSTILE}"
                    turns.append(
                        BrowsedReply(
                            guess, text, {"bleu_4": round(chance.random(), 3), "rouge_l": chance.random()}
                        )
                    )
                if chance.random() < 0.1:
                    turns[-1] = None
                found.setdefault(one.id, {}).setdefault(section.id, {})[talk.id] = tuple(turns)
    return found


def board(hostile: bool = True) -> Board:
    tables = (table(hostile=hostile), other_table())
    talks = conversations()
    return Board(
        built="2025-07-01T12:00:00+00:00",
        package="0.4.0",
        resamples=2000,
        seed=13,
        level=0.95,
        tables=tables,
        reported=REPORTED,
        problems=(InputProblem("results/broken.json", "not JSON: line 3, <script>alert(1)</script>"),),
        ignored=7,
        conversations=talks,
        replies=replies(tables, talks),
    )


def small_board() -> Board:
    """One of each thing that looks its own way: for what is slow a node."""
    whole = board()
    kept = {"qwen", "tuned-1", "tuned-3", "partial", "floor", "long"}
    one = replace(whole.tables[0], rows=tuple(r for r in whole.tables[0].rows if r.id in kept))
    return replace(whole, tables=(one, whole.tables[1]), conversations=whole.conversations[:2])


def large_board(models: int = 50, metrics: int = 20) -> Board:
    """As many models and columns as anyone will put on a page: 2 x ``metrics`` columns."""
    many = tuple((f"metric_{i}", f"Metric {i}", 1, True, i < 5, True) for i in range(metrics))
    names = columns(many)
    rows = [row(f"m{i}", f"organisation/model-number-{i}", 0.2 + 0.012 * i, names) for i in range(models)]
    talks = conversations(200)
    one = replace(table(), columns=names, rows=ranked(rows, names), order=names[0].id)
    return replace(board(), tables=(one,), conversations=talks, replies=replies((one,), talks))


def crowded_table(models: int = 50) -> BoardTable:
    """Many models of long and of Chinese names, some no better than the floors, checkpoints of three trainings."""
    names = columns()
    rows = []
    for i in range(models):
        quality = 0.15 + 0.5 * i / models
        step = 1000 * (1 + i // 3) if i < 12 else None
        run = f"out/run-{i % 3}" if step else ""
        model = (
            f"{run}/checkpoint-{step}"
            if step
            else f"organisation-{i}/客服模型-instruct-{i:02}-of-a-family-chat"
        )
        rows.append(row(f"m{i:02}", model, quality, names, step=step, training_run=run))
    missing = "300 of 375 turns; the last 5 conversations are missing"
    rows[20] = replace(rows[20], incomplete=missing)
    rows += [row(f"floor-{i}", f"csconv-floor-{i}", 0.1 + 0.06 * i, names, floor=True) for i in range(3)]
    return replace(table(), rows=ranked(rows, names))
