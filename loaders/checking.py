"""Check: contract columns as text → typed columns, the rules broken, the warnings. All of it generated from the schema.

A broken rule is written `column:code` and sends the row to quarantine; a warning is written the same way and stays
with the row (`_warnings`). Several are joined by `|`. Their sentences are `loaders.problem.<code>` and
`loaders.warning.<code>`.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from ringtrace.data_schema import Column, Table

PROBLEMS: Final = "_problems"
"""Column of `typed_sql`: the rules that the row broke, `|` between several; NULL if none."""

_NULL_WORDS: Final = "('', 'NULL', 'null', '\\N')"
_BLANKS: Final = "(9, 10, 13, 32, 160, 12288, 65279)"  # tab, line ends, blank, no-break and ideographic blank, BOM
_BLANK_TEXT: Final = "chr(9) || chr(10) || chr(13) || chr(32) || chr(160) || chr(12288) || chr(65279)"
_GROUPED: Final = r"[+-]?[0-9]{1,3}(,[0-9]{3})+(\.[0-9]*)?"  # digits in threes; 1,5 is no number for anyone to guess
_FIRST_YEAR, _LAST_YEAR = 1850, 2199
_WEIGHTS: Final = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999


def cleaned(cell: str) -> str:
    """SQL: the cell without surrounding blanks, NULL if nothing or a word for nothing remains.

    The CASE keeps the costly Unicode trim for cells that need it; nearly none do.
    """
    trimmed = f"trim({cell}, {_BLANK_TEXT})"
    return (
        f"CASE WHEN {cell} IN {_NULL_WORDS} THEN NULL"
        f" WHEN unicode({cell}) IN {_BLANKS} OR unicode({cell}[-1]) IN {_BLANKS}"
        f" THEN CASE WHEN {trimmed} IN {_NULL_WORDS} THEN NULL ELSE {trimmed} END"
        f" ELSE {cell} END"
    )


def _recoded(column: Column, cell: str, codes: Mapping[str, str]) -> str:
    """SQL: the clean cell as its type is written elsewhere: `1,234.50` as 1234.50, `2025年3月1日` as 2025-3-1.

    The CASE keeps the costly text functions for cells that need them; nearly none do.
    """
    plain = cell
    if column.rule == "id_number":
        plain = f"upper({cell})"
    elif column.type in ("money", "count", "number"):
        grouped = f"contains({cell}, ',') AND regexp_full_match({cell}, '{_GROUPED}')"
        plain = f"CASE WHEN {grouped} THEN replace({cell}, ',', '') ELSE {cell} END"
    elif column.type in ("date", "timestamp"):
        moment = f"rtrim(translate(replace({cell}, '秒', ''), '年月日时分', '-- ::'), ' :')"
        plain = f"CASE WHEN contains({cell}, '年') THEN {moment} ELSE {cell} END"
    if not codes:
        return plain
    cases = " ".join(f"WHEN {literal(old)} THEN {literal(new)}" for old, new in codes.items())
    return f"CASE {cell} {cases} ELSE {plain} END"


def typed(column: Column, cell: str) -> str:
    """SQL: the clean cell in the column's type; NULL if it does not read as that type."""
    if column.type in ("date", "timestamp"):
        moment = (
            f"coalesce(CASE strlen({cell}) WHEN 8 THEN try_strptime({cell}, '%Y%m%d')"
            f" WHEN 14 THEN try_strptime({cell}, '%Y%m%d%H%M%S') END, TRY_CAST({cell} AS TIMESTAMP))"
        )
        # DuckDB has words for moments (`infinity`, `epoch`); no export means them, so a digit must come first.
        digit = f"unicode({cell}) BETWEEN 48 AND 57"
        inside = f"CASE WHEN {digit} AND year({moment}) BETWEEN {_FIRST_YEAR} AND {_LAST_YEAR} THEN {moment} END"
        return f"TRY_CAST({inside} AS {column.sql_type})"
    if column.type == "number":
        return f"CASE WHEN isfinite(TRY_CAST({cell} AS DOUBLE)) THEN TRY_CAST({cell} AS DOUBLE) END"
    if column.type in ("money", "count"):
        # DuckDB reads 1_000 as a thousand; no export means that.
        return f"CASE WHEN contains({cell}, '_') THEN NULL ELSE TRY_CAST({cell} AS {column.sql_type}) END"
    return cell


def _rules(column: Column, present: Collection[str]) -> list[tuple[str, str]]:
    """(code, SQL condition under which the rule is broken) over the raw `name$` and typed `name` columns."""
    name, raw = column.name, f"{column.name}$"
    rules = []
    if column.required:
        rules.append(("required", f"{raw} IS NULL"))
    if column.type in ("date", "timestamp"):
        rules.append(("date", f"{raw} IS NOT NULL AND {name} IS NULL"))
    if column.type in ("money", "count", "number"):
        rules.append(("number", f"{raw} IS NOT NULL AND {name} IS NULL"))
    if column.codes and not column.open_codes:
        rules.append(("code", f"{name} NOT IN ({', '.join(map(literal, column.codes))})"))
    bounds = [
        f"{name} {sign} {limit}" for sign, limit in (("<", column.minimum), (">", column.maximum)) if limit is not None
    ]
    if bounds:
        rules.append(("range", " OR ".join(bounds)))
    if column.rule == "id_number":
        rules.append(("id_number", _bad_id_number(name)))
    if column.not_before in present:
        rules.append(("too_early", f"{name} < {column.not_before}"))
    return rules


