"""One table: figure, measured, required, and whether it was reached."""

import dataclasses


@dataclasses.dataclass
class Row:
    figure: str
    measured: str
    required: str = ""
    reached: bool | None = None


class Table:
    def __init__(self):
        self.rows: list[Row] = []

    def at_least(self, figure: str, measured: float, limit: float, unit: str = ""):
        self._judge(figure, measured, f"at least {limit:g}{unit}", measured >= limit, unit)

    def at_most(self, figure: str, measured: float, limit: float, unit: str = ""):
        self._judge(figure, measured, f"at most {limit:g}{unit}", measured <= limit, unit)

    def _judge(self, figure: str, measured: float, required: str, reached: bool, unit: str):
        self.rows.append(Row(figure, f"{measured:.2f}{unit}", required, reached))

    def not_measured(self, figure: str, why: str):
        self.rows.append(Row(figure, "not measured", why))

    def fact(self, figure: str, measured: str):
        self.rows.append(Row(figure, measured))

    def __str__(self) -> str:
        verdicts = {None: "", True: "ok", False: "NOT reached"}
        cells = [("figure", "measured", "required", "")]
        cells += [(row.figure, row.measured, row.required, verdicts[row.reached]) for row in self.rows]
        widths = [max(len(row[column]) for row in cells) for column in range(4)]
        lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip() for row in cells]
        lines.insert(1, "  ".join("-" * width for width in widths))
        return "\n".join(lines)
