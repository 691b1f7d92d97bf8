"""Many rows at once: written by the driver itself, and looked up by lists that are one parameter each.

SQLAlchemy turns each row of an insert into parameters anew, and each list into as many parameters as it has members; both cost
several times what the database does. What is written is the same: every value passes its column's type.
"""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import psycopg
from sqlalchemy import JSON, Dialect, String, Subquery, Table, bindparam, cast, column, func, select
from sqlalchemy.orm import DeclarativeBase, Session

from broadcaster.storage.database import Words


def add(session: Session, model: type[DeclarativeBase], rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert rows that have every column of the table."""
    if not rows:
        return
    table = model.metadata.tables[model.__tablename__]
    connection = session.connection()
    preparer = connection.dialect.identifier_preparer
    names = ", ".join(preparer.quote(each.name) for each in table.columns)
    into = f"{preparer.format_table(table)} ({names})"
    values = _values(table, connection.dialect, rows)
    if connection.dialect.name == "sqlite":
        marks = ", ".join("?" * len(table.columns))
        connection.exec_driver_sql(f"INSERT INTO {into} VALUES ({marks})", list(values))  # noqa: S608 - the schema's names
        return
    driver = connection.connection.driver_connection
    if not isinstance(driver, psycopg.Connection):
        raise TypeError(f"rows cannot be copied over a {type(driver).__name__}")
    with driver.cursor() as cursor, cursor.copy(f"COPY {into} FROM STDIN".encode()) as copy:
        for row in values:
            copy.write_row(row)


def _values(table: Table, dialect: Dialect, rows: Sequence[Mapping[str, Any]]) -> Iterable[tuple[Any, ...]]:
    processors = _processors(table, dialect)
    columns = []
    for each in table.columns:
        values = [row[each.key] for row in rows]
        if process := processors.get(each.key):
            # Rows of one batch share most of their instants and places: what was processed is known by its identity.
            seen = {id(value): value for value in values}
            made = {name: process(value) for name, value in seen.items()}
            values = [made[id(value)] for value in values]
        columns.append(values)
    return zip(*columns, strict=True)


@lru_cache(maxsize=16)
def _processors(table: Table, dialect: Dialect) -> dict[str, Callable[[Any], Any]]:
    # Texts come from documents and rows that were looked at before (`Words`): to look again at each costs more than to write it.
    found = {
        each.key: each.type.dialect_impl(dialect).bind_processor(dialect)
        for each in table.columns
        if not isinstance(each.type, Words)
    }
    return {name: process for name, process in found.items() if process is not None}


def listed(session: Session, rows: Iterable[Sequence[str]], *names: str) -> Subquery:
    """These rows as a table with these columns, to join with: one parameter and one statement, however many they are.

    A list of pairs in an IN is what SQLite has no index for: it reads the whole table instead.
    """
    text = bindparam(None, json.dumps(list(rows)), type_=String)
    if session.connection().dialect.name == "sqlite":
        each = func.json_each(text).table_valued(column("value", JSON))
    else:
        each = func.json_array_elements(cast(text, JSON)).table_valued(column("value", JSON))
    return select(
        *(each.c.value.op("->>", return_type=String)(place).label(name) for place, name in enumerate(names))
    ).subquery("listed")