def _bad_id_number(name: str) -> str:
    """Broken: 18 characters that fail form, date or check digit, or digits of a length that no document has."""
    digits = " + ".join(
        f"(unicode(substr({name}, {place}, 1)) - 48) * {weight}" for place, weight in enumerate(_WEIGHTS, start=1)
    )
    valid = (
        f"regexp_full_match({name}, '[1-9][0-9]{{16}}[0-9X]')"
        f" AND try_strptime(substr({name}, 7, 8), '%Y%m%d') IS NOT NULL"
        f" AND substr('10X98765432', 1 + ({digits}) % 11, 1) = substr({name}, 18, 1)"
    )
    other = f"regexp_full_match({name}, '[0-9]{{15}}|[A-Z].*')"
    return f"CASE WHEN {name} IS NULL THEN false WHEN {other} THEN false ELSE NOT coalesce({valid}, false) END"


def _warnings(column: Column, present: Collection[str]) -> list[tuple[str, str]]:
    name, raw = column.name, f"{column.name}$"
    warnings = []
    if column.open_codes:
        warnings.append(("open_code", f"{name} NOT IN ({', '.join(map(literal, column.codes))})"))
    if column.type == "money":
        warnings.append(("rounded", f"abs(TRY_CAST({raw} AS DECIMAL(22,6))) <> abs({name})"))
    if column.rule == "id_number":
        warnings.append(("other_document", f"regexp_full_match({name}, '[0-9]{{15}}|[A-Z].*')"))
        number = f"CASE WHEN strlen({name}) = 18 AND {name} < 'A' THEN {name} END"
        if "brdy" in present:
            warnings.append(("birth_date", f"strftime(brdy, '%Y%m%d') <> substr({number}, 7, 8)"))
        if "gend" in present:
            odd = f"(unicode(substr({number}, 17, 1)) - 48) % 2 = 1"
            warnings.append(("sex", f"gend IN ('1', '2') AND (gend = '1') <> ({odd})"))
    if column.name == "medfee_sumamt" and {"fund_pay_sumamt", "acct_pay", "cash_payamt"} <= set(present):
        # A part that is absent from the row is unknown, not zero.
        warnings.append(("sum_of_payments", f"{name} <> fund_pay_sumamt + acct_pay + cash_payamt"))
    return warnings


def typed_sql(
    table: Table,
    cells: str,
    present: Collection[str],
    *,
    codes: Mapping[str, Mapping[str, str]],
    extra: Collection[str] = (),
    refunded: str | None = None,
    lenient: bool = False,
) -> str:
    """SELECT of the typed columns of `table`, the columns `extra` as they are, `_warnings` and `_problems`.

    Parameters
    ----------
    cells:
        Relation with the columns `present` as text, and `extra`.
    codes:
        Contract column → delivered value → contract value, from the mapping file.
    refunded:
        SQL condition over the raw columns (`name$`) that is true for rows that belong to a refund: their amounts and
        counts are made negative, whatever sign they came with.
    lenient:
        For derived rows: a rule broken outside the required columns empties the field and warns (`dropped`).
    """
    shown = [column for column in table.columns if column.name in present]
    clean = ", ".join(f"{cleaned(column.name)} AS {column.name}$" for column in shown)
    recoded = ", ".join(
        f"{_recoded(column, column.name + '$', codes.get(column.name, {}))} AS {column.name}$" for column in shown
    )
    kept = "".join(f", {name}" for name in extra)
    values = ", ".join(f"{_signed(column, refunded)} AS {column.name}" for column in shown)
    raws = ", ".join(f"{column.name}$" for column in shown)
    broken: list[tuple[Column, str, str]] = [
        (column, code, condition) for column in shown for code, condition in _rules(column, present)
    ]
    warned = [
        (f"{column.name}:{code}", condition) for column in shown for code, condition in _warnings(column, present)
    ]
    result = {column.name: column.name for column in shown}
    if lenient:
        for column in shown:
            conditions = [condition for each, _, condition in broken if each is column]
            if conditions and not column.required:
                result[column.name] = f"CASE WHEN {_any(conditions)} THEN NULL ELSE {column.name} END"
                warned.append((f"{column.name}:dropped", _any(conditions)))
        broken = [each for each in broken if each[0].required]
    problems = _joined([(f"{column.name}:{code}", condition) for column, code, condition in broken])
    own = ", ".join(
        f"{result[column.name]} AS {column.name}"
        if column.name in result
        else f"CAST(NULL AS {column.sql_type}) AS {column.name}"
        for column in table.columns
    )
    return (
        f"WITH clean AS (SELECT {clean}{kept} FROM {cells}), recoded AS (SELECT {recoded}{kept} FROM clean), "
        f"valued AS (SELECT {raws}, {values}{kept} FROM recoded) "
        f"SELECT {own}{kept}, {_joined(warned)} AS _warnings, {problems} AS {PROBLEMS} FROM valued"
    )


def _signed(column: Column, refunded: str | None) -> str:
    value = typed(column, f"{column.name}$")
    if refunded is None or column.type not in ("money", "count") or column.name == "pric":
        return value
    return f"CASE WHEN {refunded} THEN -abs({value}) ELSE {value} END"


def _any(conditions: Collection[str]) -> str:
    return " OR ".join(f"coalesce({condition}, false)" for condition in conditions)


def _joined(marks: list[tuple[str, str]]) -> str:
    """SQL: the marks whose condition holds, joined by `|`; NULL if none (the usual case, decided first)."""
    if not marks:
        return "CAST(NULL AS VARCHAR)"
    each = ", ".join(f"CASE WHEN {condition} THEN {literal(mark)} END" for mark, condition in marks)
    return f"CASE WHEN {_any([condition for _, condition in marks])} THEN concat_ws('|', {each}) END"


def literal(value: str) -> str:
    """SQL text literal."""
    return "'" + value.replace("'", "''") + "'"
