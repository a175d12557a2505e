"""Writes golden/: one table in Parquet files of every kind that pyarrow writes, and its cells as JSON.

    pip install pyarrow==26.0.1
    python packages/data/scripts/parquet.py
"""
import json
from datetime import date, datetime, time, timezone
from decimal import Decimal
from pathlib import Path
from uuid import UUID

import pyarrow as pa
import pyarrow.parquet as pq

golden = Path(__file__).parent.parent / "golden"
rows = 7


def some(values):
    """The values in turn, and a missing one in row 2."""
    return [None if i == 2 else values[i % len(values)] for i in range(rows)]


when = [datetime(2001, 1, 31, 23, 59, 58, 123000), datetime(1969, 12, 31, 23, 59, 59), datetime(2024, 2, 29)]
columns = {
    "bool": pa.array(some([True, False]), pa.bool_()),
    "int8": pa.array(some([-128, 127]), pa.int8()),
    "uint8": pa.array(some([0, 255]), pa.uint8()),
    "int16": pa.array(some([-32768, 32767]), pa.int16()),
    "uint16": pa.array(some([0, 65535]), pa.uint16()),
    "int32": pa.array(some([-(2**31), 2**31 - 1]), pa.int32()),
    "uint32": pa.array(some([0, 2**32 - 1]), pa.uint32()),
    "int64": pa.array(some([-(2**53) + 1, 2**53 - 1, 0]), pa.int64()),
    "uint64": pa.array(some([0, 2**53 - 1]), pa.uint64()),
    "float16": pa.array(some([0.5, -65504.0]), pa.float16()),
    "float32": pa.array(some([0.5, -3.0e38]), pa.float32()),
    "float64": pa.array(some([0.1, -1e300]), pa.float64()),
    "decimal": pa.array(some([Decimal("12.34"), Decimal("-0.01")]), pa.decimal128(9, 2)),
    "text": pa.array(some(["", "ermine", "Zürich 🦡", "NA"]), pa.string()),
    "large text": pa.array(some(["a", "b"]), pa.large_string()),
    "category": pa.array(some(["red", "blue"]), pa.dictionary(pa.int32(), pa.string())),
    "uuid": pa.array(some([UUID(int=1).bytes, UUID(int=2**127).bytes]), pa.uuid()),
    "day": pa.array(some([date(1969, 12, 31), date(2024, 2, 29)]), pa.date32()),
    "milliseconds": pa.array(some(when), pa.timestamp("ms")),
    "microseconds, UTC": pa.array(some([w.replace(tzinfo=timezone.utc) for w in when]), pa.timestamp("us", tz="UTC")),
    "nanoseconds": pa.array(some([1, 10**9 + 10, -1]), pa.timestamp("ns")),
    "time": pa.array(some([time(23, 59, 59, 999000), time(0, 0)]), pa.time32("ms")),
    "time in µs": pa.array(some([time(1, 2, 3, 4), time(12, 0)]), pa.time64("us")),
    "required": pa.array(range(rows), pa.int32()),
    "none": pa.array([None] * rows, pa.float64()),
}
nested = {
    "list": pa.array([[1, 2]] * rows, pa.list_(pa.int32())),
    "structure": pa.array([{"a": 1}] * rows, pa.struct([("a", pa.int32())])),
    "map": pa.array([[("k", 1)]] * rows, pa.map_(pa.string(), pa.int32())),
    "fixed": pa.array([b"1234"] * rows, pa.binary(4)),
}
schema = pa.schema([pa.field(name, values.type, nullable=name != "required") for name, values in {**columns, **nested}.items()])
table = pa.table({**columns, **nested}, schema=schema)


def text(value, utc):
    seconds, rest = divmod(value, 10**9)
    base = datetime.fromtimestamp(seconds, timezone.utc).strftime("%Y-%m-%dT%H:%M:%S")
    return base + (f".{rest:09d}".rstrip("0") if rest else "") + ("Z" if utc else "")


def cell(name, value):
    if value is None:
        return None
    kind = columns[name].type
    if pa.types.is_date(kind):
        return value.isoformat()
    if pa.types.is_time(kind):
        return value.isoformat()[:8] + (f".{value.microsecond:06d}".rstrip("0") if value.microsecond else "")
    if pa.types.is_decimal(kind):
        return float(value)
    if name == "uuid":
        return str(value)
    return value


def nanoseconds(values):
    return values.cast(pa.timestamp("ns", tz=values.type.tz)).cast(pa.int64()).to_pylist()


(golden / "examples").mkdir(parents=True, exist_ok=True)
cells = {}
for name, values in columns.items():
    if pa.types.is_timestamp(values.type):
        cells[name] = [None if v is None else text(v, values.type.tz is not None) for v in nanoseconds(values)]
    else:
        cells[name] = [cell(name, value) for value in values.to_pylist()]
lines = [f"  {json.dumps(name, ensure_ascii=False)}: {json.dumps(values, ensure_ascii=False)}" for name, values in cells.items()]
(golden / "parquet.json").write_text("{\n" + ",\n".join(lines) + "\n}\n")

files = {
    "plain": dict(compression="none", use_dictionary=False, write_statistics=False),
    "snappy": dict(compression="snappy", write_page_checksum=True),
    "gzip": dict(compression="gzip", data_page_version="2.0"),
    "zstd": dict(compression="zstd", row_group_size=3),
    "brotli": dict(compression="brotli", data_page_version="2.0", write_page_checksum=True, write_page_index=True),
    "delta": dict(
        compression="none",
        use_dictionary=False,
        column_encoding={
            "int32": "DELTA_BINARY_PACKED",
            "int64": "DELTA_BINARY_PACKED",
            "float64": "BYTE_STREAM_SPLIT",
            "text": "DELTA_BYTE_ARRAY",
            "large text": "DELTA_LENGTH_BYTE_ARRAY",
        },
    ),
    "int96": dict(use_deprecated_int96_timestamps=True),
}
for name, options in files.items():
    pq.write_table(table, golden / f"{name}.parquet", store_schema=False, **options)

# The file of the docstrings' examples.
flights = pa.table(
    {
        "day": pa.array([date(2001, 1, 1)] * 5, pa.date32()),
        "delay": pa.array([12, -3, None, 0, 45], pa.int64()),
        "distance": pa.array([2176, 373, 480, 1050, 373], pa.int64()),
        "origin": ["LAS", "ATL", "JFK", "BOS", None],
    }
)
pq.write_table(flights, golden / "examples" / "flights.parquet", row_group_size=3, compression="zstd", store_schema=False)
