"""The rows of a table that a batch of fits filled."""


def rows(table, replicate=None) -> list[dict]:
    found = [dict(zip(table, row, strict=True)) for row in zip(*table.values(), strict=True)]
    return [row for row in found if replicate in (None, row["replicate"])]
